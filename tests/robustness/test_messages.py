"""Clients that speak WebSocket well, and nonsense."""

import json
import re

import pytest

from tests.robustness import each
from tests.robustness.messages import (
    IN_ROOM,
    JOINS,
    MATCHES,
    NO_MESSAGES,
    PASSWORD,
    PIN,
    SEARCHES,
    TYPES,
)
from tests.robustness.odd_messages import JOINED, SPOOFED, TOGETHER, UNTOUCHED
from tests.support.timing import PATIENCE

OUTSIDE = {"type": "Err", "message": 'Cannot echo to room, missing "client.room"'}
WRONG = "Client attempted to join room with incorrect password."
FULL = "Error: Room is at capacity and cannot accept more clients due to the room's chosen settings"


@pytest.fixture
def pair(guests):
    """Two clients in a room, who have heard of each other."""
    one, other = guests.peer(), guests.peer()
    for guest in (one, other):
        assert guest.join(app="cases")["type"] == "ResolvePromise"
    one.hear_type("ClientPresenceChanged")
    return one, other


def assert_refused(case, peer):
    """Say what is refused; the answer says why, and shows no secret."""
    peer.send(case.sent)
    answer = peer.hear()
    told = answer.pop("err" if case.func else "message", "")
    assert answer == (
        {"type": "RejectPromise", "func": case.func} if case.func else {"type": "Err"}
    )
    assert case.text in told
    assert PASSWORD not in told
    assert str(PIN) not in told


def what_came(case, peer):
    """Hear what was sent, as it must arrive, and no byte besides what the hub adds; return who it
    is from."""
    heard = peer.socket.recv(PATIENCE)
    arrives = case.arrives or case.sent.rstrip()[:-1]
    assert heard.startswith(arrives)
    added = re.fullmatch(r',"fromClient":"([^"]+)","time":\d{13}}', heard[len(arrives) :])
    return added and added[1]


@each(NO_MESSAGES + TYPES + JOINS + MATCHES + SEARCHES)
def test_what_is_refused_is_told_to_its_sender_who_is_in_no_room(case, guests):
    guest = guests.peer()
    assert_refused(case, guest)
    guest.say("Data")
    assert guest.hear() == OUTSIDE


@each(IN_ROOM + NO_MESSAGES)
def test_what_is_refused_in_a_room_is_told_to_its_sender_alone_who_stays(case, pair):
    guest, _ = pair
    assert_refused(case, guest)
    guest.say("Data", payload="still here")
    for one in pair:
        heard = one.hear()
        assert (heard.get("payload"), heard.get("fromClient")) == ("still here", guest.id)


@each(UNTOUCHED + SPOOFED)
def test_what_is_odd_and_right_arrives_as_it_was_written(case, pair):
    guest, _ = pair
    guest.send(case.sent)
    for one in pair:
        assert what_came(case, one) == guest.id


@each(TOGETHER)
def test_who_names_a_group_alike_is_sent_together(case, pair):
    for one in pair:
        one.send(case.sent)
    for one in pair:
        assert {what_came(case, one), what_came(case, one)} == {guest.id for guest in pair}


@each(JOINED)
def test_a_room_may_have_an_odd_name_or_setting(case, guests):
    guest = guests.peer()
    room = {"app": "odd", "name": "default", "version": "1.0.0"}
    guest.say("JoinRoom", roomInfo=room | case.info, makeRoomIfNonExistant=True)
    assert guest.hear()["clients"] == [guest.id]
    told = room | {"isPasswordProtected": False} | (case.info if case.told is None else case.told)
    assert guest.hear() == {"type": "ResolvePromise", "func": "JoinRoom", "data": told}
    guest.say("GetRooms", roomInfo={"app": "odd"})
    assert {key: told[key] for key in room} in guest.hear()["rooms"]


@pytest.mark.parametrize(
    ("password", "err"),
    [
        ("a guess", WRONG),
        ("", WRONG),
        (None, WRONG),
        (PASSWORD.upper(), WRONG),
        (PIN, "roomInfo.password must be text"),
        ({"$ne": ""}, "roomInfo.password must be text"),
    ],
    ids=["wrong", "empty", "null", "in capitals", "a number", "an object"],
)
def test_who_does_not_know_the_password_stays_outside(password, err, guests):
    owner, guest = guests.peer(), guests.peer()
    assert owner.join(app="cases", name="locked", password=PASSWORD)["data"]["isPasswordProtected"]
    assert guest.join(app="cases", name="locked", password=password) == {
        "type": "RejectPromise",
        "func": "JoinRoom",
        "err": err,
    }
    guest.say("Data")
    assert guest.hear() == OUTSIDE
    owner.say("Data", payload="alone")
    assert owner.hear()["payload"] == "alone"


def test_a_password_is_in_no_answer(guests):
    owner, guest = guests.peer(), guests.peer()
    answers = [owner.join(app="cases", name="locked", password=PASSWORD)]
    answers.append(guest.join(app="cases", name="locked", password=PASSWORD))
    assert [answer["type"] for answer in answers] == ["ResolvePromise"] * 2
    guest.say("GetRooms", details=True)
    guest.say("GetStats")
    answers += [guest.hear(), guest.hear()]
    assert answers[-1]["type"] == "GetStats"
    assert PASSWORD not in json.dumps(answers)


def test_a_full_room_takes_nobody_and_is_told_of_nobody(guests):
    owner, guest = guests.peer(), guests.peer()
    assert owner.join(app="cases", name="full", maxClients=1)["data"]["maxClients"] == 1
    refused = guest.join(app="cases", name="full", maxClients=9)
    assert refused["err"] == FULL
    owner.say("Data", payload="alone")
    assert owner.hear()["payload"] == "alone"


def test_nobody_speaks_in_anothers_name(pair):
    speaker, other = pair
    speaker.say("Data", fromClient=other.id, payload="who?")
    assert [one.hear()["fromClient"] for one in pair] == [speaker.id, speaker.id]


def test_a_whisper_to_another_room_reaches_nobody(pair, witnesses):
    speaker, _ = pair
    ids = [*(witness.id for witness in witnesses), "__proto__", "", "nobody"]
    speaker.say("Data", subType="Whisper", whisperClientIds=ids, payload="psst")
    speaker.say("Data", payload="aloud")
    assert [one.hear()["payload"] for one in pair] == ["aloud", "aloud"]
