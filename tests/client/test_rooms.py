"""What a client does in rooms, on a hub that runs."""

import logging
import threading

import pytest

from piehub.client import Refused
from tests.client.people import KEPT, ROOM
from tests.support.timing import PATIENCE


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
