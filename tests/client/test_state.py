"""What a client makes of what the hub says, message by message."""

import json
from concurrent.futures import Future

import pytest

from piehub.client.errors import NotConnected, PieError, Refused
from piehub.client.state import State
from piehub.client.unconfirmed import AT_ONCE, MOST

INFO = {"app": "chat", "name": "lobby", "version": "1"}
HISTORY = {"history": 10, "epoch": "e", "seq": 0}
JOIN = {"type": "JoinRoom", "roomInfo": INFO, "makeRoomIfNonExistant": True}
ENTER = {"type": "EnterMatchmaking", "app": "game", "version": "1", "matchSize": 2}


class Talk:
    """A state, and the hub's part in JSON."""

    def __init__(self):
        self.state = State("ann")

    def greets(self, client_id="ann"):
        self.hears("ServerAssignedData", clientId=client_id, resumeToken="token")
        return self.sends()

    def hears(self, kind, **fields):
        self.state.hear({"type": kind, **fields})

    def resolves(self, func="JoinRoom", **data):
        self.hears("ResolvePromise", func=func, data=data)

    def rejects(self, func="JoinRoom", err="No."):
        self.hears("RejectPromise", func=func, err=err)

    def echoes(self, *seqs, **fields):
        for seq in seqs:
            self.hears("Data", payload=seq, seq=seq, **fields)

    def asks(self, message=JOIN):
        answer = Future()
        self.state.ask(message, answer)
        return answer

    def says(self, payload, **fields):
        return self.state.say({"type": "Data", "payload": payload, **fields})

    def sends(self, now=0):
        return [json.loads(text) for text in self.state.due(now)]

    def sends_data(self, now=0):
        return [message["payload"] for message in self.sends(now)]

    def tells(self, name):
        return [argument for event, argument in self.state.events() if event == name]

    def tells_data(self):
        return [message["payload"] for message in self.tells("on_data")]

    def errors(self):
        return [str(error) for error in self.tells("on_error")]


@pytest.fixture
def talk():
    talk = Talk()
    assert talk.greets() == []
    return talk


@pytest.fixture
def kept(talk):
    """In a room with a history."""
    talk.asks()
    talk.sends()
    talk.resolves(**INFO, **HISTORY)
    return talk


@pytest.fixture
def lost(kept):
    """It had heard three messages, then the connection ended."""
    kept.echoes(1, 2, 3)
    kept.state.events()
    kept.state.lost()
    return kept


def recovers(seq=3):
    return {"epoch": "e", "seq": seq}


def test_who_asks_gets_the_answer(talk):
    answer = talk.asks()
    assert talk.sends() == [JOIN]
    talk.resolves(**INFO)
    assert answer.result(0) == INFO == talk.state.room
    assert talk.state.resume_token == "token"


def test_a_question_is_refused_with_the_hubs_text(talk):
    answer = talk.asks()
    talk.rejects(err="Not you.")
    with pytest.raises(Refused, match=r"^Not you\.$"):
        answer.result(0)
    assert talk.state.room is None


def test_joins_are_asked_one_by_one_and_answered_each(talk):
    first, second, third = (talk.asks(JOIN | {"n": number}) for number in range(3))
    second.cancel()
    assert [message["n"] for message in talk.sends()] == [0]
    talk.rejects(err="no")
    assert [message["n"] for message in talk.sends()] == [2]
    talk.resolves(**INFO)
    assert talk.sends() == []
    assert (str(first.exception(0)), third.result(0)) == ("no", INFO)


def test_joins_that_were_given_up_do_not_pile_up(talk):
    talk.asks()
    for _ in range(100):
        talk.asks().cancel()
    assert len(talk.state._asks._joins) == 1


def test_an_answer_that_nobody_has_asked_for_is_passed_over(talk):
    talk.resolves(**INFO)
    talk.rejects("LeaveMatchmaking")
    talk.hears("Rooms", rooms=[])
    assert talk.state.room is None
    assert talk.tells("on_rooms") == [{"type": "Rooms", "rooms": []}]


def test_a_room_that_was_left_before_the_answer_is_not_gone_back_to(talk):
    answer, later = talk.asks(), talk.asks()
    talk.state.leave()
    assert [message["type"] for message in talk.sends()] == ["JoinRoom", "LeaveRoom"]
    talk.resolves(**INFO, **HISTORY)
    assert answer.result(0)["app"] == "chat"
    with pytest.raises(PieError, match=r"leave_room\(\) was called"):
        later.result(0)
    assert talk.state.room is None
    talk.state.lost()
    assert talk.greets() == []


def test_who_comes_back_asks_for_what_it_has_missed(lost):
    assert lost.greets() == [
        {
            "type": "JoinRoom",
            "roomInfo": INFO | HISTORY,
            "makeRoomIfNonExistant": True,
            "recover": recovers(),
        }
    ]
    lost.resolves(**INFO, **HISTORY | {"seq": 5}, recovered=True)
    lost.echoes(4, 5, 6)
    assert [name for name, _ in lost.state.events()] == ["on_recovery", *["on_data"] * 3]


