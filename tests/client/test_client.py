"""What a client does in rooms, on a hub that runs."""

import logging
import re
import ssl
import threading
from time import sleep
from uuid import UUID

import flask
import pytest
import trustme
from flask import Flask
from greenlet import GreenletExit

from piehub import PieHub
from piehub.client import NotConnected, PieClient, PieError, PieTimeout, Refused
from tests.client.people import KEPT, ROOM
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def ann(person, url):
    return person(url).joins(ROOM)


@pytest.fixture
def bob(person, url, ann):
    return person(url).joins(ROOM)


def test_those_who_meet_see_and_hear_each_other(ann, bob):
    assert ann.pie.clients in ([ann.id], [ann.id, bob.id])
    assert bob.pie.clients == [ann.id, bob.id]
    ann.says({"text": "Hello!"})
    bob.waits_for(lambda: bob.data)
    heard = bob.data[0]
    assert (heard["payload"], heard["fromClient"]) == ({"text": "Hello!"}, ann.id)
    assert ann.has_heard({"text": "Hello!"})
    bob.pie.leave_room()
    ann.waits_for(lambda: ann.pie.clients == [ann.id])
    assert (bob.pie.clients, bob.pie.room) == ([], None)


def test_a_room_is_told_to_who_joins_it(person, url):
    ann = person(url)
    ann.pie.connect()
    settings = {"max_clients": 3, "hidden": True, "together_timeout_ms": 700, "history": 9}
    room = ann.pie.make_room(**ROOM, **settings, password="secret")
    assert room.items() >= (ROOM | {"maxClients": 3, "hidden": True, "history": 9}).items()
    assert (room["togetherTimeoutMs"], room["isPasswordProtected"]) == (700, True)
    assert "password" not in room
    assert ann.pie.room == room


def test_fields_that_the_hub_does_not_know_travel(ann, bob):
    ann.pie.send_data(1, subType="move", where=[1, {"é": None}], type="Fake")
    bob.waits_for(lambda: bob.data)
    assert bob.data[0].items() >= {"subType": "move", "where": [1, {"é": None}]}.items()


def test_a_whisper_is_heard_by_whom_it_names_alone(ann, bob):
    ann.pie.whisper("psst", bob.id)
    ann.pie.whisper("both", to=[bob.id, ann.id])
    ann.says("aloud")
    assert bob.has_heard("psst", "both", "aloud")
    assert ann.has_heard("both", "aloud")


def test_a_whisper_is_heard_in_a_room_with_a_history_too(person, url):
    ann, bob = person(url).joins(KEPT), person(url).joins(KEPT)
    ann.pie.whisper("psst", bob.id)
    ann.says("aloud")
    assert bob.has_heard("psst", "aloud")


def test_what_is_said_together_is_heard_at_once(ann, bob):
    ann.pie.together("first", together_id=1)
    ann.says("meanwhile")
    assert bob.has_heard("meanwhile")
    bob.pie.together("second", together_id="1")
    assert ann.has_heard("meanwhile", "first", "second")
    assert bob.has_heard("meanwhile", "first", "second")
    assert bob.data[1]["time"] == bob.data[2]["time"]


def test_who_is_refused_is_told_the_hubs_reason(person, url, ann):
    eve = person(url)
    eve.pie.connect()
    ann.pie.leave_room()
    ann.pie.make_room(app="den", version="1", password="secret", max_clients=1)
    with pytest.raises(Refused, match=r"^Client attempted to join room with incorrect password\.$"):
        eve.pie.join_room(app="den", version="1", password="guessed")
    with pytest.raises(Refused, match="Room is at capacity"):
        eve.pie.join_room(app="den", version="1", password="secret")
    with pytest.raises(Refused, match="Cannot add client to non-existant room"):
        eve.pie.join_room(app="nowhere", version="1")
    with pytest.raises(Refused, match="maxClients must be an integer"):
        eve.pie.make_room(app="odd", version="1", max_clients=0)
    with pytest.raises(Refused, match="without first leaving"):
        ann.pie.join_room(**ROOM)
    assert eve.errors == ann.errors == []


