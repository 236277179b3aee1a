"""Who hears when that somebody came or went: in a small room each, in a big one all at a time."""

import pytest

from piehub.rooms.presence import PAUSE, SMALL_ROOM


def ids(count):
    return [f"c{number}" for number in range(count)]


@pytest.fixture
def big(hub):
    """A hub, and the clients of a room of 60 that has been told of all of them."""
    clients = hub.room_of(" ".join(ids(60)))
    settle(hub, clients)
    return hub, clients


def settle(hub, clients):
    hub.clock.advance(60 * PAUSE)
    hub.clock.advance(60 * PAUSE)
    for client in clients:
        client.heard()


def presence_of(client):
    """(how many, whether somebody came) for each presence since the last call."""
    heard = [one for one in client.heard() if one["type"] == "ClientPresenceChanged"]
    return [(len(one["clients"]), one["present"]) for one in heard]


def test_a_small_room_hears_of_each_who_comes_or_goes(hub):
    clients = hub.clients(" ".join(ids(SMALL_ROOM)))
    for client in clients:
        hub.join(client)
    assert presence_of(clients[0]) == [(count, True) for count in range(1, SMALL_ROOM + 1)]
    hub.registry.leave(clients[-1])
    assert presence_of(clients[0]) == [(SMALL_ROOM - 1, False)]


def test_who_joins_a_big_room_is_told_at_once_who_is_there_and_then_that_it_has_joined(big):
    hub, _ = big
    newcomer = hub.client("new")
    hub.join(newcomer)
    kinds = [message["type"] for message in newcomer.heard()]
    assert kinds == ["ClientPresenceChanged", "ResolvePromise"]


def test_a_big_room_that_was_quiet_hears_of_a_change_in_the_next_turn(big):
    hub, clients = big
    hub.registry.leave(clients[-1])
    assert presence_of(clients[0]) == []
    hub.clock.advance(0)
    assert presence_of(clients[0]) == [(59, False)]


def test_those_who_come_and_go_together_are_told_of_together(big):
    hub, clients = big
    for one in "abc":
        hub.join(hub.client(one))
    hub.registry.leave(clients[-1])
    hub.clock.advance(0)
    assert presence_of(clients[0]) == [(62, False)]


def test_a_big_room_is_told_again_only_after_a_pause_that_grows_with_it(big):
    hub, clients = big
    hub.join(hub.client("a"))
    hub.clock.advance(0)
    assert presence_of(clients[0]) == [(61, True)]
    hub.join(hub.client("b"))
    hub.clock.advance(61 * PAUSE)
    assert presence_of(clients[0]) == []
    hub.clock.advance(2 * PAUSE)
    assert presence_of(clients[0]) == [(62, True)]
    hub.clock.advance(1)
    assert presence_of(clients[0]) == []


@pytest.mark.parametrize(
    "speak",
    [
        pytest.param(lambda hub, one: hub.say(one, 1), id="Data"),
        pytest.param(lambda hub, one: hub.whisper(one, 1, ["c0"]), id="a whisper"),
    ],
)
def test_nobody_is_heard_before_the_others_know_of_it(speak, big):
    hub, clients = big
    newcomer = hub.client("new")
    hub.join(newcomer)
    speak(hub, newcomer)
    kinds = [message["type"] for message in clients[0].heard()]
    assert kinds == ["ClientPresenceChanged", "Data"]
    hub.clock.advance(1)
    assert presence_of(clients[0]) == []


def test_a_newcomer_that_speaks_after_another_has_gone_does_not_hide_that_it_has(big):
    hub, clients = big
    newcomer = hub.client("new")
    hub.join(newcomer)
    hub.registry.leave(clients[-1])
    hub.say(newcomer, "hi")
    assert presence_of(clients[0]) == [(60, False)]


def test_who_was_there_before_may_speak_without_all_being_told_once_more(big):
    hub, clients = big
    hub.join(hub.client("new"))
    hub.say(clients[0], 1)
    kinds = [message["type"] for message in clients[1].heard()]
    assert kinds == ["Data"]


def test_who_came_and_went_unnoticed_leaves_nothing_behind(big):
    hub, clients = big
    newcomer = hub.client("new")
    hub.join(newcomer)
    hub.registry.leave(newcomer)
    hub.clock.advance(0)
    assert presence_of(clients[0]) == [(60, False)]
    hub.join(newcomer, "another")
    hub.say(newcomer, 1)
    assert presence_of(clients[0]) == []


def test_a_room_that_becomes_small_hears_at_once_and_not_again(hub):
    clients = hub.room_of(" ".join(ids(SMALL_ROOM + 2)))
    settle(hub, clients)
    hub.registry.leave(clients[-1])
    hub.registry.leave(clients[-2])
    assert presence_of(clients[0]) == [(SMALL_ROOM, False)]
    hub.clock.advance(1)
    assert presence_of(clients[0]) == []


def test_a_telling_that_comes_too_late_says_nothing(big):
    """Its timer had fired already, and waited for the lock."""
    hub, clients = big
    newcomer = hub.client("new")
    hub.join(newcomer)
    (timer,) = hub.clock.timers
    hub.say(newcomer, 1)
    assert len(presence_of(clients[0])) == 1
    timer.run()
    assert presence_of(clients[0]) == []


def test_a_host_app_hears_of_each_however_big_the_room(host_hub):
    for client in host_hub.clients(" ".join(ids(SMALL_ROOM + 5))):
        host_hub.join(client)
    (mailbox,) = host_hub.mailboxes
    assert sum(emission.kind == "room" for emission in mailbox.taken()) == SMALL_ROOM + 5


def test_those_who_meet_in_a_big_match_know_each_other_before_it_begins(hub):
    players = hub.clients(" ".join(ids(SMALL_ROOM + 2)))
    for player in players:
        hub.play(player, size=len(players))
    messages = players[0].heard()
    assert [message["type"] for message in messages[-2:]] == ["ClientPresenceChanged", "MatchFound"]
    assert len(messages[-2]["clients"]) == len(players)
    hub.clock.advance(1)
    assert players[0].heard() == []
