"""The app's own code between clients and rooms."""

import json
from time import monotonic

import flask
import gevent
import pytest
from flask import Flask
from gevent.event import Event
from greenlet import GreenletExit
from websockets.exceptions import InvalidStatus

from piehub import PieHub, signals
from piehub.guard import app_code
from piehub.net.connection import CLOSE_TIMEOUT
from tests.support.peer import ROOM, masked
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def pie():
    return PieHub()


@pytest.fixture
def url(service, pie, caplog):
    caplog.set_level("INFO", "piehub")
    app = Flask(__name__)
    app.config.update(PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests")
    pie.init_app(app)
    return service.start(app)


def refused_with(service, url, **query):
    with pytest.raises(InvalidStatus) as refused:
        service.peer(url, **query)
    return refused.value.response.status_code


def test_authorize_refuses_with_403_before_the_upgrade(service, pie, url):
    pie.authorize(lambda: flask.request.args.get("key") == "open")
    assert refused_with(service, url, key="wrong") == 403
    assert service.peer(url, key="open").id


def test_authorize_may_abort_with_401(service, pie, url):
    pie.authorize(lambda: flask.abort(401))
    assert refused_with(service, url) == 401


def test_what_authorize_returns_is_the_clients_identity(service, pie, url):
    seen = []
    pie.authorize(lambda: {"user": "anna"})
    pie.on_join(lambda client, room: seen.append(client.identity))
    service.peer(url).join()
    assert seen == [{"user": "anna"}]


@pytest.mark.parametrize("answer", [None, True])
def test_a_hook_that_merely_agrees_leaves_the_identity_as_it_is(answer, service, pie, url):
    seen = []
    for identity in (answer, "anna", answer):
        pie.authorize(lambda identity=identity: identity)
    pie.on_join(lambda client, room: seen.append((client.identity, repr(client))))
    peer = service.peer(url)
    peer.join()
    ((identity, shown),) = seen
    assert identity == "anna"
    assert shown.startswith(f"<Client '{peer.id}' 127.0.0.1:")


def test_an_authorize_that_fails_lets_nobody_in(service, pie, url):
    pie.authorize(lambda: 1 / 0)
    assert refused_with(service, url) == 500


def test_on_join_refuses_with_its_text(service, pie, url):
    pie.on_join(lambda client, room: "members only" if room.name == "club" else None)
    peer = service.peer(url)
    assert peer.join(name="club")["err"] == "members only"
    assert pie.rooms() == []
    assert peer.join(name="bar")["type"] == "ResolvePromise"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no" * 150, "no" * 150),
        ("no" * 150 + "!", "no" * 149 + "n…"),
        ("x" * 2_000_000, "x" * 299 + "…"),
        ("half a \ud800 pair", "half a ? pair"),
    ],
    ids=["300 characters", "one more", "more than an outbox holds", "half a character"],
)
def test_whatever_on_join_says_is_told_as_far_as_an_error_goes(text, told, service, pie, url):
    pie.on_join(lambda client, room: text)
    peer = service.peer(url)
    peer.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    refusal = peer.hear()
    assert (refusal["type"], refusal["err"]) == ("RejectPromise", told)


def test_on_join_refuses_with_false_and_agrees_with_true(service, pie, url):
    pie.on_join(lambda client, room: room.name != "club")
    peer = service.peer(url)
    assert peer.join(name="club")["err"] == "The server does not let this client join."
    assert peer.join(name="bar")["type"] == "ResolvePromise"


def test_on_join_is_not_asked_about_a_join_that_cannot_be(service, pie, url):
    asked = []
    pie.on_join(lambda client, room: asked.append(room.name))
    assert service.peer(url).join(make=False)["type"] == "RejectPromise"
    assert asked == []


def test_on_join_is_asked_who_brings_a_lost_room_back(service, pie, url):
    asked = []
    pie.on_join(lambda client, room: asked.append(room.name))
    answer = service.peer(url, clientId="anna").join(make=False, isPasswordProtected=False)
    assert (answer["type"], asked) == ("ResolvePromise", ["lobby"])


def test_on_join_is_asked_who_enters_matchmaking(service, pie, url):
    pie.on_join(lambda client, room: f"{room.app} {room.name} is closed" if room.hidden else None)
    peer = service.peer(url)
    peer.say("EnterMatchmaking", app="chess", version="1", matchSize=2)
    assert peer.hear()["err"] == "chess match is closed"


def test_an_on_join_that_fails_refuses(service, pie, url, caplog):
    pie.on_join(lambda client, room: 1 / 0 if room.name == "lobby" else 5)
    peer = service.peer(url)
    assert "its own code failed" in peer.join()["err"]
    assert "ZeroDivisionError" in caplog.text
    assert "its own code failed" in peer.join(name="bar")["err"]
    assert "on_join returns None, False or a text, not 5" in caplog.text


