import pytest

from piehub.protocol import texts
from piehub.rooms.entry import Refused


def data(sender, payload):
    return {"type": "Data", "payload": payload, "fromClient": sender}


def test_data_goes_to_everyone_in_the_room_and_to_the_sender_too(hub):
    a, b, c = hub.room_of("a b c")
    hub.say(b, {"x": 1})
    assert a.heard() == b.heard() == c.heard() == [data("b", {"x": 1})]
    assert a.times[-1] == b.times[-1] == c.times[-1]


def test_everyone_hears_the_messages_in_one_order(hub):
    a, b, c = hub.room_of("a b c")
    for number in range(10):
        hub.say((a, b, c)[number % 3], number)
    assert a.payloads() == b.payloads() == c.payloads() == list(range(10))


def test_data_stays_in_its_room(hub):
    a, b = hub.room_of("a b")
    (other,) = hub.room_of("c", name="other")
    idle = hub.client("d")
    hub.say(a, 1)
    assert b.payloads() == [1]
    assert other.heard() == idle.heard() == []


def test_who_has_left_hears_no_more(hub):
    a, b = hub.room_of("a b")
    hub.registry.leave(b)
    hub.say(a, 1)
    assert b.heard() == []


def test_nothing_can_be_said_outside_a_room(hub):
    (a,) = hub.room_of("a")
    outside = hub.client("b")
    for say in (
        lambda: hub.say(outside, 1),
        lambda: hub.whisper(outside, 1, ["a"]),
        lambda: hub.together(outside, 1),
    ):
        with pytest.raises(Refused) as caught:
            say()
        assert str(caught.value) == texts.NOT_IN_ROOM
    assert a.heard() == []


def test_nothing_can_be_said_in_a_room_that_was_left(hub):
    a, b = hub.room_of("a b")
    hub.registry.leave(b)
    a.heard()
    with pytest.raises(Refused):
        hub.say(b, 1)
    assert a.heard() == []


class Framer:
    """Makes a new bytes object at every call, and counts."""

    def __init__(self):
        self.calls = 0

    def __call__(self, text):
        self.calls += 1
        return bytes(bytearray(text))


@pytest.mark.parametrize(
    "broadcast",
    [
        lambda hub, a: hub.say(a, "x" * 100),
        lambda hub, a: hub.whisper(a, 1, ["a", "b", "c"]),
        lambda hub, a: hub.registry.leave(hub.late),
        lambda hub, a: hub.registry.announce(("app", "r", "1"), b'{"type":"Data","time":1}'),
        lambda hub, a: hub.registry.announce(
            ("app", "r", "1"), b'{"type":"Data"}', ["c", "b", "a"]
        ),
    ],
    ids=["send", "whisper", "presence", "announce", "announce to some"],
)
def test_a_message_is_framed_once_and_all_get_the_very_same_bytes(make_hub, broadcast):
    framer = Framer()
    hub = make_hub(frame=framer)
    a, b, c, hub.late = hub.room_of("a b c late")
    framer.calls = 0
    broadcast(hub, a)
    assert framer.calls == 1
    assert a.frames[-1] is b.frames[-1]
    assert b.frames[-1] is c.frames[-1]


# Whispers


def test_a_whisper_goes_to_those_it_names_and_to_nobody_else(hub):
    a, b, c, d = hub.room_of("a b c d")
    hub.whisper(a, 1, ["b", "d"])
    assert b.heard() == d.heard() == [data("a", 1)]
    assert a.heard() == c.heard() == []


def test_the_sender_hears_its_whisper_only_if_it_names_itself(hub):
    a, b = hub.room_of("a b")
    hub.whisper(a, 1, ["a", "b"])
    hub.whisper(a, 2, ["b"])
    hub.whisper(a, 3, ["a"])
    assert a.payloads() == [1, 3]
    assert b.payloads() == [1, 2]


def test_unknown_ids_in_a_whisper_are_skipped(hub):
    a, b = hub.room_of("a b")
    hub.whisper(a, 1, ["nobody", "b", ""])
    assert b.payloads() == [1]


def test_who_is_in_another_room_or_in_none_is_not_whispered_to(hub):
    a, b = hub.room_of("a b")
    (other,) = hub.room_of("c", name="other")
    idle = hub.client("d")
    hub.whisper(a, 1, ["c", "d", "b"])
    assert b.payloads() == [1]
    assert other.heard() == idle.heard() == []


def test_who_is_named_twice_is_whispered_to_once(hub):
    a, b = hub.room_of("a b")
    hub.whisper(a, 1, ["b", "b", "b"])
    assert b.payloads() == [1]


def test_a_whisper_to_nobody_is_no_error(hub):
    a, b = hub.room_of("a b")
    hub.whisper(a, 1, [])
    hub.whisper(a, 1, ["nobody"])
    assert a.heard() == b.heard() == []


# The server's own words

KEY = ("app", "r", "1")
TEXT = b'{"type":"Data","payload":"hi","time":5}'


def test_an_announcement_goes_to_everyone_in_the_room_as_it_is(hub):
    a, b = hub.room_of("a b")
    (other,) = hub.room_of("c", name="other")
    assert hub.registry.announce(KEY, TEXT) == 2
    assert a.frames[-1] == b.frames[-1] == TEXT
    assert other.heard() == []


def test_an_announcement_can_be_for_some_of_the_room(hub):
    a, b, c = hub.room_of("a b c")
    hub.room_of("d", name="other")
    assert hub.registry.announce(KEY, TEXT, ["c", "a", "c", "d", "nobody"]) == 2
    assert a.payloads() == c.payloads() == ["hi"]
    assert b.heard() == []


def test_an_announcement_for_nobody_goes_to_nobody(hub):
    (a,) = hub.room_of("a")
    assert hub.registry.announce(KEY, TEXT, []) == 0
    assert a.heard() == []


@pytest.mark.parametrize("key", [("app", "r", "2"), ("app", "s", "1"), ("r", "app", "1")])
@pytest.mark.parametrize("to", [None, ["a"]])
def test_an_announcement_to_a_room_that_there_is_not_goes_nowhere(hub, key, to):
    (a,) = hub.room_of("a")
    assert hub.registry.announce(key, TEXT, to) == 0
    assert a.heard() == []


def test_an_announcement_to_an_empty_room_goes_to_nobody(hub):
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    assert hub.registry.announce(KEY, TEXT) == 0
    assert a.heard() == []


def test_a_hub_without_host_apps_has_no_mailboxes(hub):
    (a,) = hub.room_of("a")
    assert hub.registry.host_of(a) is None
    assert hub.registry.host_of(hub.client("b")) is None
