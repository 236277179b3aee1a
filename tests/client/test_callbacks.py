"""What an app may do in callbacks, and what it may not."""

import threading
from time import sleep

import pytest
from greenlet import GreenletExit

from piehub.client import NotConnected, PieError
from tests.client.people import ROOM
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def ann(person, url):
    return person(url).joins(ROOM)


@pytest.fixture
def bob(person, url, ann):
    return person(url).joins(ROOM)


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
