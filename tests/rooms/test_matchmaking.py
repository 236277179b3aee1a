import re

import pytest

from piehub.protocol import texts
from piehub.rooms.entry import Refused

UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
QUEUED = {"type": "ResolvePromise", "func": "EnterMatchmaking", "data": {"queued": True}}


def matched(hub, *players):
    """The players together in the rooms that there are, which must be of matches."""
    assert all(name.startswith("match-") for name in hub.rooms())
    return [*hub.rooms().values()] == [[player.id for player in group] for group in players]


def test_who_enters_is_told_that_it_waits(hub):
    a = hub.client("a")
    assert hub.play(a) == []
    assert a.heard() == [QUEUED]
    assert hub.rooms() == {}


def test_when_enough_wait_each_hears_presence_then_the_match(hub, presence):
    a, b = hub.clients("a b")
    hub.play(a)
    a.heard()
    assert hub.play(b) == [a, b]
    name = hub.registry.place_of(a).name
    found = {
        "type": "MatchFound",
        "roomInfo": {"app": "app", "version": "1", "name": name, "hidden": True},
        "clients": ["a", "b"],
    }
    joining = [presence("a", present=True), presence("a b", present=True)]
    assert a.heard() == [*joining, found]
    assert b.heard() == [QUEUED, joining[1], found]


def test_a_match_has_a_hidden_room_of_its_own(hub):
    a, b, c, d = hub.clients("a b c d")
    for player in (a, b, c, d):
        hub.play(player)
    room = hub.registry.place_of(a)
    assert re.fullmatch(f"match-{UUID4}", room.name)
    assert room.hidden is True
    assert (room.app, room.version) == ("app", "1")
    assert hub.registry.place_of(b) == room
    assert hub.registry.place_of(c) == hub.registry.place_of(d) != room
    assert matched(hub, [a, b], [c, d])


def test_players_of_a_match_can_speak_and_leave_like_in_any_room(hub, presence):
    a, b = hub.clients("a b")
    hub.play(a)
    hub.play(b)
    hub.say(a, "hello")
    assert b.payloads() == ["hello"]
    hub.registry.leave(a)
    assert b.heard() == [presence("b", present=False)]
    hub.registry.leave(b)
    hub.clock.advance(300)
    assert hub.rooms() == {}


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_match_is_of_the_size_that_was_asked_for(hub, size):
    players = hub.clients(" ".join("abcd"[:size]))
    for player in players[:-1]:
        assert hub.play(player, size) == []
    assert hub.play(players[-1], size) == players


def test_first_in_is_first_out(hub):
    b, a, d, c = hub.clients("b a d c")
    hub.play(b, 3)
    hub.play(a, 3)
    assert hub.play(d, 3) == [b, a, d]
    assert hub.play(c, 3) == []
    assert matched(hub, [b, a, d])


@pytest.mark.parametrize("other", [{"size": 3}, {"app": "other"}, {"version": "2"}])
def test_players_who_want_something_else_do_not_meet(hub, other):
    a, b, c = hub.clients("a b c")
    hub.play(a)
    assert hub.play(b, **other) == []
    assert hub.play(c) == [a, c]
    assert hub.registry.place_of(b) is None


def test_nobody_is_matched_with_itself(hub):
    a = hub.client("a")
    assert hub.play(a) == []
    assert hub.play(a) == []
    assert a.heard() == [QUEUED, QUEUED]
    assert hub.rooms() == {}


def test_entering_again_with_the_same_terms_keeps_the_place(hub):
    a, b, c = hub.clients("a b c")
    hub.play(a, 3)
    hub.play(b, 3)
    hub.play(a, 3)
    assert hub.play(c, 3) == [a, b, c]


def test_entering_again_with_other_terms_gives_the_place_up(hub):
    a, b, c, d = hub.clients("a b c d")
    hub.play(a, 2)
    hub.play(a, 3)
    assert hub.play(b, 2) == []
    assert hub.play(c, 3) == []
    assert hub.play(d, 2) == [b, d]
    assert hub.play(hub.client("e"), 3) != []
    assert hub.registry.place_of(a) == hub.registry.place_of(c) is not None


def test_who_comes_back_to_its_first_terms_waits_at_the_end(hub):
    a, b, c = hub.clients("a b c")
    hub.play(a, 3)
    hub.play(b, 3)
    hub.play(a, 2)
    hub.play(a, 3)
    assert hub.play(c, 3) == [b, a, c]


@pytest.mark.parametrize("end", ["leave_matchmaking", "disconnect", "join"])
def test_who_leaves_or_goes_or_joins_a_room_waits_no_more(hub, end):
    a, b, c = hub.clients("a b c")
    hub.play(a)
    a.heard()
    if end == "join":
        hub.join(a)
    else:
        getattr(hub.registry, end)(a)
        assert a.heard() == []
    assert hub.play(b) == []
    assert hub.play(c) == [b, c]
    room = hub.registry.place_of(a)
    assert (room.name if room else None) == ("r" if end == "join" else None)


def test_leaving_a_room_does_not_end_a_wait(hub):
    a, b = hub.clients("a b")
    hub.play(a)
    assert hub.registry.leave(a) is None
    assert hub.play(b) == [a, b]


def test_leaving_without_having_waited_is_no_error(hub):
    a, b = hub.clients("a b")
    hub.registry.leave_matchmaking(a)
    hub.play(a)
    hub.registry.leave_matchmaking(a)
    hub.registry.leave_matchmaking(a)
    assert hub.play(b) == []


def test_one_who_leaves_does_not_take_the_others_place(hub):
    a, b, c, d = hub.clients("a b c d")
    for player in (a, b):
        hub.play(player, 3)
    hub.registry.leave_matchmaking(a)
    assert hub.play(c, 3) == []
    assert hub.play(d, 3) == [b, c, d]


def test_who_is_in_a_room_cannot_enter(hub):
    a, b = hub.room_of("a b")
    with pytest.raises(Refused) as caught:
        hub.play(a)
    assert (
        str(caught.value) == texts.MATCHMAKING_IN_ROOM == "Cannot enter matchmaking while in a room"
    )
    assert a.heard() == b.heard() == []
    assert hub.play(hub.client("c")) == []


def test_who_was_matched_must_leave_its_match_to_enter_again(hub):
    a, b, c = hub.clients("a b c")
    hub.play(a)
    hub.play(b)
    with pytest.raises(Refused):
        hub.play(a)
    hub.registry.leave(a)
    assert hub.play(a) == []
    assert hub.play(c) == [a, c]
    assert matched(hub, [b], [a, c])