def test_the_password_of_the_room_is_said_again_and_shown_to_nobody(talk):
    talk.asks({**JOIN, "roomInfo": INFO | {"password": "secret"}})
    talk.resolves(**INFO, isPasswordProtected=True)
    assert "password" not in talk.state.room
    talk.state.lost()
    (message,) = talk.greets()
    assert message["roomInfo"] == INFO | {"isPasswordProtected": True, "password": "secret"}
    assert "recover" not in message
    talk.resolves(**INFO, isPasswordProtected=True)
    talk.state.lost()
    assert talk.greets() == [message]


def test_what_was_heard_already_is_not_told_again(lost):
    lost.greets()
    lost.resolves(**INFO, **HISTORY | {"seq": 4}, recovered=True)
    lost.echoes(2, 3, 4, 4, 5)
    assert lost.tells_data() == [4, 5]


def test_what_is_said_waits_until_all_that_was_missed_has_come(lost):
    lost.greets()
    assert lost.says("new")
    assert lost.sends() == []
    lost.resolves(**INFO, **HISTORY | {"seq": 5}, recovered=True)
    lost.echoes(4)
    assert lost.sends() == []
    assert not lost.state.has_more or lost.state.due_at() is None
    lost.echoes(5)
    assert lost.sends_data() == ["new"]


def test_what_was_not_echoed_is_sent_again_and_its_echo_told_once(kept):
    kept.says("a", messageId="a")
    kept.says("b", messageId="b")
    kept.sends()
    kept.echoes(1, messageId="a")
    kept.state.lost()
    kept.greets()
    kept.resolves(**INFO, **HISTORY | {"seq": 2}, recovered=True)
    kept.echoes(2, messageId="b")
    assert kept.sends() == []
    assert kept.tells_data() == [1, 2]


def test_after_a_gap_what_the_hub_had_already_is_told_once_by_its_echo(kept):
    kept.says("a", messageId="a")
    kept.sends()
    kept.state.lost()
    kept.greets()
    kept.resolves(**INFO, **HISTORY | {"seq": 50}, recovered=False)
    assert kept.sends_data() == ["a"]
    kept.echoes(20, 20, messageId="a")
    kept.echoes(51)
    assert kept.tells_data() == [20, 51]


def test_a_gap_is_told(lost):
    lost.greets()
    lost.resolves(**INFO, **HISTORY | {"epoch": "f", "seq": 1}, recovered=False)
    ((is_recovered, room),) = lost.tells("on_recovery")
    assert (is_recovered, room["epoch"]) == (False, "f")
    lost.echoes(1, 2)
    assert lost.tells_data() == [2]
    lost.state.lost()
    assert lost.greets()[0]["recover"] == {"epoch": "f", "seq": 2}


def test_who_is_not_let_in_again_hears_what_may_be_lost_and_tries_again_later(lost):
    lost.says("a")
    lost.greets()
    lost.rejects(err="Full.")
    assert lost.errors() == [
        "Could not rejoin the room: Full.",
        "1 messages may be lost: nobody echoed them",
    ]
    lost.state.lost()
    (message,) = lost.greets()
    assert (message["roomInfo"], "recover" in message) == (INFO | HISTORY, False)


def test_a_room_that_has_lost_its_history_sends_nothing_again(lost):
    lost.says("a")
    lost.greets()
    lost.resolves(**INFO)
    assert lost.errors() == ["1 messages may be lost: nobody echoed them"]
    assert not lost.says("b")
    assert lost.sends_data() == ["b"]
    assert lost.tells("on_recovery") == []


def test_a_whisper_is_not_sent_again(kept):
    assert not kept.says("psst", subType="Whisper", whisperClientIds=["bob"])
    (message,) = kept.sends()
    assert "messageId" not in message
    kept.state.lost()
    kept.greets()
    kept.resolves(**INFO, **HISTORY, recovered=True)
    assert kept.sends() == []


def test_whispers_and_what_has_no_number_is_always_told(lost):
    lost.hears("Data", payload="psst", subType="Whisper")
    lost.hears("Data", payload="from a host app")
    assert lost.tells_data() == ["psst", "from a host app"]


@pytest.mark.parametrize(("group", "same"), [(5, "5"), (5, 5.0), (True, "true"), ("x", "x")])
def test_a_together_message_takes_the_place_of_the_one_before(kept, group, same):
    kept.says("t1", subType="Together", togetherId=group)
    kept.says("other", subType="Together", togetherId="None")
    kept.says("none", subType="Together")
    kept.says("t2", subType="Together", togetherId=same)
    kept.state.lost()
    kept.greets()
    kept.resolves(**INFO, **HISTORY, recovered=True)
    assert kept.sends_data() == ["other", "none", "t2"]


