"""One client's socket: pings, limits, slow readers, and how connections end."""

import json
from time import monotonic

import gevent
import pytest

from piehub.net import connection as connection_module
from piehub.net.connection import CLOSE_TIMEOUT
from tests.support.peer import ROOM, masked
from tests.support.timing import MS, PATIENCE

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
PAYLOAD = "x" * 60_000


def say(kind, **fields):
    return masked(TEXT, json.dumps({"type": kind, **fields}).encode())


def joined(service, url):
    """A client of bytes that is in a room and has read what that brings."""
    wire = service.wire(url)
    wire.frame()
    wire.send(say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True))
    while b"ResolvePromise" not in wire.frame()[1]:
        pass
    return wire


def code_of(close_payload):
    return int.from_bytes(close_payload[:2], "big")


def test_a_ping_is_answered_with_its_payload(service):
    wire = service.wire(service.start())
    wire.frame()
    wire.send(masked(PING, b"are you there?"))
    assert wire.frame() == (PONG, b"are you there?")


def test_a_close_frame_is_answered_with_its_code_and_nothing_more(service):
    wire = service.wire(service.start())
    wire.frame()
    wire.send(masked(CLOSE, b"\x0f\xa0bye"))
    assert wire.rest() == b"\x88\x02\x0f\xa0"


def test_an_empty_close_frame_is_answered_with_an_empty_one(service):
    wire = service.wire(service.start())
    wire.frame()
    wire.send(masked(CLOSE, b""))
    assert wire.rest() == b"\x88\x00"


def test_what_comes_after_a_close_frame_is_not_read(service):
    url = service.start(room_cleanup_delay=0)
    witness, wire = service.peer(url), joined(service, url)
    witness.join()
    wire.send(masked(CLOSE, b"\x03\xe8") + say("Data", payload="too late"))
    assert witness.hear_type("ClientPresenceChanged")["present"] is False
    assert witness.hears_nothing()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\x81\x02hi", 1002, id="not masked"),
        pytest.param(masked(3, b""), 1002, id="unknown opcode"),
        pytest.param(masked(TEXT, b"\xff"), 1007, id="not UTF-8"),
        pytest.param(masked(TEXT, b"x" * 1001)[:8], 1009, id="too long, by its header alone"),
        pytest.param(
            masked(TEXT, b"x" * 600, fin=False) + masked(0, b"x" * 600),
            1009,
            id="too long in fragments",
        ),
    ],
)
def test_a_broken_frame_closes_with_the_code_of_its_fault(data, code, service):
    wire = service.wire(service.start(max_message_bytes=1000))
    wire.frame()
    wire.send(data)
    opcode, payload = wire.frame()
    assert (opcode, code_of(payload)) == (CLOSE, code)
    wire.close()


def test_a_client_that_is_still_sending_gets_to_read_why_it_was_closed(service):
    wire = service.wire(service.start(max_message_bytes=1000))
    wire.frame()
    wire.send(masked(TEXT, b"x" * 3_000_000))
    opcode, payload = wire.frame()
    assert (opcode, code_of(payload)) == (CLOSE, 1009)
    assert wire.rest() == b""


def test_too_many_messages_at_once_close_with_4429(service):
    url = service.start(rate_limit=1, rate_burst=10)
    wire = service.wire(url)
    wire.frame()
    wire.send(say("GetStats") * 11)
    answers = [wire.frame() for _ in range(11)]
    assert [opcode for opcode, _ in answers] == [TEXT] * 10 + [CLOSE]
    assert code_of(answers[-1][1]) == 4429


def test_pings_count_against_the_rate(service):
    wire = service.wire(service.start(rate_limit=1, rate_burst=3))
    wire.frame()
    wire.send(masked(PING, b"") * 4)
    assert [wire.frame()[0] for _ in range(4)] == [PONG, PONG, PONG, CLOSE]


def test_the_rate_allows_more_as_time_passes(service):
    wire = service.wire(service.start(rate_limit=100 / MS / 1000, rate_burst=2))
    wire.frame()
    for _ in range(6):
        wire.send(masked(PING, b""))
        assert wire.frame()[0] == PONG
        gevent.sleep(20 * MS)


def test_a_rate_limit_of_0_is_no_limit(service):
    wire = service.wire(service.start(rate_limit=0, rate_burst=1))
    wire.frame()
    wire.send(masked(PING, b"") * 500)
    assert [wire.frame()[0] for _ in range(500)] == [PONG] * 500


def test_a_silent_client_is_pinged_and_stays_if_it_answers(service):
    wire = service.wire(service.start(ping_interval=60 * MS, ping_timeout=80 * MS))
    wire.frame()
    for _ in range(4):
        assert wire.frame() == (PING, b"")
        wire.send(masked(PONG, b""))


def test_a_client_that_answers_no_ping_is_closed_with_4408(service):
    url = service.start(ping_interval=60 * MS, ping_timeout=60 * MS, room_cleanup_delay=0)
    witness = service.peer(url)
    witness.join()
    wire = joined(service, url)
    assert witness.hear()["present"] is True
    assert wire.frame() == (PING, b"")
    opcode, payload = wire.frame()
    assert (opcode, code_of(payload)) == (CLOSE, 4408)
    assert witness.hear()["present"] is False