def test_what_the_hub_refuses_without_a_promise_goes_to_on_error(ann):
    ann.pie.leave_room()
    ann.says("to nobody")
    ann.waits_for(lambda: ann.errors)
    assert isinstance(ann.errors[0], Refused)
    assert str(ann.errors[0]) == 'Cannot echo to room, missing "client.room"'


def test_an_error_that_nobody_listens_for_is_logged(ann, caplog):
    ann.pie.on_error = None
    ann.pie.leave_room()
    ann.says("to nobody")
    ann.pie.get_rooms()
    assert ("piehub.client", logging.WARNING, 'Cannot echo to room, missing "client.room"') in (
        caplog.record_tuples
    )


def test_rooms_are_listed_as_asked_for(person, url, ann):
    bob = person(url)
    bob.pie.connect()
    bob.pie.make_room(app="chess", name="board", version="2.1", max_clients=2)
    assert bob.pie.get_rooms() == [ROOM, {"app": "chess", "name": "board", "version": "2.1"}]
    assert bob.pie.get_rooms(app="chat") == bob.pie.get_rooms(name="lobby") == [ROOM]
    assert bob.pie.get_rooms(version="2") == [{"app": "chess", "name": "board", "version": "2.1"}]
    (board,) = bob.pie.get_rooms(app="chess", details=True)
    assert (board["clients"], board["maxClients"]) == (1, 2)
    bob.waits_for(lambda: len(bob.rooms) == 5)
    assert bob.rooms[1]["rooms"] == [ROOM]


def test_a_question_that_the_hub_refuses_does_not_shift_the_answers_of_others(ann):
    with pytest.raises(Refused, match="has 201 characters; at most 200"):
        ann.pie.get_rooms(app="x" * 201)
    with pytest.raises(Refused, match="version must be text"):
        ann.pie.get_rooms(version=1)
    assert ann.pie.get_rooms(app="nothing") == []
    assert ann.pie.get_rooms() == [ROOM]
    assert ann.errors == []


def test_players_meet_in_a_match(person, url):
    ann, bob = person(url), person(url)
    ann.pie.connect()
    bob.pie.connect()
    ann.pie.enter_matchmaking("game", "1", 2, rating=1200)
    bob.pie.enter_matchmaking("game", "1", 2)
    for player in (ann, bob):
        player.waits_for(lambda player=player: player.matches)
        assert player.matches[0]["clients"] == player.pie.clients == [ann.id, bob.id]
        assert player.pie.room == player.matches[0]["roomInfo"]
    ann.says("your move")
    assert bob.has_heard("your move")


def test_who_leaves_the_queue_is_in_no_match(person, url):
    ann, bob, eve = person(url), person(url), person(url)
    for player in (ann, bob, eve):
        player.pie.connect()
    ann.pie.enter_matchmaking("game", "1", 2)
    ann.pie.leave_matchmaking()
    bob.pie.enter_matchmaking("game", "1", 2)
    eve.pie.enter_matchmaking("game", "1", 2)
    bob.waits_for(lambda: bob.matches)
    assert bob.matches[0]["clients"] == [bob.id, eve.id]
    with pytest.raises(Refused, match="Cannot enter matchmaking while in a room"):
        bob.pie.enter_matchmaking("game", "1", 2)
    with pytest.raises(Refused, match="matchSize must be an integer of 2 or more"):
        ann.pie.enter_matchmaking("game", "1", 1)


def test_all_who_connect_quickly_share_a_room(person, url):
    ann, bob = person(url), person(url)
    ann.pie.quick_connect()
    bob.pie.quick_connect()
    ann.says("hi")
    assert bob.has_heard("hi")
    room = {"app": "default", "name": "default", "version": "none"}
    assert ann.pie.room.items() >= room.items()


