import gc
import json
import tracemalloc
from functools import partial

import pytest

from piehub.protocol.incoming import decode, together_group
from piehub.rooms.entry import Refused
from piehub.rooms.together import Together, Waiting


def test_a_group_waits_until_everyone_in_the_room_has_sent(hub):
    a, b, c = hub.room_of("a b c")
    hub.together(b, "from b")
    hub.together(a, "from a")
    assert a.heard() == b.heard() == c.heard() == []
    hub.together(c, "from c")
    sent = [
        {"type": "Data", "payload": f"from {sender}", "fromClient": sender}
        for sender in ("b", "a", "c")
    ]
    assert a.heard() == b.heard() == c.heard() == sent


def test_all_messages_of_a_group_have_one_time(hub):
    a, b = hub.room_of("a b")
    hub.together(a, 1)
    hub.say(a, "between")
    hub.together(b, 2)
    assert b.payloads() == ["between", 1, 2]
    between, first, second = b.times[-3:]
    assert between < first == second


def test_a_second_message_replaces_the_first_in_place(hub):
    a, b, c = hub.room_of("a b c")
    hub.together(a, "a, first")
    hub.together(b, "b")
    hub.together(a, "a, second")
    hub.together(a, "a, third")
    assert c.heard() == []
    hub.together(c, "c")
    assert c.payloads() == ["a, third", "b", "c"]


def test_who_is_alone_is_together_at_once(hub):
    (a,) = hub.room_of("a", together_timeout_ms=100)
    hub.together(a, 1)
    assert a.payloads() == [1]
    assert hub.clock.timers == []


def test_a_group_can_be_sent_to_again_once_it_is_complete(hub):
    a, b = hub.room_of("a b")
    for lap in range(3):
        hub.together(a, lap)
        hub.together(b, lap)
    hub.together(a, "waits")
    assert a.payloads() == b.payloads() == [0, 0, 1, 1, 2, 2]


def test_groups_wait_apart_from_each_other(hub):
    a, b = hub.room_of("a b")
    hub.together(a, 1, "x")
    hub.together(b, 2, "y")
    assert a.heard() == []
    hub.together(a, 3, "y")
    assert a.payloads() == [2, 3]
    hub.together(b, 4, "x")
    assert a.payloads() == [1, 4]


def test_rooms_wait_apart_from_each_other(hub):
    a, b = hub.room_of("a b")
    c, d = hub.room_of("c d", name="other")
    hub.together(a, 1)
    hub.together(c, 2)
    assert a.heard() == c.heard() == []
    hub.together(d, 3)
    assert c.payloads() == [2, 3]
    assert a.heard() == b.heard() == []


@pytest.mark.parametrize("text", ["", "None", "null", "undefined"])
def test_a_message_without_an_id_waits_in_a_group_of_its_own(hub, text):
    a, b = hub.room_of("a b")
    hub.together(a, 1, None)
    hub.together(b, 2, text)
    assert a.heard() == []
    hub.together(b, 3, None)
    assert a.payloads() == [1, 3]


def test_a_number_and_its_text_are_one_group(hub):
    names = ["5", "5.0", '"5"', "0.5e1"]
    clients = hub.room_of("a b c d")
    for client, said in zip(clients, names, strict=True):
        assert clients[0].heard() == []
        envelope = decode(f'{{"type":"Data","togetherId":{said}}}'.encode())
        hub.together(client, said, together_group(envelope))
    assert clients[0].payloads() == names


# Coming and going


def test_a_newcomer_must_send_too(hub):
    a, b = hub.room_of("a b")
    hub.together(a, 1)
    c = hub.client("c")
    hub.join(c)
    hub.together(b, 2)
    assert a.payloads() == []
    hub.together(c, 3)
    assert a.payloads() == c.payloads() == [1, 2, 3]


