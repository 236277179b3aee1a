"""A client whose connection breaks comes back, misses nothing, and what it says is said once."""

import random
import threading
from time import sleep

import pytest

from piehub.client import PieError, Refused
from tests.client.people import KEPT, ROOM, until
from tests.support.process import free_port
from tests.support.timing import MS, PATIENCE


def test_what_was_missed_comes_in_order_and_once(ann, bob, network):
    bob.says(0, 1, 2)
    assert ann.has_heard(0, 1, 2)
    network.is_down = True
    network.cut()
    bob.says(3, 4, 5)
    assert bob.has_heard(0, 1, 2, 3, 4, 5)
    network.is_down = False
    ann.comes_back()
    bob.says(6)
    assert ann.has_heard(0, 1, 2, 3, 4, 5, 6)
    assert [recovery.is_recovered for recovery in ann.recoveries] == [True]


def test_what_was_said_into_a_dead_connection_is_said_again_once(ann, bob, network):
    ann.says(0)
    assert ann.has_heard(0)
    network.swallow()
    ann.says(1, 2)
    network.cut()
    ann.comes_back()
    ann.says(3)
    assert ann.has_heard(0, 1, 2, 3)
    assert bob.has_heard(0, 1, 2, 3)


def test_what_the_hub_had_already_is_not_said_twice(ann, bob, network):
    network.is_mute = True
    ann.says(0, 1)
    assert bob.has_heard(0, 1)
    assert ann.heard == []
    network.cut()
    assert ann.has_heard(0, 1)
    ann.says(2)
    assert ann.has_heard(0, 1, 2)
    assert bob.has_heard(0, 1, 2)


def test_what_is_said_while_coming_back_is_heard_after_what_was_said_before(ann, bob, network):
    network.swallow()
    ann.says(0, 1)
    ann.pie.on_connect_info = lambda info: info.is_connected and ann.says(2)
    network.cut()
    assert bob.has_heard(0, 1, 2)
    assert ann.has_heard(0, 1, 2)


def test_what_is_said_while_coming_back_is_heard_without_a_history_too(person, url, network):
    ann, bob = person(network.url).joins(ROOM), person(url).joins(ROOM)
    ann.pie.on_connect_info = lambda info: info.is_connected and ann.says("back")
    network.cut()
    assert bob.has_heard("back")
    assert ann.errors == []


def test_much_that_was_said_into_a_dead_connection_is_within_the_hubs_rate(ann, bob, network):
    network.swallow()
    said = list(range(200))
    ann.says(*said)
    network.cut()
    assert bob.has_heard(*said)
    assert [link.is_connected for link in ann.links] == [True, False, True]


@pytest.fixture
def later_is_soon(monkeypatch):
    monkeypatch.setattr("piehub.client.coming_back._LATER_SECONDS", 100 * MS)


def test_who_is_closed_for_saying_too_much_waits_and_loses_nothing(person, service, later_is_soon):
    url = service.start(room_cleanup_delay=PATIENCE / 50, rate_burst=20, rate_limit=0.1)
    ann, bob = person(url).joins(KEPT), person(url).joins(KEPT)
    ann.insists(*range(30))
    assert bob.has_heard(*range(30))
    ann.waits_for(lambda: len(ann.heard) == 30)
    assert ann.heard == list(range(30))
    assert "4429" in ann.links[1].text


def test_a_together_message_that_was_lost_is_sent_again(ann, bob, network):
    network.swallow()
    ann.pie.together("replaced", 1)
    ann.pie.together("ann", "1")
    network.cut()
    bob.waits_for(lambda: bob.pie.clients == [bob.id, ann.id])
    bob.pie.together("bob", 1.0)
    bob.waits_for(lambda: len(bob.heard) == 2)
    assert sorted(bob.heard) == ["ann", "bob"]


def test_a_client_that_was_cut_off_has_its_id_again_at_once(ann, bob, network):
    ann_id = ann.id
    network.swallow()  # the hub does not know, and would ask the old connection for a sign of life
    ann.pie._session._link.cut()
    ann.comes_back()
    ann.says("it is me")
    assert bob.has_heard("it is me")
    assert (ann.id, bob.data[0]["fromClient"]) == (ann_id, ann_id)


def test_a_silent_network_is_noticed(person, url, network):
    ann = person(network.url, ping_interval=50 * MS, ping_timeout=50 * MS, timeout=200 * MS)
    ann.joins(KEPT)
    bob = person(url).joins(KEPT)
    network.swallow()
    bob.says("missed")
    assert ann.has_heard("missed")
    assert ann.recoveries[0].is_recovered


def test_a_client_that_only_listens_stays_connected(person, url):
    ann = person(url, ping_interval=5 * MS, ping_timeout=PATIENCE).joins(ROOM)
    sleep(200 * MS)
    assert [link.is_connected for link in ann.links] == [True]


def test_who_waits_for_a_match_still_does_after_a_cut(person, url, network):
    ann, bob = person(network.url), person(url)
    ann.pie.connect()
    bob.pie.connect()
    ann.pie.enter_matchmaking("game", "1", 2)
    network.cut()
    ann.comes_back()
    bob.pie.enter_matchmaking("game", "1", 2)
    for player in (ann, bob):
        player.waits_for(lambda player=player: player.matches)
    bob.says("go")
    assert ann.has_heard("go")