def test_the_address_keeps_its_path_and_query(service, person, network_to):
    app = Flask(__name__)
    app.config.update(
        PIEHUB_PATH="/rooms/ws", PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0
    )
    asked = []
    PieHub(app).authorize(lambda: asked.append(flask.request.query_string) or True)
    network = network_to(service.start(app))
    ann = person(f"{network.url}/rooms/ws?team=a%2Fb+c;d&x&clientId=ann#top").joins(ROOM)
    network.cut()
    ann.comes_back()
    ann.says("still in the team")
    assert ann.has_heard("still in the team")
    assert ann.id == "ann"
    assert asked[0] == b"team=a%2Fb+c;d&x&clientId=ann"
    assert re.fullmatch(rb"team=a%2Fb\+c;d&x&clientId=ann&resumeToken=[^&]+", asked[1])


def test_a_client_has_the_id_that_it_asks_for(person, url):
    assert person(url, client_id="ann & bob").joins(ROOM).data == []
    eve = person(url, client_id="eve")
    eve.pie.connect()
    eve.pie.join_room(**ROOM)
    assert eve.pie.clients == ["ann & bob", "eve"]
    ann_id = person(url).id
    assert str(UUID(ann_id)) == ann_id


def test_who_may_not_connect_is_told_why(service, person):
    app = Flask(__name__)
    app.config.update(PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0)
    PieHub(app).authorize(
        lambda: flask.request.headers.get("X-Key") == "open" or flask.abort(401, "No key, no door.")
    )
    url = service.start(app)
    with pytest.raises(Refused, match=r"Could not connect to ws://\S+: 401 .*No key, no door\."):
        person(url, headers={"X-Key": "wrong"}).pie.connect()
    assert person(url, headers={"X-Key": "open"}).joins(ROOM).pie.is_connected


def test_a_client_may_be_told_whom_to_trust(person, start, tmp_path):
    authority = trustme.CA()
    certificate = str(tmp_path / "loopback.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    hub = start(
        [
            "gunicorn",
            "-k",
            "gevent",
            "--certfile",
            certificate,
            "--keyfile",
            certificate,
            "wsgi:app",
        ]
    )
    url = hub.url.replace("ws:", "wss:")
    with pytest.raises(NotConnected, match="certificate verify failed"):
        person(url, timeout=3 * PATIENCE).pie.connect()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    ann = person(url, ssl=trust).joins(KEPT)
    ann.says(*["x" * 60_000] * 30)
    ann.waits_for(lambda: len(ann.heard) == 30)
    ann.pie._session._link.cut()
    ann.comes_back()
    ann.says("back")
    ann.waits_for(lambda: ann.heard[-1] == "back")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://hub.example", "ws://", "ws://a:b/", ""])
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(ValueError, match=r"url is|[Pp]ort"):
        PieClient(url)


def test_who_finds_no_hub_is_told_and_can_try_again(person, url, network):
    ann = person(network.url)
    network.is_down = True
    for _ in range(3):
        with pytest.raises(NotConnected, match=f"Could not connect to {network.url}"):
            ann.pie.connect()
    assert not ann.pie.is_connected
    with pytest.raises(NotConnected, match="Could not connect"):
        ann.pie.get_rooms()
    network.is_down = False
    assert ann.joins(ROOM).pie.is_connected
    assert ann.errors == []


def test_what_needs_a_connection_says_so_before_there_is_one(person, url):
    pie = person(url).pie
    for call in (
        lambda: pie.send_data(1),
        pie.get_rooms,
        lambda: pie.make_room(**ROOM),
        lambda: pie.enter_matchmaking("a", "1", 2),
        pie.leave_matchmaking,
        pie.messages,
    ):
        with pytest.raises(NotConnected, match=r"connect\(\)"):
            call()
    pie.leave_room()
    pie.close()


def test_one_connects_once(ann):
    with pytest.raises(PieError, match="is connected, or about to be"):
        ann.pie.connect()
    ann.says("still here")
    assert ann.has_heard("still here")


