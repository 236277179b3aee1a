"""What the soak takes for wrong, given what members hear."""

import json
from collections import Counter

import pytest
from gevent.event import Event

from tests.soak.rooms import Room, Sent


class Listener:
    """A member as the log of its room knows it."""

    def __init__(self, room):
        self.log = room.log(None)
        self.place = 0
        self.skipped = set()
        self.is_in = Event()
        self.is_in.set()
        self.acknowledged = []
        room.members.append(self)

    def is_acknowledged(self, text):
        return text in self.acknowledged

    def hear(self, *texts):
        for text in texts:
            self.log.hear(self, text)


@pytest.fixture
def room():
    room = Room("room", Counter())
    for number in (1, 2, 3):
        room.sent[f"anna {number}"] = Sent("anna", number, 0.0)
    return room


def said(number, sender="anna", **fields):
    message = {"payload": f"anna {number}", "fromClient": sender, "time": 5} | fields
    return json.dumps(message).encode()


ONE, TWO, THREE = map(said, (1, 2, 3))


def wrong(room):
    room.settle()
    return {name: times for name, times in room.wrong.items() if times}


def test_all_of_it_in_one_order_is_right(room):
    first, second = Listener(room), Listener(room)
    first.hear(ONE, TWO)
    second.hear(ONE, TWO, THREE)
    first.hear(THREE)
    assert wrong(room) == {}


@pytest.mark.parametrize(
    ("heard", "what"),
    [
        pytest.param([ONE, TWO], {"lost": 1}, id="the last is missing"),
        pytest.param([ONE, THREE], {"lost": 1}, id="one between is missing"),
        pytest.param([ONE, ONE, TWO, THREE], {"doubled": 1}, id="one comes twice"),
        pytest.param([ONE, THREE, TWO], {"out of order": 1}, id="two are swapped"),
    ],
)
def test_one_member_that_hears_otherwise_is_noticed(heard, what, room):
    Listener(room).hear(ONE, TWO, THREE)
    Listener(room).hear(*heard)
    assert wrong(room) == what


@pytest.mark.parametrize(
    ("heard", "what"),
    [
        pytest.param([ONE, TWO], {"lost": 2}, id="nobody hears the last"),
        pytest.param([ONE, TWO, said(2, time=6), THREE], {"doubled": 1}, id="said twice"),
        pytest.param([ONE, THREE, TWO], {"out of order": 1}, id="a sender's are swapped"),
        pytest.param([ONE, TWO, said(3, "bert")], {"strange": 1}, id="from somebody else"),
        pytest.param([ONE, TWO, said(3, time="6")], {"strange": 1}, id="the time is text"),
        pytest.param([ONE, TWO, said(3, seq=3)], {"strange": 1}, id="a number for nothing"),
        pytest.param([ONE, TWO, THREE, said(4)], {"strange": 1}, id="nobody has said it"),
    ],
)
def test_what_is_wrong_for_all_is_noticed(heard, what, room):
    for member in Listener(room), Listener(room):
        member.hear(*heard)
    assert wrong(room) == what


def test_a_first_that_hears_otherwise_is_noticed_too(room):
    Listener(room).hear(ONE, THREE, TWO)
    Listener(room).hear(ONE, TWO, THREE)
    assert wrong(room)


def test_who_came_between_two_messages_may_hear_the_second_before_anybody_hears_the_first(room):
    first, second = Listener(room), Listener(room)
    second.place = 1
    second.hear(TWO)
    first.hear(ONE, TWO, THREE)
    second.hear(THREE)
    assert wrong(room) == {}


def test_the_echo_of_what_was_said_once_more_is_not_doubled(room):
    first, second = Listener(room), Listener(room)
    for member in first, second:
        member.hear(ONE, TWO, THREE)
    first.acknowledged.append(TWO)
    first.hear(TWO)
    assert wrong(room) == {}


def test_numbers_without_a_gap_are_right_where_there_is_a_history(room):
    room.history = 10
    listener = Listener(room)
    listener.hear(said(1, seq=1), said(2, seq=2), said(3, seq=3))
    assert wrong(room) == {}


def test_a_gap_in_the_numbers_is_strange(room):
    room.history = 10
    listener = Listener(room)
    listener.hear(said(1, seq=1), said(3, seq=3))
    assert wrong(room)["strange"] == 1


def test_who_is_not_in_the_room_in_the_end_is_noticed(room):
    listener = Listener(room)
    listener.hear(ONE, TWO, THREE)
    listener.is_in.clear()
    assert wrong(room) == {"not in the room": 1}
