"""What a client says when something may be lost, or it cannot come back."""

import logging
import threading

import pytest
from flask import Flask

from piehub import HostApp, PieHub, create_app
from piehub.client import NotConnected, Refused
from tests.client.people import KEPT, ROOM, until
from tests.support.timing import MS, PATIENCE


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
