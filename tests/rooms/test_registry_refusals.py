import pytest

from piehub.protocol import texts
from piehub.rooms.entry import Refused

NO_SUCH_ROOM = "Cannot add client to non-existant room."
WRONG_PASSWORD = "Client attempted to join room with incorrect password."
ROOM_FULL = (
    "Error: Room is at capacity and cannot accept more clients due to the room's chosen settings"
)


def refusal(hub, client, name="r", **asked):
    """Why the client may not join, which it is told before and at its join alike."""
    join = hub.asking(name, **asked)
    with pytest.raises(Refused) as told_before:
        hub.registry.check_join(client, join)
    with pytest.raises(Refused) as told:
        hub.registry.join(client, join)
    assert str(told_before.value) == str(told.value)
    return str(told.value)


REFUSALS = [
    ({"name": "missing", "make": False, "password": "secret"}, NO_SUCH_ROOM),
    ({"make": True}, WRONG_PASSWORD),
    ({"make": False, "password": "wrong"}, WRONG_PASSWORD),
    ({"make": True, "password": "secret"}, ROOM_FULL),
]


@pytest.mark.parametrize(("asked", "text"), REFUSALS)
def test_a_refused_client_is_told_why_and_is_in_no_room(hub, asked, text):
    a, b = hub.room_of("a b", password="secret", max_clients=2)
    c = hub.client("c")
    assert refusal(hub, c, **asked) == text

    assert hub.rooms() == {"r": ["a", "b"]}
    assert hub.registry.place_of(c) is None
    hub.say(a, 1)
    hub.whisper(a, 2, ["c"])
    assert c.frames == []
    with pytest.raises(Refused) as caught:
        hub.say(c, 3)
    assert str(caught.value) == texts.NOT_IN_ROOM
    assert b.payloads() == [1]


def test_a_refused_client_can_join_elsewhere(hub):
    hub.room_of("a", max_clients=1)
    b = hub.client("b")
    assert refusal(hub, b) == ROOM_FULL
    hub.join(b, "other")
    assert hub.rooms() == {"r": ["a"], "other": ["b"]}


def test_a_refused_client_goes_on_waiting_for_its_match(hub):
    a, b = hub.clients("a b")
    hub.play(a)
    assert refusal(hub, a, make=False) == NO_SUCH_ROOM
    assert hub.play(b) == [a, b]


@pytest.mark.parametrize("given", [None, "", "Secret", "secret ", "se", "sécret"])
def test_a_password_must_be_the_very_same(hub, given):
    hub.room_of("a", password="secret")
    assert refusal(hub, hub.client("b"), password=given) == WRONG_PASSWORD


@pytest.mark.parametrize("password", ["secret", "sécret \N{GRINNING FACE}"])
def test_who_knows_the_password_may_come_in(hub, password):
    hub.room_of("a", password=password)
    hub.join(hub.client("b"), make=False, password=password)
    assert hub.rooms() == {"r": ["a", "b"]}


def test_a_password_for_a_room_that_has_none_is_wrong(hub):
    hub.room_of("a")
    assert refusal(hub, hub.client("b"), password="secret") == WRONG_PASSWORD


def test_a_wrong_password_does_not_learn_that_the_room_is_full(hub):
    hub.room_of("a", password="secret", max_clients=1)
    assert refusal(hub, hub.client("b"), password="wrong") == WRONG_PASSWORD


def test_a_password_is_in_nothing_that_the_hub_says(hub):
    a, b = hub.room_of("a b", password="s3cret")
    refusal(hub, hub.client("c"), password="s3cret wrong")
    hub.say(a, 1)
    hub.registry.leave(b)
    said = [*a.frames, *b.frames]
    assert len(said) == 8
    assert not any(b"s3cret" in frame for frame in said)
    assert "s3cret" not in repr((hub.registry.stats(), hub.registry.views()))
    assert "s3cret" not in repr(hub.registry.place_of(a))


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_room_takes_as_many_as_it_says_and_no_more(hub, most):
    a, *_ = hub.room_of("a b c"[: 2 * most - 1], max_clients=most)
    late = hub.client("late")
    assert refusal(hub, late) == ROOM_FULL
    hub.registry.leave(a)
    hub.join(late)
    assert refusal(hub, a) == ROOM_FULL


def test_a_room_that_does_not_say_takes_any_number(hub):
    hub.room_of(" ".join(str(number) for number in range(100)))
    hub.join(hub.client("one more"))
    assert len(hub.rooms()["r"]) == 101
