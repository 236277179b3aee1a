"""What the app's own code hears when an operator closes a room."""

import gevent
import pytest
from flask import Flask, current_app
from gevent.event import Event

from piehub import HostApp, PieHub, create_app, operating, signals
from tests.support.peer import ROOM
from tests.support.timing import A_WHILE, MS, PATIENCE

KEY = ("chat", "lobby", "1.0.0")


def until(is_so):
    with gevent.Timeout(PATIENCE):
        while not is_so():
            gevent.sleep(MS)


class Watched:
    """A hub whose hooks note when they begin, and wait for their turn where the test says so."""

    def __init__(self, service):
        self._service = service
        self.seen = []
        self.waits = {}  # by name of a hook, an Event
        pie, app = PieHub(), Flask(__name__)
        app.config.update(PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests")
        pie.init_app(app)
        pie.on_join(lambda client, room: self._note("join", client))
        pie.on_data(lambda client, room, message: self._note("data", client))
        pie.on_leave(lambda client, room: self._note("leave", client))
        self.url = service.start(app)

    def _note(self, kind, client):
        assert current_app.name == __name__
        self.seen.append(f"{kind} {client.id}")
        if kind in self.waits:
            assert self.waits[kind].wait(PATIENCE)
        self.seen.append(f"{kind} {client.id} done")

    def member(self, name):
        peer = self._service.peer(self.url, clientId=name)
        peer.join()
        self.seen.clear()
        return peer

    def close(self):
        assert operating.close_room(self._service.hub, KEY)

    def saw(self, *what):
        return [one for one in self.seen if one in what] == list(what)


@pytest.fixture
def watched(service):
    watched = Watched(service)
    yield watched
    for event in watched.waits.values():
        event.set()


def done(*what):
    return [each for one in what for each in (one, f"{one} done")]


def test_on_leave_is_told_of_everybody_who_was_in_the_room(watched):
    watched.member("a"), watched.member("b")
    watched.close()
    until(lambda: watched.saw("leave a done") and watched.saw("leave b done"))
    assert sorted(watched.seen) == sorted(done("leave a", "leave b"))


def test_on_leave_that_takes_its_time_holds_up_its_own_client_alone(watched):
    a = watched.member("a")
    watched.waits["leave"] = Event()
    watched.close()
    until(lambda: watched.seen == ["leave a"])
    b = watched._service.peer(watched.url, clientId="b")
    assert b.join()["type"] == "ResolvePromise"
    a.say("JoinRoom", roomInfo=ROOM)
    gevent.sleep(A_WHILE)
    assert watched.seen == ["leave a", *done("join b")]
    watched.waits["leave"].set()
    assert a.hear_type("ResolvePromise")
    assert watched.seen == ["leave a", *done("join b"), "leave a done", *done("join a")]


def test_on_leave_waits_for_what_its_client_has_said_before(watched):
    a = watched.member("a")
    watched.waits["data"] = Event()
    a.say("Data", payload=1)
    until(lambda: watched.seen == ["data a"])
    watched.close()
    gevent.sleep(A_WHILE)
    assert watched.seen == ["data a"]
    watched.waits["data"].set()
    until(lambda: watched.seen == done("data a", "leave a"))


def test_who_had_said_that_it_joins_anew_has_left_before(watched):
    a = watched.member("a")
    watched.waits["data"] = Event()
    a.say("Data", payload=1)
    a.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    until(lambda: watched.seen == ["data a"])
    watched.close()
    watched.waits["data"].set()
    assert a.hear_type("ResolvePromise")
    until(lambda: watched.seen == done("data a", "leave a", "join a"))
    watched.close()
    until(lambda: watched.seen == done("data a", "leave a", "join a", "leave a"))


def test_who_enters_matchmaking_has_left_before(watched):
    a = watched.member("a")
    watched.waits["leave"] = Event()
    watched.close()
    a.say("EnterMatchmaking", app="chess", version="1", matchSize=2)
    gevent.sleep(A_WHILE)
    assert watched.seen == ["leave a"]
    watched.waits["leave"].set()
    assert a.hear_type("ResolvePromise")
    assert watched.seen == done("leave a", "join a")


def test_who_goes_meanwhile_has_left_once_and_before_it_is_gone(watched):
    closed = []

    def note(sender, client, code):
        closed.append(list(watched.seen))

    with signals.client_closed.connected_to(note):
        a = watched.member("a")
        watched.waits["leave"] = Event()
        watched.close()
        going = gevent.spawn(a.close)
        gevent.sleep(A_WHILE)
        assert closed == []
        watched.waits["leave"].set()
        until(lambda: closed)
        going.join()
    assert closed == [done("leave a")]


def test_who_loses_its_id_after_its_room_has_left_that_once(watched):
    a = watched.member("a")
    watched.waits["data"] = Event()
    a.say("Data", payload=1)
    until(lambda: watched.seen == ["data a"])
    watched.close()
    again = watched._service.peer(watched.url, clientId="a", resumeToken=a.hello["resumeToken"])
    assert again.id == "a"
    watched.waits["data"].set()
    until(lambda: watched.seen == done("data a", "leave a"))
    gevent.sleep(A_WHILE)
    assert watched.seen == done("data a", "leave a")


def test_a_signal_tells_of_everybody_who_was_in_the_room(service):
    url = service.start(room_cleanup_delay=0)
    left = []

    def note(sender, client, room):
        left.append((client.id, room.name, client.room))

    with signals.room_left.connected_to(note):
        for name in "ab":
            service.peer(url, clientId=name).join()
        operating.close_room(service.hub, KEY)
        until(lambda: len(left) == 2)
    assert sorted(left) == [("a", "lobby", None), ("b", "lobby", None)]


def test_a_host_app_is_shown_the_end_and_cleans_up(service):
    seen = []

    class Note(HostApp):
        def handle_message(self, message):
            seen.append(message.get("clients", message.get("payload")))

        def cleanup(self):
            seen.append("cleanup")
            self.send_data("into nothing")

    app = create_app(host_app=Note, PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0)
    peer = service.peer(service.start(app), clientId="a")
    peer.join()
    operating.close_room(service.hub, KEY)
    assert peer.hear_type("Err")["message"] == "The operator has closed this room"
    until(lambda: "cleanup" in seen)
    assert seen == [["a"], [], "cleanup"]
    assert peer.join()["type"] == "ResolvePromise"  # a new one, with a host app of its own
    assert seen == [["a"], [], "cleanup", ["a"]]
    assert peer.hears_nothing()


def test_who_waits_for_a_host_app_to_catch_up_is_told_that_it_is_in_no_room(service, monkeypatch):
    begun, go_on = Event(), Event()

    class Slow(HostApp):
        def handle_message(self, message):
            if message["type"] == "Data":
                begun.set()
                go_on.wait(PATIENCE)

    monkeypatch.setattr("piehub.shares._MAILBOX_BYTES", 1)
    app = create_app(host_app=Slow, PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0)
    peer = service.peer(service.start(app))
    peer.join()
    for number in range(3):
        peer.say("Data", payload=number)
    assert begun.wait(PATIENCE)
    client = service.hub.registry.client(peer.id)
    until(lambda: client.received == 4)
    operating.close_room(service.hub, KEY)
    errors = [peer.hear_type("Err")["message"] for _ in range(2)]
    assert errors[0] == "The operator has closed this room"
    assert errors[1] == 'Cannot echo to room, missing "client.room"'
    go_on.set()
