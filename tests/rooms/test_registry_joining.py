import pytest

from piehub.protocol import texts
from piehub.protocol.incoming import RoomInfo
from piehub.rooms.entry import Refused


def test_a_host_hears_presence_first_then_its_promise(hub, presence, promise):
    a = hub.client("a")
    hub.join(a)
    assert a.heard() == [presence("a", present=True), promise()]


def test_a_joiner_hears_presence_first_then_its_promise_and_the_others_presence_only(
    hub, presence, promise
):
    (a,) = hub.room_of("a")
    b = hub.client("b")
    hub.join(b, make=False)
    assert b.heard() == [presence("a b", present=True), promise()]
    assert a.heard() == [presence("a b", present=True)]


def test_those_who_remain_hear_who_is_left_and_the_leaver_hears_nothing(hub, presence):
    a, b, c = hub.room_of("a b c")
    hub.registry.leave(b)
    assert a.heard() == c.heard() == [presence("a c", present=False)]
    assert b.heard() == []


def test_presence_lists_clients_in_the_order_of_joining(hub, presence):
    c, a, _ = hub.room_of("c a b")
    hub.registry.leave(c)
    assert a.heard() == [presence("a b", present=False)]
    hub.join(c)
    assert a.heard() == [presence("a b c", present=True)]


def test_everyone_hears_the_same_time(hub):
    a, b = hub.clients("a b")
    hub.join(a)
    a.heard()
    hub.join(b)
    a.heard(), b.heard()
    assert a.times[-1:] == b.times
    assert a.times[0] < a.times[1]


def test_leaving_says_which_room_that_was(hub):
    (a,) = hub.room_of("a", max_clients=3)
    assert hub.registry.leave(a) == RoomInfo("app", "1", "r", max_clients=3)
    assert hub.registry.place_of(a) is None


def test_leaving_outside_a_room_does_nothing(hub):
    a = hub.client("a")
    assert hub.registry.leave(a) is None
    assert a.frames == []


def test_leaving_twice_is_told_once(hub, presence):
    a, b = hub.room_of("a b")
    hub.registry.leave(b)
    assert hub.registry.leave(b) is None
    assert a.heard() == [presence("a", present=False)]


def test_who_has_left_can_join_another_room(hub, presence, promise):
    a, b = hub.room_of("a b")
    hub.registry.leave(b)
    hub.join(b, "other")
    assert b.heard() == [presence("b", present=True), promise("other")]
    assert a.heard() == [presence("a", present=False)]
    assert hub.rooms() == {"r": ["a"], "other": ["b"]}


def test_a_client_is_in_the_room_that_it_joined(hub):
    a = hub.client("a")
    assert hub.registry.place_of(a) is None
    hub.join(a, hidden=True)
    assert hub.registry.place_of(a) == RoomInfo("app", "1", "r", hidden=True)


@pytest.mark.parametrize("other", [{"app": "b"}, {"version": "2"}, {"name": "s"}])
def test_rooms_with_another_app_or_name_or_version_are_other_rooms(hub, presence, other):
    (a,) = hub.room_of("a")
    b = hub.client("b")
    hub.join(b, **other)
    assert b.heard()[0] == presence("b", present=True)
    assert a.heard() == []


@pytest.mark.parametrize(
    ("settings", "echo"),
    [
        ({}, {}),
        ({"max_clients": 5}, {"maxClients": 5}),
        ({"together_timeout_ms": 250.5}, {"togetherTimeoutMs": 250.5}),
        ({"hidden": True}, {"hidden": True}),
        ({"hidden": False}, {"hidden": False}),
        ({"password": "p"}, {"protected": True}),
    ],
)
def test_the_promise_tells_the_settings_that_the_room_has(hub, promise, settings, echo):
    a, b = hub.clients("a b")
    hub.join(a, **settings)
    assert a.heard()[1] == promise(**echo)
    hub.join(b, password=settings.get("password"))
    assert b.heard()[1] == promise(**echo)


def test_the_settings_of_a_room_that_exists_do_not_change(hub, promise):
    hub.room_of("a", max_clients=5, together_timeout_ms=100)
    b = hub.client("b")
    hub.join(b, max_clients=1, together_timeout_ms=1, hidden=True)
    assert b.heard()[1] == promise(maxClients=5, togetherTimeoutMs=100)
    hub.join(hub.client("c"))
    assert hub.rooms() == {"r": ["a", "b", "c"]}


def test_a_second_room_is_refused(hub):
    a, b = hub.room_of("a b")
    for name in ("r", "other"):
        with pytest.raises(Refused) as caught:
            hub.join(b, name)
        assert str(caught.value) == texts.ALREADY_IN_ROOM
    assert hub.rooms() == {"r": ["a", "b"]}
    assert a.heard() == b.heard() == []


# Rooms of a hub that was restarted


def test_a_room_that_the_hub_lost_is_made_again_by_who_was_in_it(hub, presence, promise):
    a, b = hub.clients("a b")
    hub.join(a, make=False, from_hub=True, may_remake=True, max_clients=2, hidden=True)
    assert a.heard() == [presence("a", present=True), promise(maxClients=2, hidden=True)]
    hub.join(b, make=False, from_hub=True, may_remake=True, max_clients=9)
    assert b.heard() == [presence("a b", present=True), promise(maxClients=2, hidden=True)]


@pytest.mark.parametrize(("from_hub", "may_remake"), [(True, False), (False, True), (False, False)])
def test_a_missing_room_is_not_made_again_by_just_anyone(hub, from_hub, may_remake):
    a = hub.client("a")
    with pytest.raises(Refused) as caught:
        hub.join(a, make=False, from_hub=from_hub, may_remake=may_remake)
    assert str(caught.value) == texts.NO_SUCH_ROOM
    assert hub.rooms() == {}


def test_a_join_that_may_make_its_room_needs_nothing_from_a_hub(hub):
    hub.join(hub.client("a"), make=True, from_hub=False, may_remake=False)
    assert hub.rooms() == {"r": ["a"]}


def test_check_join_lets_pass_what_join_would_and_does_nothing(hub):
    a, b = hub.room_of("a b", max_clients=3)
    c = hub.client("c")
    hub.registry.check_join(c, hub.asking(make=False))
    hub.registry.check_join(c, hub.asking("new", make=True))
    hub.registry.check_join(c, hub.asking("new", make=False, from_hub=True), may_remake=True)
    assert hub.rooms() == {"r": ["a", "b"]}
    assert hub.registry.place_of(c) is None
    assert a.heard() == b.heard() == c.heard() == []
