"""Nothing waits for ever, and who waits is told why there is no answer."""

import threading
from contextlib import contextmanager
from time import monotonic

import pytest

from piehub.client import NotConnected, PieError, PieTimeout
from tests.client.people import KEPT, ROOM, until
from tests.support.timing import MS, PATIENCE

CALLS = {
    "make_room": lambda pie, **limit: pie.make_room(**ROOM, **limit),
    "join_room": lambda pie, **limit: pie.join_room(**ROOM, **limit),
    "get_rooms": lambda pie, **limit: pie.get_rooms(**limit),
    "enter_matchmaking": lambda pie, **limit: pie.enter_matchmaking("game", "1", 2, **limit),
    "leave_matchmaking": lambda pie, **limit: pie.leave_matchmaking(**limit),
    "messages": lambda pie, timeout=3 * PATIENCE: next(pie.messages(timeout=timeout), None),
}


@pytest.fixture
def ann(person, network):
    ann = person(network.url)
    ann.pie.connect()
    return ann


@contextmanager
def in_thread(call):
    """Make the call in a thread of its own. Yields the errors that it raised, one at most, whole
    at the end."""
    errors = []

    def note():
        try:
            call()
        except PieError as error:
            errors.append(error)

    thread = threading.Thread(target=note)
    thread.start()
    yield errors
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.parametrize("name", CALLS)
def test_it_is_no_longer_waited_than_allowed(name, ann, network):
    network.swallow()
    began = monotonic()
    with in_thread(lambda: CALLS[name](ann.pie, timeout=50 * MS)) as errors:
        pass
    assert 50 * MS <= monotonic() - began < PATIENCE
    assert isinstance(errors[0], PieTimeout)
    assert isinstance(errors[0], TimeoutError)
    assert f"in {50 * MS} seconds" in str(errors[0])
    network.cut()


@pytest.mark.parametrize("name", [name for name in CALLS if name != "messages"])
def test_who_waits_is_let_go_when_the_connection_ends(name, ann, network):
    network.swallow()
    with in_thread(lambda: CALLS[name](ann.pie)) as errors:
        until(lambda: ann.pie._session._state._asks._asked)
        network.cut()
    assert isinstance(errors[0], NotConnected)
    assert str(errors[0]) == "The connection ended before the hub had answered"


@pytest.mark.parametrize("name", CALLS)
def test_who_waits_is_let_go_when_the_client_is_closed(name, ann, network):
    network.flows.clear()
    with in_thread(lambda: CALLS[name](ann.pie)) as errors:
        until(lambda: ann.pie._session._state._asks._asked or len(ann.pie._readers))
        with in_thread(ann.pie.close):
            network.flows.set()
    assert [type(error) for error in errors] in ([NotConnected], [])
    assert bool(errors) == (name != "messages")  # which just end


def test_what_was_given_up_is_not_asked_again_after_coming_back(person, url, ann, network):
    network.swallow()
    with pytest.raises(PieTimeout):
        ann.pie.enter_matchmaking("game", "1", 2, timeout=20 * MS)
    with pytest.raises(PieTimeout):
        ann.pie.make_room(**ROOM, timeout=20 * MS)
    network.cut()
    ann.comes_back()
    assert person(url).pie.room is ann.pie.room is None
    assert ann.pie.get_rooms() == []


def test_an_answer_that_comes_late_is_not_taken_for_the_next(ann, network):
    network.flows.clear()
    with pytest.raises(PieTimeout):
        ann.pie.get_rooms(app="chat", timeout=20 * MS)
    with pytest.raises(PieTimeout):
        ann.pie.make_room(**ROOM, timeout=20 * MS)
    with pytest.raises(PieTimeout):
        ann.pie.make_room(app="never asked", version="1", timeout=20 * MS)
    network.flows.set()
    ann.waits_for(lambda: ann.rooms)
    assert ann.pie.get_rooms() == [ROOM]
    assert ann.pie.room.items() >= ROOM.items()  # that came late, too
    ann.pie.leave_room()
    assert ann.pie.make_room(app="next", version="1")["app"] == "next"