def test_after_closing_one_can_connect_again(ann, bob):
    ann_id = ann.id
    ann.pie.close()
    ann.pie.close()
    assert not ann.pie.is_connected
    assert ann.links[-1] == (False, "The client was closed")
    with pytest.raises(NotConnected, match="was closed"):
        ann.says("lost")
    ann.joins(ROOM)
    ann.says("back")
    assert bob.has_heard("back")
    assert ann.id == ann_id


def test_what_is_said_before_closing_is_heard(person, url, bob):
    with PieClient(url) as pie:
        pie.join_room(**ROOM)
        pie.send_data("goodbye")
    assert bob.has_heard("goodbye")
    bob.waits_for(lambda: pie.client_id not in bob.pie.clients)


def test_leaving_a_with_statement_closes_the_client_also_by_an_exception(url):
    pie = PieClient(url)

    def stumble():
        with pie:
            pie.make_room(**ROOM)
            raise KeyError

    with pytest.raises(KeyError):
        stumble()
    assert not pie.is_connected
    assert pie.room is None


def test_leaving_a_with_statement_raises_its_own_exception_though_closing_fails(url, caplog):
    may_go_on = threading.Event()
    pie = PieClient(url)
    pie.on_presence = lambda message: may_go_on.wait(PATIENCE)
    pie._timeout = 50 * MS  # for all but connecting

    def leave_by(error):
        with pie:
            with pytest.raises(PieTimeout):
                pie.make_room(**ROOM)
            if error:
                raise error

    pie.connect(timeout=PATIENCE)
    with pytest.raises(KeyError):
        leave_by(KeyError())
    assert "The client did not close in time" in caplog.text
    may_go_on.set()
    pie.close(timeout=PATIENCE)
    assert not pie.is_connected


def test_a_payload_that_is_no_json_is_refused_and_harms_nobody(person, url):
    for room in (ROOM, KEPT | {"name": "kept"}):
        ann = person(url).joins(room)
        for payload in (float("nan"), {1, 2}, "\ud800", b"bytes"):
            with pytest.raises((TypeError, ValueError)):
                ann.says(payload)
        ann.says("fine")
        assert ann.has_heard("fine")


def test_a_message_id_may_be_ones_own_but_not_used_twice_at_once(person, url, network):
    ann = person(network.url).joins(KEPT)
    network.is_mute = True
    ann.pie.send_data(1, messageId="mine")
    with pytest.raises(ValueError, match="'mine' waits for its echo"):
        ann.pie.send_data(2, messageId="mine")
    for wrong in (5, "x" * 65):
        with pytest.raises(ValueError, match="messageId must be a text of up to 64"):
            ann.pie.send_data(3, messageId=wrong)
    network.cut()
    assert ann.has_heard(1)
    assert ann.data[0]["messageId"] == "mine"


# Callbacks


def test_a_callback_that_raises_is_logged_and_ends_nothing(ann, bob, caplog):
    note = ann.pie.on_data

    def stumble(message):
        note(message)
        raise KeyError("a fault of the app's")

    ann.pie.on_data = stumble
    bob.says(1, 2)
    assert ann.has_heard(1, 2)
    assert caplog.text.count("on_data raised") == 2
    assert "a fault of the app's" in caplog.text
    assert ann.links == [(True, f"Connected to {ann.pie._session._shown}")]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_callback_that_ends_its_thread_ends_the_client(ann, bob):
    def fall(message):
        raise GreenletExit

    ann.pie.on_data = fall
    messages = ann.pie.messages(timeout=PATIENCE)
    bob.says("go")
    assert next(messages)["payload"] == "go"
    with pytest.raises(NotConnected, match="ended from outside"):
        next(messages)
    assert "ended from outside" in str(ann.errors[0])
    bob.waits_for(lambda: bob.pie.clients == [bob.id])
    assert not ann.pie.is_connected