@pytest.mark.parametrize("go", ["leave", "disconnect"])
def test_a_leaver_completes_the_group_that_only_waited_for_it(hub, presence, go):
    a, b, c = hub.room_of("a b c")
    hub.together(a, 1)
    hub.together(b, 2)
    getattr(hub.registry, go)(c)
    told, *messages = a.heard()
    assert told == presence("a b", present=False)
    assert [message["payload"] for message in messages] == [1, 2]
    assert b.payloads() == [1, 2]
    assert c.heard() == []


def test_what_a_leaver_had_queued_is_still_sent(hub):
    a, b, c = hub.room_of("a b c")
    hub.together(c, "from c")
    hub.together(a, "from a")
    hub.registry.leave(c)
    assert a.payloads() == []
    hub.together(b, "from b")
    assert a.payloads() == b.payloads() == ["from c", "from a", "from b"]
    assert c.heard() == []


def test_as_many_messages_as_clients_are_not_enough_if_one_is_a_leavers(hub):
    a, b, c = hub.room_of("a b c")
    hub.together(c, "from c")
    hub.registry.leave(c)
    hub.together(a, "from a")
    assert a.payloads() == []
    hub.together(b, "from b")
    assert a.payloads() == ["from c", "from a", "from b"]


def test_a_leaver_completes_all_groups_that_only_waited_for_it(hub):
    a, b, c = hub.room_of("a b c")
    for group in ("x", None, "y"):
        hub.together(a, f"a in {group}", group)
    for group in ("y", "x"):
        hub.together(b, f"b in {group}", group)
    hub.registry.leave(c)
    assert a.payloads() == ["a in x", "b in x", "a in y", "b in y"]
    hub.together(b, "b in None", None)
    assert a.payloads() == ["a in None", "b in None"]


def test_a_group_goes_with_the_last_who_waited_in_it(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, 1)
    hub.registry.leave(a)
    hub.registry.leave(b)
    hub.join(a)
    hub.join(b)
    hub.clock.advance(2)
    hub.together(b, 2)
    assert a.payloads() == []
    assert hub.clock.timers[0].at == hub.clock.seconds + 1


# The limit


def test_what_waits_in_a_room_is_bounded_in_bytes(hub):
    """Also by clients that come, queue as much as they may, and vanish."""
    (stays,) = hub.room_of("stays")
    payload = "x" * 60_000
    size = len(hub.head(hub.stranger("1000"), payload)) + 45  # with what it grows by

    def pass_by(number):
        client = hub.client(str(number))
        hub.join(client)
        try:
            hub.together(client, payload)
        finally:
            hub.registry.disconnect(client)

    most = 1_048_576 * 3 // 4 // size
    for number in range(1000, 1000 + most):
        pass_by(number)
    with pytest.raises(Refused, match="Too much waits together"):
        pass_by("late")
    stays.heard()
    hub.together(stays, "it fits", "g")
    assert stays.payloads() == [payload] * most + ["it fits"]
    pass_by("in time")  # what was sent waits no more


def test_a_message_that_replaces_another_takes_its_place_in_the_count_too(hub):
    a, b = hub.room_of("a b")
    for number in range(200):
        hub.together(a, [number, "x" * 60_000])
    hub.together(b, "b")
    assert [payload[0] for payload in b.payloads()] == [199, "b"]


def test_all_that_waits_in_a_room_finds_space_in_an_outbox_when_it_goes_at_once(make_hub):
    """Also in a room that numbers its messages."""
    hub = make_hub(outbox_bytes=100_000)
    stays, goes = hub.room_of("stays goes", history=1000)
    for number in range(32):
        hub.together(stays, 1, str(number))

    def pass_by(number):
        client = hub.client(str(number))
        hub.join(client)
        try:
            hub.together(client, "x" * 100, str(number % 32))
        finally:
            hub.registry.disconnect(client)

    with pytest.raises(Refused, match="at most 32 groups and 75000 bytes"):
        list(map(pass_by, range(10_000)))
    stays.frames.clear()
    hub.registry.leave(goes)
    frames = [frame for frame in stays.frames if b'"Data"' in frame]
    assert 70_000 < sum(map(len, frames)) + 4 * len(frames) <= 75_000


