"""What a hub refuses so that rooms stay bounded, and who is not refused."""

import json
from contextlib import suppress

import pytest

from piehub.rooms.entry import Refused
from piehub.rooms.pace import Pace


def make(hub, client, name, **asked):
    """Make a room and leave it; it stays, as an empty one that keeps its settings."""
    hub.join(client, name, **asked)
    hub.registry.leave(client)


def test_no_more_rooms_are_made_than_a_hub_may_have(make_hub):
    hub = make_hub(rooms=2)
    anna, bert, carl = hub.clients("anna bert carl")
    hub.join(anna, "one")
    hub.join(bert, "two")
    with pytest.raises(Refused, match="This hub has 2 rooms, as many as it may"):
        hub.join(carl, "three")
    hub.join(carl, "two")
    assert hub.rooms() == {"one": ["anna"], "two": ["bert", "carl"]}


def test_a_room_that_has_gone_makes_space_for_another(make_hub):
    hub = make_hub(rooms=1, cleanup_delay=0)
    anna, bert = hub.clients("anna bert")
    hub.join(anna, "one")
    with pytest.raises(Refused, match="as many as it may"):
        hub.join(bert, "two")
    hub.registry.leave(anna)
    hub.join(bert, "two")
    assert hub.rooms() == {"two": ["bert"]}


def test_the_room_that_has_been_empty_for_longest_gives_way_to_a_new_one(make_hub):
    """So nobody can keep a hub full of rooms that nobody is in."""
    hub = make_hub(rooms=3, cleanup_delay=10)
    anna, bert = hub.clients("anna bert")
    for name in ("one", "two", "three"):
        make(hub, anna, name, history=5)
    make(hub, anna, "one")  # is not the longest empty one any more
    hub.clock.advance(9)
    hub.join(anna, "four")
    assert hub.rooms() == {"one": [], "three": [], "four": ["anna"]}
    hub.join(bert, "one")
    hub.clock.advance(10)
    assert hub.rooms() == {"one": ["bert"], "four": ["anna"]}
    hub.registry.leave(anna)
    make(hub, anna, "five")
    hub.join(anna, "six")
    assert hub.rooms() == {"one": ["bert"], "five": [], "six": ["anna"]}
    assert len(hub.clock.timers) == 1


def test_a_room_that_has_given_way_is_not_taken_for_the_next_of_its_name(make_hub):
    """Its timer had fired already, and waited for the lock."""
    hub = make_hub(rooms=1, cleanup_delay=10)
    anna = hub.client("anna")
    make(hub, anna, "one")
    (timer,) = hub.clock.timers
    make(hub, anna, "two")
    make(hub, anna, "one")
    timer.run()
    assert hub.rooms() == {"one": []}


def test_one_client_makes_five_rooms_a_second_and_others_are_not_held_up(hub):
    anna, bert = hub.clients("anna bert")
    for count in range(5):
        make(hub, anna, f"anna's {count}")
    with pytest.raises(Refused, match="This client has made too many rooms: 5 a second"):
        hub.join(anna, "one more")
    hub.join(bert, "bert's")
    hub.join(anna, "bert's")  # which is there
    hub.registry.leave(anna)
    hub.clock.advance(0.2)
    make(hub, anna, "one more")
    with pytest.raises(Refused, match="too many rooms"):
        hub.join(anna, "yet one")


def test_all_clients_together_make_fifty_rooms_a_second(hub):
    for count in range(50):
        hub.join(hub.client(f"client {count}"), f"room {count}")
    late = hub.client("late")
    with pytest.raises(Refused, match="Too many rooms are being made on this hub: 50 a second"):
        hub.join(late, "late's")
    hub.clock.advance(0.02)
    hub.join(late, "late's")


def test_those_who_bring_back_the_rooms_of_a_restarted_hub_come_all_at_once(hub):
    for count in range(200):
        hub.join(hub.client(f"client {count}"), f"room {count}", may_remake=True)
    assert len(hub.rooms()) == 200


def test_those_who_bring_back_rooms_take_nothing_from_those_who_make_new_ones(hub):
    for count in range(3000):
        client = hub.client(f"client {count}")
        hub.join(client, f"room {count}", make=False, from_hub=True, may_remake=True)
    for count in range(50):
        hub.join(hub.client(f"stranger {count}"), f"new {count}")
    with pytest.raises(Refused, match="Too many rooms are being made on this hub"):
        hub.join(hub.client("late"), "late's")


def test_a_client_brings_back_one_room_and_makes_others_at_the_pace_of_all(make_hub):
    hub = make_hub(rate=1, rate_per_client=0)
    anna, bert = hub.clients("anna bert")
    make(hub, bert, "bert's")
    for name in ("anna's", "once more"):
        make(hub, anna, name, may_remake=True)
        with pytest.raises(Refused, match="Too many rooms are being made on this hub"):
            hub.join(anna, "another", may_remake=True)
        hub.clock.advance(60)
        make(hub, bert, f"bert's after {name}")
    hub.clock.advance(1)
    make(hub, anna, "last", may_remake=True)


def test_who_has_brought_back_its_room_makes_others_like_anybody(make_hub):
    hub = make_hub(rate=1)
    anna, bert = hub.clients("anna bert")
    make(hub, anna, "anna's", may_remake=True)
    make(hub, anna, "another", may_remake=True)
    with pytest.raises(Refused, match="Too many rooms are being made on this hub"):
        hub.join(bert, "bert's")


def test_no_more_rooms_are_brought_back_than_a_hub_may_have(make_hub):
    hub = make_hub(rooms=2)
    for count in range(2):
        hub.join(hub.client(f"client {count}"), f"room {count}", may_remake=True)
    with pytest.raises(Refused, match="This hub has 2 rooms, as many as it may"):
        hub.join(hub.client("one too many"), "another", from_hub=True, may_remake=True)