def test_leaving_sends_first_what_is_due_and_says_what_is_not(kept):
    kept.says("a")
    kept.state.leave()
    assert [message["type"] for message in kept.sends()] == ["Data", "LeaveRoom"]
    assert kept.errors() == []
    kept.asks()
    kept.resolves(**INFO, **HISTORY)
    kept.sends()
    for number in range(AT_ONCE + 3):
        kept.says(number)
    kept.sends()
    kept.state.leave()
    assert kept.errors() == ["3 messages may be lost: nobody echoed them"]


def test_what_was_never_sent_is_told_of_when_the_room_is_left_without_a_connection(lost):
    lost.says("a")
    lost.state.leave()
    assert lost.errors() == ["1 messages may be lost: nobody echoed them"]
    assert lost.greets() == []
    assert not lost.says("b")


def test_what_may_have_ended_the_connection_is_not_sent_again(kept):
    kept.says("too long")
    kept.sends()
    kept.state.lost(is_final=True)
    assert kept.errors() == ["1 messages may be lost: nobody echoed them"]
    kept.greets()
    kept.resolves(**INFO, **HISTORY, recovered=True)
    assert kept.sends() == []


def test_that_too_much_waits_is_told_once(kept):
    for number in range(MOST + 5):
        kept.says(number)
    assert kept.errors() == [
        "Over 1000 messages wait for their echo: from now on the oldest may be lost"
    ]


def test_who_waits_when_the_connection_ends_is_told(talk):
    asked = [talk.asks(message) for message in (JOIN, JOIN, ENTER, {"type": "GetRooms"})]
    talk.state.lost()
    assert [type(answer.exception(0)) for answer in asked] == [NotConnected] * 4
    assert talk.greets() == []  # nor is any of it asked again


def test_who_waits_for_a_match_goes_back_to_the_queue(talk):
    talk.asks(ENTER)
    talk.resolves("EnterMatchmaking", queued=True)
    for _ in range(2):
        talk.state.lost()
        assert talk.greets() == [ENTER]  # twice, as the first is not answered
    talk.rejects("EnterMatchmaking", "Too many.")
    assert talk.errors() == ["Could not enter matchmaking again: Too many."]
    talk.state.lost()
    assert talk.greets() == []


@pytest.mark.parametrize("ends", ["left", "joined", "matched", "stopped"])
def test_who_waits_for_no_match_any_more_does_not(talk, ends):
    talk.asks(ENTER)
    talk.asks({"type": "LeaveMatchmaking"} if ends == "left" else JOIN)
    talk.resolves("EnterMatchmaking", queued=True)
    if ends == "left":
        talk.resolves("LeaveMatchmaking", removed=True)
    elif ends == "joined":
        talk.resolves(**INFO)
        talk.state.leave()
    elif ends == "matched":
        talk.hears("MatchFound", roomInfo=INFO | {"hidden": True}, clients=["ann", "bob"])
    else:
        talk.state.stop()
    talk.state.lost()
    assert ENTER not in talk.greets()


def test_a_join_that_is_refused_does_not_end_the_wait_for_a_match(talk):
    talk.asks(ENTER)
    talk.resolves("EnterMatchmaking", queued=True)
    talk.asks()
    talk.rejects()
    talk.state.lost()
    assert talk.greets() == [ENTER]


def test_a_match_is_the_room_to_go_back_to(kept):
    kept.says("a")
    kept.hears("MatchFound", roomInfo=INFO | {"hidden": True}, clients=["ann", "bob"])
    assert kept.state.clients == ["ann", "bob"]
    kept.state.lost()
    assert kept.state.clients == []
    (message,) = kept.greets()
    assert message["roomInfo"] == INFO | {"hidden": True}
    assert "recover" not in message


def test_who_is_there_is_told(talk):
    talk.hears("ClientPresenceChanged", clients=["ann", "bob"], present=True, time=1)
    assert talk.state.clients == ["ann", "bob"]
    assert talk.tells("on_presence")[0]["present"] is True


def test_the_id_is_the_one_that_the_hub_gives(lost):
    lost.says("a", messageId="a")
    lost.greets("another")
    assert lost.state.client_id == "another"
    lost.resolves(**INFO, **HISTORY | {"seq": 3}, recovered=True)
    assert lost.sends_data() == ["a"]


def test_a_refusal_that_names_no_question_goes_to_who_can_have_asked(talk):
    answer, other = talk.asks({"type": "GetRooms"}), talk.asks({"type": "GetRooms"})
    talk.hears("Err", message="Something else.")
    talk.hears("Err", message="roomInfo.app must be text, not 1")
    talk.hears("Rooms", rooms=[INFO])
    talk.hears("Err", message="roomInfo.app must be text, not 1")
    assert str(answer.exception(0)) == "roomInfo.app must be text, not 1"
    assert other.result(0) == [INFO]
    assert talk.errors() == ["Something else.", "roomInfo.app must be text, not 1"]