def test_who_has_left_the_queue_does_not_go_back_to_it(person, url, network, service):
    ann = person(network.url)
    ann.pie.connect()
    ann.pie.enter_matchmaking("game", "1", 2)
    ann.pie.leave_matchmaking()
    network.cut()
    ann.comes_back()
    ann.pie.get_rooms()  # so the hub has done all that came before
    assert not service.hub.registry.stats()["matchmaking"]["queues"]


def test_without_a_history_a_client_is_back_in_its_room_and_hears_what_is_new(person, url, network):
    ann, bob = person(network.url).joins(ROOM), person(url).joins(ROOM)
    network.cut()
    bob.says("missed")
    ann.comes_back()
    bob.waits_for(lambda: bob.pie.clients[-1:] == [ann.id])
    bob.says("new")
    assert ann.has_heard("new")
    assert (ann.recoveries, ann.errors) == ([], [])


def test_a_gap_that_nobody_listens_for_is_logged(person, url, network, caplog):
    ann = person(network.url).joins(KEPT | {"history": 1})
    bob = person(url).joins(KEPT)
    ann.pie.on_recovery = None
    network.is_down = True
    network.cut()
    bob.says(1, 2)
    assert bob.has_heard(1, 2)
    network.is_down = False
    ann.comes_back()
    ann.says(3)
    assert ann.has_heard(3)
    assert "there is a gap" in caplog.text


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_network_does_all_is_heard_once_and_in_one_order(
    seed, person, service, network_to
):
    url = service.start(room_cleanup_delay=PATIENCE / 5, rate_limit=0)
    network = network_to(url)
    chance = random.Random(seed)
    people = [person(network.url).joins(KEPT | {"history": 1000}) for _ in range(3)]
    everything = [[name, number] for name in range(3) for number in range(100)]

    def speak(name):
        for number in range(100):
            people[name].insists([name, number])
            sleep(chance.uniform(0, 20 * MS))

    speakers = [threading.Thread(target=speak, args=[name]) for name in range(3)]
    for speaker in speakers:
        speaker.start()
    while any(speaker.is_alive() for speaker in speakers):
        network.is_mute = chance.choice([True, False])
        if chance.choice([True, False]):
            network.swallow()
        sleep(chance.uniform(0, 100 * MS))
        network.cut()
        sleep(chance.uniform(0, 300 * MS))
    for one in people:
        one.waits_for(lambda one=one: len(one.heard) >= len(everything))
        assert sorted(one.heard) == everything
        assert [message["seq"] for message in one.data] == list(range(1, len(everything) + 1))
        assert (one.errors, len(one.links) > 3) == ([], True)
    for name in range(3):
        said = [payload for payload in people[0].heard if payload[0] == name]
        assert said == [[name, number] for number in range(100)]


def test_a_restarted_hub_gets_the_room_as_it_was(person, start):
    port = free_port()
    hub = start(port=port)
    ann = person(hub.url, timeout=3 * PATIENCE).joins(
        KEPT | {"password": "secret", "max_clients": 3}
    )
    ann.says("before")
    assert ann.has_heard("before")
    hub.terminate()
    hub.wait(10)
    hub = start(port=port)
    ann.comes_back()
    ann.says("after")
    assert ann.has_heard("before", "after")
    assert [recovery.is_recovered for recovery in ann.recoveries] == [False]
    assert (ann.pie.room["maxClients"], ann.pie.room["isPasswordProtected"]) == (3, True)
    assert "password" not in ann.pie.room
    eve = person(hub.url)
    eve.pie.connect()
    with pytest.raises(Refused, match="incorrect password"):
        eve.pie.join_room(**ROOM, password="guessed")
    assert "1012 the hub is restarting" in ann.links[1].text


def test_what_was_not_echoed_when_the_hub_ended_is_said_again(person, start, network_to):
    port = free_port()
    hub = start(port=port)
    network = network_to(hub.url)
    ann = person(network.url, timeout=3 * PATIENCE).joins(KEPT)
    network.swallow()
    ann.says(1)
    hub.kill()
    network.cut()
    ann.is_cut_off()
    start(port=port)
    ann.comes_back()
    ann.says(2)
    assert ann.has_heard(1, 2)


def test_a_hub_that_is_full_is_asked_again(person, service, network_to):
    url = service.start(max_clients=1, room_cleanup_delay=PATIENCE / 50)
    network = network_to(url)
    ann = person(network.url).joins(ROOM)
    network.is_down = True
    network.cut()
    ann.is_cut_off()
    with pytest.raises(PieError):
        ann.says("lost")
    bob = person(url)
    until(lambda: _gets_in(bob))
    network.is_down = False
    eve = person(url)
    with pytest.raises(Refused, match="503 The hub is full"):
        eve.pie.connect()
    bob.pie.close()
    ann.comes_back()
    ann.says("in")
    assert ann.has_heard("in")


def _gets_in(one):
    """The hub may still be parting from who was there before."""
    try:
        one.pie.connect()
    except Refused:
        return False
    return True
