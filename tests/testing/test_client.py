"""What a client in process says and hears."""

import pytest

from piehub import PieHub
from piehub.testing import Closed, Refused

ROOM = {"app": "chat", "name": "lobby", "version": "1"}


def types(messages):
    return [message["type"] for message in messages]


def test_what_one_says_everyone_in_the_room_has_heard_when_it_has_been_said(join):
    ann, bob, eve = join(), join(), join("elsewhere")
    ann.send_data({"text": "hi"}, subType="Chat")
    for client in (ann, bob):
        (message,) = client.received("Data")
        assert message == {
            "type": "Data",
            "payload": {"text": "hi"},
            "subType": "Chat",
            "fromClient": ann.id,
            "time": message["time"],
        }
        assert isinstance(message["time"], int)
    assert eve.received("Data") == []


def test_a_client_has_been_greeted_when_it_is_there(pie):
    client = pie.test_client()
    assert client.hello["clientId"] == client.id
    assert client.hello["resumeToken"]
    assert client.received() == []


def test_who_joins_is_told_of_the_room_and_who_is_there(pie, join):
    ann, bob = join(), pie.test_client()
    ann.received()
    assert bob.join(**ROOM) == {**ROOM, "isPasswordProtected": False}
    (presence,) = bob.received()
    assert (presence["clients"], presence["present"]) == ([ann.id, bob.id], True)
    assert ann.received() == [presence]


def test_a_name_is_default_where_none_is_given(pie):
    assert pie.test_client().join(app="chat", version="1")["name"] == "default"


def test_who_leaves_or_goes_is_told_of(join):
    ann, bob, eve = join(), join(), join()
    ann.received()
    bob.leave()
    eve.close()
    assert [message["clients"] for message in ann.received()] == [[ann.id, eve.id], [ann.id]]


def test_a_join_that_is_refused_says_why(join, pie):
    join("club", password="swordfish", maxClients=2)
    eve = pie.test_client()
    club = {"app": "chat", "name": "club", "version": "1"}
    with pytest.raises(Refused, match="incorrect password"):
        eve.join(**club, password="guess")
    with pytest.raises(Refused, match="non-existant room"):
        eve.join(app="chat", name="nowhere", version="1", make=False)
    with pytest.raises(Refused, match="maxClients must be an integer of 1 or more"):
        eve.join(**club, maxClients="two")
    assert eve.received() == []
    eve.join(**club, password="swordfish")
    with pytest.raises(Refused, match="at capacity"):
        pie.test_client().join(**club, password="swordfish")


def test_whispers_go_to_those_who_are_named(join):
    ann, bob, eve = join(), join(), join()
    ann.send_data("psst", subType="Whisper", whisperClientIds=[bob.id])
    assert [client.payloads() for client in (ann, bob, eve)] == [[], ["psst"], []]


def test_together_waits_for_all_and_for_those_who_stay(join):
    ann, bob, eve = join(), join(), join()
    for client in (ann, bob):
        client.send_data("ready", subType="Together", togetherId="start")
    assert ann.payloads() == []
    eve.leave()
    assert ann.payloads() == ["ready", "ready"]


def test_a_match_is_made_of_those_who_wait(pie):
    ann, bob = pie.test_client(), pie.test_client()
    terms = {"app": "duel", "version": "1", "matchSize": 2}
    assert ann.ask("EnterMatchmaking", **terms) == {"queued": True}
    assert ann.received() == []
    bob.ask("EnterMatchmaking", **terms)
    (found,) = ann.received("MatchFound")
    assert found["clients"] == [ann.id, bob.id]
    assert [room.name for room in pie.rooms()] == [found["roomInfo"]["name"]]
    ann.send_data("en garde")
    assert bob.payloads() == ["en garde"]


def test_who_leaves_matchmaking_is_matched_no_more(pie):
    ann, bob = pie.test_client(), pie.test_client()
    for client in (ann, bob):
        client.ask("EnterMatchmaking", app="duel", version="1", matchSize=2)
        assert client.ask("LeaveMatchmaking") == {"removed": True}
    assert bob.received() == []


def test_a_question_is_answered(join):
    ann = join()
    assert ann.ask("GetRooms")["rooms"] == [ROOM]
    assert ann.ask("GetRooms", roomInfo={"app": "other"})["rooms"] == []
    assert ann.ask("GetStats")["stats"]["rooms"][0]["clients"] == 1


def test_a_question_that_cannot_be_understood_is_refused(pie):
    with pytest.raises(Refused, match="roomInfo"):
        pie.test_client().ask("GetRooms", roomInfo=5)