def test_nothing_follows_the_hubs_close_frame(service):
    url = service.start(ping_interval=60 * MS, ping_timeout=60 * MS, room_cleanup_delay=0)
    talker = service.peer(url)
    talker.join()
    silent = joined(service, url)
    talker.hear()
    chatter = gevent.spawn(chat, talker, 100)
    frames = [silent.frame()]
    while frames[-1][0] != CLOSE:
        frames.append(silent.frame())
    assert silent.rest() == b""
    chatter.get()
    assert talker.hear_type("ClientPresenceChanged")["clients"] == [talker.id]


def chat(peer, count):
    for number in range(count):
        peer.say("Data", payload=number)
        gevent.sleep(MS)


def test_who_breaks_the_protocol_is_out_of_the_room_at_once(service):
    url = service.start(room_cleanup_delay=0)
    witness = service.peer(url)
    witness.join()
    wire = joined(service, url)
    witness.hear()
    wire.send(masked(3, b""))  # and it leaves the hub's close frame unanswered
    began = monotonic()
    assert witness.hear()["present"] is False
    assert monotonic() - began < CLOSE_TIMEOUT / 2


def test_a_client_that_takes_nothing_for_too_long_is_given_up(service, monkeypatch):
    monkeypatch.setattr(connection_module, "STALL_TIMEOUT", 200 * MS)
    url = service.start(outbox_bytes=400_000, rate_limit=0, room_cleanup_delay=0)
    wire = joined(service, url)
    (connection,) = service.hub.heartbeat
    message = say("Data", payload="x" * 50_000)
    flood = gevent.spawn(flood_until_closed, wire, message)
    while connection.closing_at is None:
        gevent.sleep(MS)
    assert connection.how_it_ended()[0] == 4413
    flood.kill()


def flood_until_closed(wire, message):
    try:
        while True:
            wire.send(message)
    except OSError:
        return


def test_a_ping_interval_of_0_pings_nobody(service):
    wire = service.wire(service.start(ping_interval=0, ping_timeout=20 * MS))
    wire.frame()
    wire.socket.settimeout(200 * MS)
    with pytest.raises(TimeoutError):
        wire.frame()


def room_with_a_stalled_client(service):
    """A sender, a reader, a client that reads nothing more, and the hub's side of the last."""
    url = service.start(outbox_bytes=200_000, rate_limit=0, room_cleanup_delay=0)
    sender, reader = service.peer(url), service.peer(url)
    others = set()
    for peer in (sender, reader):
        peer.join()
        others = set(service.hub.heartbeat)
    slow = joined(service, url)
    (connection,) = set(service.hub.heartbeat) - others
    return sender, reader, slow, connection


def fill(sender, reader, connection):
    """Send until too much waits for `connection`; the others must get all of it meanwhile."""
    reader.hear_type("ClientPresenceChanged")
    while not connection.is_too_slow:
        sender.say("Data", payload=PAYLOAD)
        assert reader.hear()["payload"] == PAYLOAD
        assert sender.hear_type("Data")["payload"] == PAYLOAD


def test_a_slow_client_reads_whole_messages_and_then_4413(service):
    sender, reader, slow, connection = room_with_a_stalled_client(service)
    fill(sender, reader, connection)
    frames = [slow.frame()]
    while frames[-1][0] != CLOSE:
        frames.append(slow.frame())
    assert code_of(frames.pop()[1]) == 4413
    assert {json.loads(text)["payload"] for _, text in frames} == {PAYLOAD}
    slow.close()
    assert reader.hear()["clients"] == [sender.id, reader.id]


def test_a_client_that_never_reads_again_is_gone_for_the_others(service):
    sender, reader, _, connection = room_with_a_stalled_client(service)
    fill(sender, reader, connection)
    sender.say("Data", payload="the room goes on")
    assert reader.hear()["payload"] == "the room goes on"
    assert reader.hear()["clients"] == [sender.id, reader.id]
    assert connection.how_it_ended()[0] == 4413


def test_a_client_that_does_not_read_is_not_read_from(service):
    """Its own echoes fill its outbox by half, never to the limit: it may come back."""
    url = service.start(outbox_bytes=400_000, rate_limit=0, room_cleanup_delay=0)
    wire = joined(service, url)
    hub = service.hub
    message = say("Data", payload="x" * 50_000)
    flood = gevent.spawn(lambda: [wire.send(message) for _ in range(400)])
    connection = next(iter(hub.heartbeat))
    deadline = monotonic() + PATIENCE
    while connection.waiting <= 200_000 and monotonic() < deadline:
        gevent.sleep(MS)
    assert not connection.is_listening
    assert 200_000 < connection.waiting < 400_000
    heard = [json.loads(wire.frame()[1]) for _ in range(400)]
    assert {message["type"] for message in heard} == {"Data"}
    flood.get()


def test_a_reset_connection_leaves_its_room(service):
    url = service.start(room_cleanup_delay=0)
    witness = service.peer(url)
    witness.join()
    wire = joined(service, url)
    witness.hear()
    wire.close()
    assert witness.hear()["present"] is False