def test_a_room_that_was_left_before_the_hub_said_it_was_joined_is_left(person, url, network, ann):
    bob = person(url).joins(ROOM)
    network.flows.clear()
    with in_thread(lambda: ann.pie.join_room(**ROOM)) as errors:
        until(lambda: ann.pie._session._state._asks._asked)
        with in_thread(lambda: ann.pie.join_room(app="second", version="1")) as refused:
            until(lambda: ann.pie._session._state._asks._joins)
            ann.pie.leave_room()
        network.flows.set()
    assert errors == []
    assert "leave_room() was called" in str(refused[0])
    assert ann.pie.room is None
    network.cut()
    ann.comes_back()
    ann.pie.get_rooms()
    assert bob.pie.clients == [bob.id]


def test_connecting_to_what_says_nothing_ends(person, network):
    network.is_mute = True
    ann = person(network.url)
    with pytest.raises(PieTimeout):
        ann.pie.connect(timeout=50 * MS)
    assert not ann.pie.is_connected
    network.cut()
    ann.joins(ROOM)


def test_connecting_to_a_websocket_that_is_no_hub_ends(person, mute_server):
    ann = person(mute_server)
    with pytest.raises(PieTimeout):
        ann.pie.connect(timeout=50 * MS)
    assert not ann.pie.is_connected


@pytest.mark.parametrize(("count", "size"), [(100, 60_000), (1, 30_000_000)])
def test_what_the_hub_does_not_read_is_not_waited_for_for_ever(count, size, person, network):
    ann = person(network.url, timeout=100 * MS, ping_interval=None)
    ann.pie.connect(timeout=PATIENCE)
    network.flows.clear()
    with in_thread(lambda: [ann.says("x" * size) for _ in range(count)]) as errors:
        ann.is_cut_off()
    assert [type(error) for error in errors] == [NotConnected]


def test_others_wait_no_longer_for_one_whose_message_goes_slowly(person, network):
    ann = person(network.url, ping_interval=None)
    ann.pie.connect()
    network.flows.clear()
    much = "x" * 60_000
    with in_thread(lambda: [ann.says(much) for _ in range(100)]):
        until(lambda: "has not taken what is sent" in error_of_get_rooms(ann))
        began = monotonic()
        ann.pie.close(timeout=1000 * MS)  # what hangs is let go
        assert monotonic() - began < PATIENCE
    assert not ann.pie.is_connected


def error_of_get_rooms(ann):
    with pytest.raises(PieTimeout) as raised:
        ann.pie.get_rooms(timeout=20 * MS)
    return str(raised.value)


def test_closing_ends_though_the_network_is_gone(person, network):
    ann = person(network.url, timeout=200 * MS).joins(KEPT)
    network.swallow()
    ann.says("lost")
    ann.pie.close(timeout=PATIENCE)
    assert not ann.pie.is_connected
    assert ann.links[-1] == (False, "The client was closed")


def test_closing_while_it_waits_to_come_back_ends_at_once(person, url, network, monkeypatch):
    monkeypatch.setattr("piehub.client.session.wait_seconds", lambda *_: 10 * PATIENCE)
    ann = person(network.url).joins(KEPT)
    network.is_down = True
    network.cut()
    ann.is_cut_off()
    until(lambda: ann.pie._session._link is None)
    ann.pie.close()
    assert ann.errors == []
    network.is_down = False
    bob = person(url)
    bob.pie.connect()
    assert bob.pie.get_rooms(details=True)[0]["clients"] == 0


def test_closing_says_what_it_waits_for_in_vain(person, url):
    ann = person(url)
    may_go_on = threading.Event()
    ann.pie.on_connect_info = lambda info: may_go_on.wait(PATIENCE)
    with in_thread(ann.pie.connect):
        until(lambda: ann.pie.is_connected)
        with pytest.raises(PieTimeout, match="a callback has not returned"):
            ann.pie.close(timeout=50 * MS)
        may_go_on.set()
    ann.joins(ROOM)  # it has ended, and begins anew