@pytest.mark.parametrize(
    ("sender", "message_id"),
    [("anna", None), ("\N{PIE}" * 128, None), ("anna", "\N{PIE}" * 64)],
    ids=["short", "a long sender's id", "a long messageId"],
)
@pytest.mark.parametrize("senders", [1, 50])
def test_what_waits_together_is_counted_at_what_it_takes(sender, message_id, senders):
    everybodys = Waiting(1000, 10**9, 10**9, share=0)
    gc.collect()
    tracemalloc.start()
    rooms = [Together(everybodys) for _ in range(10)]
    for room in rooms:
        for number in range(1000):
            of = f"{sender}{number % senders}"
            given = f"{message_id}{number}" if message_id else None
            text = b"%100d" % number
            group, _ = room.put(f"group {number // senders}", of, text, given)
            group.cancel_timeout = partial(print, group)  # as a timer would be
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.6 * everybodys.size < taken < everybodys.size


def test_32_groups_may_wait_in_a_room_and_no_more(hub):
    a, b = hub.room_of("a b")
    for number in range(31):
        hub.together(a, number, str(number))
    hub.together(a, "no id", None)
    with pytest.raises(Refused) as caught:
        hub.together(b, "one more", "one more")
    assert str(caught.value) == (
        "Too much waits together in this room: at most 32 groups and 786432 bytes may"
    )
    assert b.heard() == []

    hub.together(b, "b", "7")
    assert b.payloads() == [7, "b"]
    hub.together(b, "now it fits", "one more")
    hub.together(a, "a", "one more")
    assert a.payloads() == [7, "b", "now it fits", "a"]


def test_what_waits_in_all_rooms_is_bounded_but_for_each_rooms_share(make_hub):
    hub = make_hub(together_bytes=105_000, rooms=10)
    greedy, other = hub.room_of("greedy other")
    modest, partner = hub.room_of("modest partner", name="modest")
    for number in range(9):
        hub.together(greedy, "x" * 10_000, str(number))
    with pytest.raises(Refused, match="in the rooms of this hub; send this again in a moment"):
        hub.together(greedy, "x" * 10_000, "one more")
    hub.together(modest, "y" * 9_000)
    with pytest.raises(Refused, match="in the rooms of this hub"):
        hub.together(modest, "y" * 9_000, "one more")
    hub.together(partner, "z")
    assert modest.payloads() == ["y" * 9_000, "z"]
    hub.registry.leave(other)  # what the one who is left has sent is complete
    hub.together(modest, "y" * 30_000)


def test_nothing_waits_once_all_has_been_sent(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, "a", "at once")
    hub.together(a, "aa", "at once")
    hub.together(b, "b", "at once")
    hub.together(a, "late", "when time is up")
    hub.together(b, "never", "when it has left")
    hub.clock.advance(1)
    hub.registry.leave(b)
    assert hub.registry._together.size == 0


def test_the_limit_of_one_room_is_not_that_of_another(hub):
    a, _ = hub.room_of("a b")
    c, d = hub.room_of("c d", name="other")
    for number in range(32):
        hub.together(a, number, str(number))
    hub.together(c, 1)
    hub.together(d, 2)
    assert c.payloads() == [1, 2]


def test_a_group_is_framed_once_a_message(make_hub):
    texts = []

    def frame(text):
        texts.append(json.loads(text))
        return text

    hub = make_hub(frame=frame)
    a, b, c = hub.room_of("a b c")
    texts.clear()
    for client in (a, b, c):
        hub.together(client, client.id)
    assert [text["payload"] for text in texts] == ["a", "b", "c"]
    assert a.frames[-3:] == b.frames[-3:] == c.frames[-3:]
