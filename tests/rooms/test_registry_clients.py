import pytest

from piehub.protocol.incoming import RoomInfo
from piehub.rooms.entry import Refused


def test_a_client_enters_under_an_id_that_is_free(hub):
    a = hub.stranger("a")
    assert hub.registry.enter(a) is None
    assert hub.registry.counts() == (0, 1)


def test_who_asks_for_a_taken_id_is_told_who_holds_it_and_is_not_let_in(hub):
    (a,) = hub.room_of("a")
    second = hub.stranger("a")
    assert hub.registry.enter(second) is a
    assert hub.registry.counts() == (1, 1)
    assert hub.registry.stats()["lifeTimeClients"] == 1
    hub.say(a, 1)
    assert a.payloads() == [1]


def test_an_id_is_free_again_once_its_holder_has_gone(hub):
    a = hub.client("a")
    hub.registry.disconnect(a)
    assert hub.registry.counts() == (0, 0)
    assert hub.registry.enter(hub.stranger("a")) is None
    assert hub.registry.counts() == (0, 1)
    assert hub.registry.stats()["lifeTimeClients"] == 2


def test_who_was_not_let_in_frees_nobodys_id_by_going(hub):
    a = hub.client("a")
    second = hub.stranger("a")
    hub.registry.enter(second)
    hub.registry.disconnect(second)
    assert hub.registry.enter(hub.stranger("a")) is a


def test_who_disconnects_leaves_its_room(hub, presence):
    a, b = hub.room_of("a b")
    assert hub.registry.disconnect(b) == RoomInfo("app", "1", "r")
    assert a.heard() == [presence("a", present=False)]
    assert hub.registry.place_of(b) is None


def test_who_disconnects_outside_a_room_leaves_none(hub):
    assert hub.registry.disconnect(hub.client("a")) is None


def test_disconnecting_twice_is_harmless(hub, presence):
    a, b = hub.room_of("a b")
    hub.registry.disconnect(b)
    assert hub.registry.disconnect(b) is None
    assert a.heard() == [presence("a", present=False)]
    assert hub.registry.counts() == (1, 1)


def test_an_old_connection_that_goes_again_does_not_undo_the_new_holder_of_its_id(hub):
    old, b = hub.room_of("a b")
    hub.registry.disconnect(old)
    new = hub.client("a")
    hub.join(new)
    b.heard()
    hub.registry.disconnect(old)
    assert b.heard() == []
    assert hub.rooms() == {"r": ["b", "a"]}
    assert hub.registry.enter(hub.stranger("a")) is new
    hub.whisper(b, "for a", ["a"])
    assert new.payloads() == ["for a"]
    assert old.payloads() == []


def test_an_old_connection_that_joins_late_does_not_undo_the_new_holder_of_its_id(hub):
    old, b = hub.clients("a b")
    hub.join(b)
    hub.registry.disconnect(old)
    new = hub.client("a")
    hub.join(new)
    with pytest.raises(Refused, match="This connection has ended"):
        hub.join(old)
    hub.registry.disconnect(old)
    assert hub.rooms() == {"r": ["b", "a"]}
    new.heard()
    hub.say(b, 1)
    assert new.payloads() == [1]
    hub.registry.leave(new)
    assert hub.rooms() == {"r": ["b"]}


def test_a_connection_that_has_ended_enters_no_matchmaking(hub):
    old = hub.client("a")
    hub.registry.disconnect(old)
    with pytest.raises(Refused, match="This connection has ended"):
        hub.play(old)
    assert hub.play(hub.client("b")) == []


def test_rooms_and_clients_are_counted(hub):
    assert hub.registry.counts() == (0, 0)
    a, _ = hub.room_of("a b")
    hub.join(hub.client("c"), "other", hidden=True)
    hub.client("d")
    assert hub.registry.counts() == (2, 4)
    hub.registry.disconnect(a)
    assert hub.registry.counts() == (2, 3)


def test_an_id_is_taken_over_with_no_moment_in_which_it_is_free(hub):
    holder, b = hub.room_of("a b")
    newcomer = hub.stranger("a")
    done, room = hub.registry.take_over(newcomer, holder)
    assert (done, room.name) == (True, "r")
    assert hub.registry.enter(hub.stranger("a")) is newcomer
    assert b.heard()[-1]["clients"] == ["b"]
    assert hub.registry.disconnect(holder) is None
    hub.join(newcomer)
    assert hub.rooms() == {"r": ["b", "a"]}
    assert hub.registry.stats()["lifeTimeClients"] == 3


def test_a_holder_that_has_gone_meanwhile_gives_nothing_away(hub):
    holder = hub.client("a")
    hub.registry.disconnect(holder)
    newcomer = hub.stranger("a")
    assert hub.registry.take_over(newcomer, holder) == (False, None)
    assert hub.registry.enter(newcomer) is None


def test_who_is_taken_over_waits_for_no_match(hub):
    holder = hub.client("a")
    hub.play(holder)
    assert hub.registry.take_over(hub.stranger("a"), holder) == (True, None)
    assert hub.play(hub.client("b")) == []