def test_who_brings_back_rooms_makes_no_more_of_them_than_others(hub):
    anna = hub.client("anna")
    for count in range(5):
        make(hub, anna, f"room {count}", may_remake=True)
    with pytest.raises(Refused, match="This client has made too many rooms"):
        hub.join(anna, "one more", may_remake=True)


def test_who_comes_again_under_its_id_is_held_to_what_it_made_before(hub):
    anna = hub.client("anna")
    for count in range(5):
        make(hub, anna, f"room {count}")
    hub.registry.disconnect(anna)
    with pytest.raises(Refused, match="This client has made too many rooms"):
        hub.join(hub.client("anna"), "one more")


def test_a_rate_below_one_a_second_lets_one_room_be_made(make_hub):
    hub = make_hub(rate=0.5, rate_per_client=0.1)
    anna, bert = hub.clients("anna bert")
    make(hub, anna, "one")
    hub.clock.advance(1.9)
    with pytest.raises(Refused, match=r"0\.5 a second"):
        hub.join(bert, "two")
    hub.clock.advance(0.1)
    hub.join(bert, "two")
    hub.clock.advance(7.9)
    with pytest.raises(Refused, match=r"0\.1 a second"):
        hub.join(anna, "three")
    hub.clock.advance(0.1)
    hub.join(anna, "three")


def test_a_rate_of_0_is_any_number_of_rooms(make_hub):
    hub = make_hub(rate=0, rate_per_client=0)
    anna = hub.client("anna")
    for count in range(300):
        make(hub, anna, f"room {count}")
    assert len(hub.rooms()) == 300


def test_no_more_clients_join_a_room_than_a_hub_allows_whatever_the_room_does(make_hub):
    hub = make_hub(members=2)
    anna, bert, carl = hub.clients("anna bert carl")
    hub.join(anna, max_clients=10)
    hub.join(bert)
    with pytest.raises(Refused, match="This room has 2 clients, as many as this hub allows in one"):
        hub.join(carl)
    hub.registry.leave(bert)
    hub.join(carl)
    assert hub.rooms() == {"r": ["anna", "carl"]}


def test_who_does_not_know_a_full_rooms_password_is_not_told_that_it_is_full(make_hub):
    hub = make_hub(members=1)
    anna, bert = hub.clients("anna bert")
    hub.join(anna, password="secret")
    with pytest.raises(Refused, match="incorrect password"):
        hub.join(bert, password="guess")


def test_a_match_is_no_larger_than_a_room_may_be(make_hub):
    hub = make_hub(members=2)
    anna = hub.client("anna")
    with pytest.raises(Refused, match="matchSize is 3; this hub allows at most 2 clients"):
        hub.play(anna, size=3)
    assert hub.registry.stats()["matchmaking"]["queues"] == {}
    assert hub.play(anna, size=2) == []


def test_a_match_that_would_need_a_room_too_many_waits_for_its_last_player(make_hub):
    hub = make_hub(rooms=1, cleanup_delay=10)
    anna, bert, carl = hub.clients("anna bert carl")
    hub.join(carl, "one")
    assert hub.play(anna) == []
    with pytest.raises(Refused, match="as many as it may"):
        hub.play(bert)
    assert hub.play(anna) == []  # who has kept its place
    hub.registry.leave(carl)
    assert hub.play(bert) == [anna, bert]


def test_match_after_match_is_made_no_faster_than_other_rooms(make_hub):
    hub = make_hub(rate_per_client=1)
    anna, bert = hub.clients("anna bert")
    hub.play(anna)
    assert hub.play(bert) == [anna, bert]
    for player in (anna, bert):
        hub.registry.leave(player)
    hub.play(anna)
    with pytest.raises(Refused, match="This client has made too many rooms"):
        hub.play(bert)


def test_what_is_kept_of_those_who_may_go_on_is_forgotten():
    pace = Pace(rate=1, burst=1)
    for second in range(5000):
        pace.spend(f"client {second}", float(second))
        assert len(pace) <= 1001
    busy = Pace(rate=0.001, burst=1)
    for count in range(5000):
        busy.spend(f"client {count}", 1.0)
    assert len(busy) == 5000


# What all are told of who is there


@pytest.mark.parametrize("letter", ["x", "ä", "\N{PIE}", '"'])
def test_all_clients_of_a_room_can_be_named_in_a_quarter_of_an_outbox(letter, make_hub):
    """Whatever their ids are: as many come in as that, and each of them can come back."""
    hub = make_hub(outbox_bytes=40_000, rate=0)
    clients = [hub.client(letter * 100 + str(count)) for count in range(110)]
    came = []
    for client in clients:
        with suppress(Refused):
            hub.join(client)
            came.append(client)
    hub.clock.advance(60)
    told = came[0].frames[-1]
    assert 9_000 < len(told) < 10_100
    assert len(json.loads(told)["clients"]) == len(came)
    with pytest.raises(Refused, match="bytes, of the 10000 that this hub allows") as caught:
        hub.join(clients[-1])
    assert "come with a shorter id" in str(caught.value)
    hub.registry.leave(came[0])
    hub.join(came[0])
    hub.join(clients[-1], "another room")


def test_who_would_not_fit_in_a_match_with_others_of_its_kind_is_told_so(make_hub):
    hub = make_hub(outbox_bytes=4000)
    fits, long = hub.client("x" * 97), hub.client("y" * 98)
    assert hub.play(fits, size=10) == []
    with pytest.raises(Refused, match="id is too long for a match of 10: at most 97 bytes"):
        hub.play(long, size=10)
    assert hub.play(long, size=9) == []