def test_other_messages_that_an_answer_comes_among_stay(join, pie):
    ann = join()
    bob = pie.test_client()
    bob.join(**ROOM)
    ann.say("GetRooms")
    assert ann.ask("GetRooms", roomInfo={"app": "other"})["rooms"] == []
    assert types(ann.received()) == ["ClientPresenceChanged"] * 2 + ["Rooms"]


def test_what_is_said_as_it_stands_is_answered_in_the_order_of_the_protocol(pie):
    ann = pie.test_client()
    ann.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    assert types(ann.received()) == ["ClientPresenceChanged", "ResolvePromise"]


def test_each_message_is_taken_once_and_those_of_other_types_wait(join):
    ann = join()
    ann.send_data(1)
    ann.say("Nonsense")
    ann.send_data(2)
    assert ann.payloads() == [1, 2]
    assert ann.payloads() == []
    assert types(ann.received()) == ["ClientPresenceChanged", "Err"]
    assert ann.received() == []


@pytest.mark.parametrize("message", ["{nope", "[1]", b"\xff", '{"type": "Data", "payload": NaN}'])
def test_what_is_no_message_is_told_as_an_error_and_the_client_stays(message, join):
    ann = join()
    ann.received()
    ann.send(message)
    assert types(ann.received()) == ["Err"]
    ann.send_data("still here")
    assert ann.payloads() == ["still here"]


def test_a_binary_message_is_taken_as_a_text_is(join):
    ann = join()
    ann.send(b'{"type": "Data", "payload": 1}')
    assert ann.payloads() == [1]


@pytest.mark.parametrize("size", [0, 100, 125, 126, 50_000, 65_535, 65_536, 100_000])
def test_a_message_may_be_of_any_size(size, app):
    app.config["PIEHUB_MAX_MESSAGE_BYTES"] = 200_000
    ann = PieHub(app).test_client()
    ann.join(**ROOM)
    text = "ü" * (size // 2) + "x" * (size % 2)
    ann.send_data(text)
    assert ann.payloads() == [text]


def test_data_without_a_room_is_answered_with_an_error(pie):
    ann = pie.test_client()
    ann.send_data(1)
    assert [message["message"] for message in ann.received()] == [
        'Cannot echo to room, missing "client.room"'
    ]


# How it ends


def test_a_client_is_closed_at_the_end_of_its_block(pie):
    with pie.test_client() as ann:
        ann.join(**ROOM)
        assert ann.close_code is None
    assert ann.close_code == 1000
    assert pie.rooms()[0].clients == ()


def test_a_client_says_with_which_code_it_closes(pie):
    ann = pie.test_client()
    ann.close(4000, "bye")
    ann.close()
    ann.vanish()
    assert (ann.close_code, ann.close_reason) == (4000, "bye")


def test_a_client_that_vanishes_is_gone_for_the_others(join):
    ann, bob = join(), join()
    ann.received()
    bob.vanish()
    assert [message["clients"] for message in ann.received()] == [[ann.id]]
    assert bob.close_code == 1006


def test_a_client_that_says_too_much_is_closed_with_the_reason(join):
    ann = join()
    for number in range(119):  # and the join
        ann.send_data(number)
    assert ann.close_code is None
    ann.send_data(119)
    assert (ann.close_code, ann.close_reason) == (4429, "Rate limit exceeded")
    assert ann.payloads() == list(range(119))


def test_a_message_that_is_too_long_closes_its_client(join):
    ann = join()
    ann.send_data("x" * 70_000)
    assert (ann.close_code, ann.close_reason) == (1009, "message over 65536 bytes")


def test_when_the_hub_goes_its_clients_leave_it_and_no_others_come(app, join, pie):
    ann = join()
    hub = app.extensions["piehub"]
    hub.drain()
    assert (ann.close_code, ann.close_reason) == (1012, "the hub is restarting")
    assert pie.rooms()[0].clients == ()
    assert len(hub.heartbeat) == 0
    with pytest.raises(Refused, match="503 SERVICE UNAVAILABLE: The hub is restarting"):
        pie.test_client()


def test_a_client_that_has_been_closed_cannot_say_anything_and_says_why(join):
    ann, bob = join(), join()
    ann.send_data("x" * 70_000)
    bob.close()
    with pytest.raises(Closed, match="closed with 1009: message over 65536 bytes"):
        ann.send_data(1)
    with pytest.raises(Closed, match=r"closed with 1000$"):
        bob.join(**ROOM)


def test_who_is_closed_while_it_asks_is_told_so(join):
    ann = join()
    with pytest.raises(Closed, match="1009"):
        ann.ask("GetRooms", roomInfo={"app": "x" * 70_000})
