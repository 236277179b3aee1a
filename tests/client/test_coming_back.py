"""A client whose connection breaks comes back, misses nothing, and what it says is said once."""

import logging
import random
import threading
from time import sleep

import pytest
from flask import Flask

from piehub import HostApp, PieHub, create_app
from piehub.client import NotConnected, PieError, Refused
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


def test_saying_something_while_there_is_no_connection_raises(ann, network):
    network.is_down = True
    network.cut()
    ann.is_cut_off()
    with pytest.raises(NotConnected, match="about to come back"):
        ann.says("lost")
    with pytest.raises(NotConnected):
        ann.pie.get_rooms()


def test_a_client_that_cannot_come_back_gives_up_and_says_so(person, url, network):
    ann = person(network.url, reconnect_attempts=2).joins(KEPT)
    bob = person(url).joins(KEPT)
    messages = ann.pie.messages(timeout=PATIENCE)
    network.is_down = True
    network.cut()
    ann.waits_for(lambda: ann.errors)
    assert "Gave up after 2 attempts" in str(ann.errors[0])
    with pytest.raises(NotConnected, match="Gave up"):
        next(messages)
    with pytest.raises(NotConnected, match="Gave up"):
        ann.says("lost")
    bob.says("missed")
    network.is_down = False
    ann.pie.connect()
    assert ann.has_heard("missed")
    assert ann.recoveries[0].is_recovered


def test_a_client_whose_id_was_taken_over_stays_away_and_says_so(person, url):
    ann = person(url).joins(ROOM)
    eve = person(f"{url}/?clientId={ann.id}", reconnect_attempts=0)
    eve.pie._state.resume_token = ann.pie._state.resume_token
    eve.pie.connect()
    ann.waits_for(lambda: ann.errors)
    assert "4409 another connection took over this id" in str(ann.errors[0])
    assert isinstance(ann.errors[0], NotConnected)
    assert [link.is_connected for link in ann.links] == [True, False]
    assert not ann.pie.is_connected
    assert eve.id == ann.id


def test_who_is_refused_when_coming_back_says_so(person, service, network_to):
    app = Flask(__name__)
    app.config.update(PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests")
    hub = PieHub(app)
    joins = []
    hub.on_join(lambda client, room: joins.append(1) or ("Not you." if len(joins) == 2 else None))
    network = network_to(service.start(app))
    ann = person(network.url).joins(KEPT)
    network.swallow()
    ann.says("lost")
    network.cut()
    ann.waits_for(lambda: len(ann.errors) == 2)
    assert str(ann.errors[0]) == "Could not rejoin the room: Not you."
    assert isinstance(ann.errors[0], Refused)
    assert str(ann.errors[1]) == "1 messages may be lost: nobody echoed them"
    network.cut()
    ann.comes_back(2)
    ann.says("in again")
    assert ann.has_heard("in again")


def test_a_room_that_was_left_meanwhile_is_not_joined_again(ann, bob, network):
    network.swallow()
    ann.says("lost")
    network.is_down = True
    network.cut()
    ann.is_cut_off()
    ann.pie.leave_room()
    network.is_down = False
    ann.waits_for(lambda: ann.errors)
    assert str(ann.errors[0]) == "1 messages may be lost: nobody echoed them"
    ann.comes_back()
    assert len(ann.pie.get_rooms(details=True)) == 1
    assert ann.pie.room is None
    assert bob.pie.clients == [bob.id]
    ann.pie.make_room(**KEPT)
    ann.says("in again")
    assert bob.has_heard("in again")


def test_what_a_host_app_has_kept_to_itself_is_not_sent_again_once_something_later_is_echoed(
    person, service, network_to
):
    shown = []

    class Referee(HostApp):
        def handle_message(self, message):
            if message["type"] != "Data":
                return None
            shown.append(message["payload"])
            return {"doNotEcho": True} if message["payload"] == "foul" else None

    app = create_app(host_app=Referee, PIEHUB_ROOM_CLEANUP_DELAY=1, PIEHUB_SECRET_KEY="for tests")
    network = network_to(service.start(app))
    ann = person(network.url).joins(KEPT)
    ann.says("foul", "fair")
    assert ann.has_heard("fair")
    network.cut()
    ann.comes_back()
    ann.says("fair too")
    assert ann.has_heard("fair", "fair too")
    assert shown == ["foul", "fair", "fair too"]


def test_slow_callbacks_lose_nothing_however_much_waits(person, url, caplog):
    ann = person(url, inbox_bytes=2000)
    may_go_on = threading.Event()
    note = ann.pie.on_data
    ann.pie.on_data = lambda message: (may_go_on.wait(PATIENCE), note(message))
    ann.joins(KEPT)
    bob = person(url).joins(KEPT)
    bob.says(*range(50))
    bob.waits_for(lambda: bob.pie.clients == [bob.id])  # ann was closed
    may_go_on.set()
    assert ann.has_heard(*range(50))
    assert "4413" in ann.links[1].text
    assert ann.recoveries[0].is_recovered


def test_a_message_that_is_too_long_for_the_hub_ends_the_client_and_is_not_sent_again(person, url):
    ann = person(url).joins(KEPT)
    ann.says("x" * 70_000)
    ann.waits_for(lambda: len(ann.errors) == 2)
    assert str(ann.errors[0]) == "1 messages may be lost: nobody echoed them"
    assert "for good: 1009" in str(ann.errors[1])
    ann.pie.connect()
    ann.says("short")
    assert ann.has_heard("short")


def test_a_message_that_is_too_long_for_the_client_ends_it(person, url):
    ann, bob = person(url, inbox_bytes=5000).joins(KEPT), person(url).joins(KEPT)
    bob.says("x" * 5000)
    ann.waits_for(lambda: ann.errors)
    assert "for good: 1009" in str(ann.errors[0])


def test_that_too_much_waits_for_its_echo_is_told_while_nothing_comes(ann, network):
    network.swallow()
    ann.says(*range(1001))
    ann.waits_for(lambda: ann.errors)
    assert "the oldest may be lost" in str(ann.errors[0])
    network.cut()


@pytest.mark.parametrize("silence", ["no answer to the upgrade", "no greeting"])
def test_a_hub_that_says_nothing_when_one_comes_back_is_asked_again(
    silence, person, url, network, mute_server, caplog
):
    caplog.set_level(logging.INFO, "piehub.client")
    ann = person(network.url, timeout=100 * MS)
    ann.pie.connect(timeout=PATIENCE)
    network.leads_to(mute_server if silence == "no greeting" else url)
    network.cut()
    network.is_mute = silence != "no greeting"
    until(lambda: "attempt 3 to come back" in caplog.text)
    network.is_mute = False
    network.leads_to(url)
    ann.comes_back()
    assert ann.errors == []


def test_the_token_that_shows_whose_id_it_is_is_in_no_text(person, network, caplog):
    caplog.set_level(logging.DEBUG)
    ann = person(network.url, reconnect_attempts=1).joins(KEPT)
    token = ann.pie._state.resume_token
    network.is_down = True
    network.cut()
    ann.waits_for(lambda: ann.errors)
    texts = [str(ann.links), str(ann.errors), caplog.text, repr(ann.errors[0].__cause__)]
    assert token
    assert "attempt 1" in caplog.text
    assert not any(token in text or "resumeToken" in text for text in texts)


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