def test_on_leave_hears_of_leaving_and_of_vanishing(service, pie, url):
    left = []
    pie.on_leave(lambda client, room: left.append((client.id, room.name, client.room)))
    a, b = service.peer(url, clientId="a"), service.peer(url, clientId="b")
    for peer in (a, b):
        peer.join()
    a.say("LeaveRoom")
    b.hear_type("ClientPresenceChanged")
    b.close()
    c = service.peer(url)
    c.say("GetRooms")
    while c.hear()["rooms"]:
        c.say("GetRooms")
    assert left == [("a", "lobby", None), ("b", "lobby", None)]


def test_on_leave_hears_at_once_of_a_client_whose_id_is_taken_over(service, pie, url):
    left = []
    pie.on_leave(lambda client, room: left.append((client.id, room.name)))
    holder = service.wire(url, "/?clientId=bob")  # it leaves the hub's close frame unanswered
    token = json.loads(holder.frame()[1])["resumeToken"]
    join = {"type": "JoinRoom", "roomInfo": ROOM, "makeRoomIfNonExistant": True}
    holder.send(masked(1, json.dumps(join).encode()))
    while b"ResolvePromise" not in holder.frame()[1]:
        pass
    began = monotonic()
    service.peer(url, clientId="bob", resumeToken=token)
    with gevent.Timeout(PATIENCE):
        while not left:
            gevent.sleep(MS)
    assert monotonic() - began < CLOSE_TIMEOUT / 2
    holder.close()
    service.stop()
    assert left == [("bob", "lobby")]


@pytest.mark.parametrize("error", [gevent.Timeout(1), SystemExit(1)], ids=["Timeout", "Exit"])
def test_whatever_a_hook_raises_the_client_lives_on(error, service, pie, url, caplog):
    def fail(*_):
        raise error

    pie.on_data(fail)
    pie.on_leave(fail)
    peer = service.peer(url)
    peer.join()
    peer.say("Data", payload=1)
    assert "its own code failed" in peer.hear()["message"]
    peer.close()
    service.stop()
    assert "on_leave failed" in caplog.text
    assert "client closed" in caplog.text


def test_an_on_leave_that_fails_does_not_keep_the_others_from_hearing(service, pie, url):
    left = []
    pie.on_leave(lambda client, room: 1 / 0)
    pie.on_leave(lambda client, room: left.append(client.id))
    peer = service.peer(url)
    peer.join()
    peer.say("LeaveRoom")
    peer.join()
    assert left == [peer.id]


def test_on_data_changes_and_drops(service, pie, url):
    @pie.on_data
    def censor(client, room, message):
        if message["payload"] == "spam":
            return False
        if message["payload"] == "darn":
            return message | {"payload": "****", "fromClient": "forged"}
        return None

    peer = service.peer(url)
    peer.join()
    for payload in ("spam", "darn"):
        peer.say("Data", payload=payload)
    heard = peer.hear()
    assert (heard["payload"], heard["fromClient"]) == ("****", peer.id)
    peer.send('{"type": "Data",  "payload": 1.00}')
    assert peer.socket.recv().startswith('{"type": "Data",  "payload": 1.00,')


def test_on_data_may_turn_a_message_into_a_whisper(service, pie, url):
    pie.on_data(lambda client, room, message: message | {"subType": "Whisper"})
    a, b = service.peer(url), service.peer(url)
    a.join()
    b.join()
    a.hear_type("ClientPresenceChanged")
    a.say("Data", payload="psst", whisperClientIds=[b.id])
    assert b.hear()["payload"] == "psst"
    assert a.hears_nothing()


@pytest.mark.parametrize("answer", [None, True])
def test_an_on_data_that_agrees_sends_what_came(answer, service, pie, url):
    pie.on_data(lambda client, room, message: answer)
    peer = service.peer(url)
    peer.join()
    peer.say("Data", payload=1)
    assert peer.hear()["payload"] == 1


def test_what_on_data_changes_stays_a_data(service, pie, url):
    pie.on_data(lambda client, room, message: {"type": "LeaveRoom", "payload": 1})
    peer = service.peer(url)
    peer.join()
    peer.say("Data")
    assert peer.hear() | {"time": 0} == {
        "type": "Data",
        "payload": 1,
        "fromClient": peer.id,
        "time": 0,
    }


