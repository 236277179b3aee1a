"""Each limit on what a client sends is a setting, and what is over it is answered."""

import json

import pytest

from tests.support.peer import ROOM, masked
from tests.support.timing import PATIENCE

TEXT, MORE = 1, 0


def data(**fields):
    return {"type": "Data", "payload": 1, **fields}


def join(**info):
    return {"type": "JoinRoom", "roomInfo": ROOM | info, "makeRoomIfNonExistant": True}


# The setting, its value, a message that is within it and one that is not, and what that is told.
LIMITS = [
    ("max_depth", 3, data(payload=[[1]]), data(payload=[[[1]]]), "nested too deep: at most 3"),
    ("max_name", 5, join(name="12345"), join(name="123456"), "has 6 characters; at most 5"),
    (
        "max_whisper_ids",
        2,
        data(subType="Whisper", whisperClientIds=["a", "b"]),
        data(subType="Whisper", whisperClientIds=["a", "b", "c"]),
        "at most 2 clients, not 3",
    ),
    (
        "max_together_timeout_ms",
        1000,
        join(togetherTimeoutMs=1000),
        join(togetherTimeoutMs=1001),
        "above 0 and at most 1000, not 1001",
    ),
    (
        "max_together_groups",
        1,
        data(subType="Together", togetherId="first"),
        data(subType="Together", togetherId="second"),
        "at most 1 groups",
    ),
]


@pytest.mark.parametrize(("setting", "value", "within", "over", "told"), LIMITS)
def test_a_message_over_a_limit_is_refused_with_the_limit(
    setting, value, within, over, told, service
):
    url = service.start(room_cleanup_delay=0, **{setting: value})
    peer, other = service.peer(url), service.peer(url)
    if within["type"] == "Data":
        for each in (peer, other):
            each.join(name="r", app="app")
    peer.send(json.dumps(within))
    peer.send(json.dumps(over))
    heard = [peer.hear()]
    while heard[-1]["type"] not in ("Err", "RejectPromise"):
        heard.append(peer.hear())
    refused = [one for one in heard if one["type"] in ("Err", "RejectPromise")]
    assert len(refused) == 1
    assert told in (refused[0].get("err") or refused[0]["message"])


@pytest.mark.parametrize(("fragments", "code"), [(3, None), (4, 1008)])
def test_a_message_in_too_many_fragments_ends_its_sender(fragments, code, service):
    url = service.start(room_cleanup_delay=0, max_fragments=3)
    wire = service.wire(url)
    wire.frame()
    text = json.dumps({"type": "GetStats"}).encode()
    wire.send(masked(TEXT, text, fin=False))
    for count in range(2, fragments + 1):
        wire.send(masked(MORE, b"", fin=count == fragments))
    opcode, payload = wire.frame()
    assert opcode == (TEXT if code is None else 8)
    assert (int.from_bytes(payload[:2], "big") if code else None) == code


def test_an_id_of_more_than_the_allowed_characters_is_refused(service):
    url = service.start(max_client_id=3)
    assert service.peer(url, clientId="abc").id == "abc"
    wire = service.wire(url, handshake=False)
    wire.send(wire.request("/?clientId=abcd"))
    answer = wire.read_until(b"allowed.\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"clientId has 4 characters; at most 3 are allowed." in answer


@pytest.mark.parametrize("kind", ["GetRooms", "GetStats"])
def test_an_answer_that_lists_rooms_takes_half_an_outbox_and_says_that_there_is_more(kind, service):
    url = service.start(
        room_cleanup_delay=0, max_message_bytes=2900, outbox_bytes=8000, max_members=50
    )
    peers = [service.peer(url) for _ in range(10)]
    for number, peer in enumerate(peers):
        peer.join(name=str(number) + "\N{GRINNING FACE}" * 199)
    peers[0].say(kind)
    text = peers[0].socket.recv(PATIENCE)
    answer = json.loads(text).get("stats") or json.loads(text)
    assert 3000 < len(text.encode()) <= 4000
    assert answer["more"] is True


def test_in_the_smallest_outbox_as_many_as_may_be_in_a_room_have_space_with_the_hubs_ids(service):
    small = {"max_members": 100, "outbox_bytes": 15_600, "max_message_bytes": 6_000}
    url = service.start(room_cleanup_delay=0, room_rate_per_client=0, **small)
    peers = [service.peer(url) for _ in range(100)]
    for peer in peers:
        peer.join()
    late = service.peer(url)
    late.say("JoinRoom", roomInfo=ROOM)
    assert late.hear()["err"].startswith("This room has 100 clients, as many as")
    late.say("EnterMatchmaking", app="chat", version="1", matchSize=100)
    assert late.hear()["type"] == "ResolvePromise"
    longer = service.peer(url, clientId="x" * 37)
    longer.say("EnterMatchmaking", app="chat", version="1", matchSize=100)
    assert "at most 36 bytes" in longer.hear()["err"]


@pytest.fixture
def slow(service):
    """The address of a hub on which a client may send ten messages, and hardly any more."""
    return service.start(room_cleanup_delay=0, rate_limit=0.01, rate_burst=10)


@pytest.mark.parametrize("kind", ["GetRooms", "GetStats"])
def test_a_list_of_rooms_counts_as_a_message_more_for_each_16_kib(kind, service, slow):
    long = "\N{GRINNING FACE}" * 200
    peers = [service.peer(slow) for _ in range(16)]
    for number, peer in enumerate(peers):
        peer.join(name=f"{number:02}{long[2:]}", app=long, version=long)
    asker = service.peer(slow)
    for _ in range(5):
        asker.say(kind)
    sizes = [len(asker.socket.recv(PATIENCE).encode()) for _ in range(4)]
    assert all(2 * 16_384 < size < 3 * 16_384 for size in sizes)
    assert asker.close_code() == 4429  # as each counted for three


def test_a_short_list_of_rooms_counts_as_one_message(service, slow):
    asker = service.peer(slow)
    for _ in range(11):
        asker.say("GetRooms")
    assert [asker.hear() for _ in range(10)] == [{"type": "Rooms", "rooms": []}] * 10
    assert asker.close_code() == 4429


def recovery(service, url, payloads):
    """What a client that missed these asks to be told, when it comes back."""
    sender = service.peer(url)
    told = sender.join(history=100)["data"]
    for payload in payloads:
        sender.say("Data", payload=payload)
        sender.hear_type("Data")
    recover = {"epoch": told["epoch"], "seq": told["seq"]}
    return {"type": "JoinRoom", "roomInfo": ROOM, "recover": recover}


def test_what_a_client_is_sent_again_counts_as_a_message_more_for_each_16_kib(service, slow):
    asks = recovery(service, slow, ["x" * 15_000] * 3)
    back = service.peer(slow)
    for _ in range(5):
        back.send(json.dumps(asks))
        back.say("LeaveRoom")
    assert [back.hear_type("ResolvePromise")["data"]["recovered"] for _ in range(3)] == [True] * 3
    assert back.close_code() == 4429  # at the third LeaveRoom: each JoinRoom counted for three


def test_who_has_missed_half_an_outbox_can_say_sixty_things_when_it_comes_back(service):
    url = service.start(room_cleanup_delay=0)
    asks = recovery(service, url, ["x" * 15_000] * 34)
    back = service.peer(url)
    back.send(json.dumps(asks))
    for number in range(60):
        back.say("Data", payload=number)
    heard = [back.hear_type("Data")["payload"] for _ in range(34 + 60)]
    assert heard[34:] == [*range(60)]