def test_waiting_in_a_callback_raises_rather_than_waiting_for_ever(ann, bob):
    pie = ann.pie
    messages = pie.messages(timeout=PATIENCE)
    raised = []
    done = threading.Event()

    def wait(message):
        for call in (
            pie.get_rooms,
            lambda: pie.join_room(**ROOM),
            lambda: pie.make_room(**ROOM),
            lambda: pie.enter_matchmaking("a", "1", 2),
            pie.leave_matchmaking,
            pie.connect,
            pie.quick_connect,
            lambda: [next(messages), next(messages)],
        ):
            with pytest.raises(PieError) as error:
                call()
            raised.append(str(error.value))
        done.set()

    pie.on_data = wait
    bob.says("go")
    assert done.wait(PATIENCE)
    assert len(raised) == 8
    assert all("waits for what this callback holds up" in text for text in raised)


def test_what_does_not_wait_may_be_called_in_a_callback(ann, bob):
    def answer(message):
        if message["fromClient"] == bob.id:
            ann.says("heard you")
            ann.pie.whisper("psst", bob.id)
            ann.pie.together("alone?", 1)
            ann.pie.leave_room()

    ann.pie.on_data = answer
    bob.says("hello")
    assert bob.has_heard("hello", "heard you", "psst")
    bob.waits_for(lambda: bob.pie.clients == [bob.id])


def test_closing_in_a_callback_ends_the_client_when_it_returns(ann, bob):
    ann.pie.on_data = lambda message: ann.pie.close()
    messages = ann.pie.messages(timeout=PATIENCE)
    bob.says("quit", "more")
    assert [message["payload"] for message in messages][:1] == ["quit"]
    bob.waits_for(lambda: bob.pie.clients == [bob.id])
    ann.pie.close()
    assert not ann.pie.is_connected
    ann.joins(ROOM)  # it has ended whole


def test_callbacks_are_called_one_at_a_time_in_one_thread(ann, bob):
    seen, inside = [], []
    done = threading.Event()

    def note(what):
        inside.append(what)
        sleep(MS)
        seen.append((threading.current_thread().name, len(inside)))
        inside.pop()
        if len(seen) == 11:
            done.set()

    ann.pie.on_data = ann.pie.on_presence = note
    bob.says(*range(10))
    bob.pie.leave_room()
    assert done.wait(PATIENCE)
    assert set(seen) == {("piehub client", 1)}


def test_messages_that_no_hub_says_are_told_and_end_nothing(ann, caplog):
    session = ann.pie._session
    for text in (
        b"[]",
        b"{",
        b'{"type": "Odd"}',
        b"{}",
        b'{"type": "MatchFound"}',
        b'{"type": []}',
    ):
        assert session._hear(text) is None
    assert len(ann.errors) == 6
    assert "Messages of type 'Odd' are not known to this client" in caplog.text
    ann.says("still here")
    assert ann.has_heard("still here")


def test_many_threads_may_speak_at_once(person, url):
    ann = person(url, timeout=10 * PATIENCE).joins(KEPT)
    bob = person(url).joins(KEPT)
    speakers = [
        threading.Thread(target=ann.says, args=[(name, number) for number in range(10)])
        for name in range(8)
    ]
    for speaker in speakers:
        speaker.start()
    for speaker in speakers:
        speaker.join()
    bob.waits_for(lambda: len(bob.heard) == 80)
    for name in range(8):
        assert [number for who, number in bob.heard if who == name] == list(range(10))
    assert [message["seq"] for message in bob.data] == list(range(1, 81))


def test_joins_that_are_asked_for_at_once_are_answered_each(person, url):
    ann = person(url)
    ann.pie.connect()
    answers = []

    def join(name):
        try:
            answers.append(ann.pie.make_room(app="chat", version="1", name=name)["name"])
        except Refused as error:
            answers.append(str(error))

    joiners = [threading.Thread(target=join, args=[name]) for name in "abc"]
    for joiner in joiners:
        joiner.start()
    for joiner in joiners:
        joiner.join()
    assert sorted(map(len, answers))[0] == 1
    assert sum("without first leaving" in answer for answer in answers) == 2
    assert ann.pie.room["name"] in answers