def test_what_on_data_makes_too_long_goes_to_nobody(service, pie, url, caplog):
    payload = "x" * 1_100_000
    pie.on_data(lambda client, room, said: said | {"payload": payload} if said["payload"] else None)
    a, b = service.peer(url), service.peer(url)
    for peer in (a, b):
        peer.join()
    a.say("Data", payload=True)
    assert "its own code failed" in a.hear_type("Err")["message"]
    a.say("Data", payload=0)
    assert b.hear_type("Data")["payload"] == 0
    assert "on_data failed" in caplog.text


def test_who_waits_for_a_hook_counts_as_alive(service, pie, url):
    begun, go_on = Event(), Event()

    @pie.on_data
    def take_time(client, room, message):
        begun.set()
        go_on.wait(PATIENCE)

    peer = service.peer(url, clientId="bob")
    peer.join()
    peer.say("Data", payload=1)
    assert begun.wait(PATIENCE)
    for seconds in (100, 200):
        service.hub.heartbeat.sweep(monotonic() + seconds)
    assert service.peer(url, clientId="bob").id != "bob"
    go_on.set()
    assert peer.hear()["payload"] == 1


@pytest.mark.parametrize(
    "answer",
    [lambda: 1 / 0, lambda: "text", lambda: {"payload": {1}}],
    ids=["raises", "text", "set"],
)
def test_an_on_data_that_fails_sends_nothing_and_tells_the_sender(
    answer, service, pie, url, caplog
):
    pie.on_data(lambda client, room, message: answer())
    peer = service.peer(url)
    peer.join()
    peer.say("Data", payload=1)
    assert "its own code failed" in peer.hear()["message"]
    assert peer.hears_nothing()
    assert "on_data failed for client" in caplog.text


def test_on_data_is_not_asked_about_data_outside_a_room(service, pie, url):
    pie.on_data(lambda client, room, message: 1 / 0)
    peer = service.peer(url)
    peer.say("Data", payload=1)
    assert peer.hear()["message"] == 'Cannot echo to room, missing "client.room"'


def test_hooks_run_outside_the_lock_each_in_an_app_context_of_its_own(service, pie, url):
    contexts = []

    @pie.on_data
    def look(client, room, message):
        assert [view.name for view in pie.rooms()] == ["lobby"]  # takes the lock
        contexts.append(flask.g._get_current_object())

    peer = service.peer(url)
    peer.join()
    for number in range(2):
        peer.say("Data", payload=number)
        assert peer.hear()["payload"] == number
    assert contexts[0] is not contexts[1]


def test_signals_tell_of_a_clients_life(service, pie, url):
    seen = []

    def note(kind, *names):
        def receiver(sender, **details):
            assert isinstance(sender, Flask)
            seen.append((kind, *(details[name] for name in names)))

        return receiver

    receivers = {
        signals.client_opened: note("opened"),
        signals.room_joined: note("joined"),
        signals.data_received: lambda sender, message, **rest: seen.append(
            ("data", message["payload"], message["fromClient"])
        ),
        signals.room_left: note("left"),
        signals.client_closed: note("closed", "code"),
    }
    for signal, receiver in receivers.items():
        signal.connect(receiver)
    peer = service.peer(url)
    peer.join()
    peer.say("Data", payload=1)
    peer.hear_type("Data")
    peer.close()
    service.stop()
    for signal, receiver in receivers.items():
        signal.disconnect(receiver)
    data = ("data", 1, peer.id)
    assert seen == [("opened",), ("joined",), data, ("left",), ("closed", 1000)]


def test_a_signal_tells_of_each_client_that_a_match_brings_together(service, url):
    joined = []

    def note(sender, client, room):
        joined.append((client.id, room.app))

    with signals.room_joined.connected_to(note):
        peers = [service.peer(url, clientId=name) for name in "ab"]
        for peer in peers:
            peer.say("EnterMatchmaking", app="chess", version="1", matchSize=2)
        for peer in peers:
            peer.hear_type("MatchFound")
        peers[1].say("GetRooms")  # answered once all of that is done
        peers[1].hear_type("Rooms")
    assert sorted(joined) == [("a", "chess"), ("b", "chess")]


def test_a_receiver_that_fails_harms_nobody(service, pie, url, caplog):
    def fail(sender, **details):
        raise ZeroDivisionError

    with signals.data_received.connected_to(fail):
        peer = service.peer(url)
        peer.join()
        peer.say("Data", payload=1)
        assert peer.hear()["payload"] == 1
    assert "a receiver failed for" in caplog.text
    assert ROOM["name"] in [room.name for room in pie.rooms()]


def test_a_greenlet_that_the_server_ends_in_a_hook_does_end():
    with pytest.raises(GreenletExit), app_code(Flask(__name__), "a hook", "a test"):
        raise GreenletExit
