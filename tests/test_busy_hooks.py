"""What holds for a client while the app's own code is busy with what it said."""

import json
from time import monotonic

import gevent
import pytest
from flask import Flask
from gevent.event import Event
from gevent.lock import Semaphore

from piehub import PieHub
from tests.support.peer import ROOM, masked
from tests.support.timing import MS, PATIENCE

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def until(is_so):
    with gevent.Timeout(PATIENCE):
        while not is_so():
            gevent.sleep(MS)


class Busy:
    """A hub whose hooks wait until they are let go on."""

    def __init__(self, service):
        self._service = service
        self.go_on = Event()
        self.refusal = None

    def start(self, **settings):
        pie, app = PieHub(), Flask(__name__)
        app.config.update(PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests")
        app.config.update({f"PIEHUB_{name.upper()}": value for name, value in settings.items()})
        pie.init_app(app)
        pie.on_data(lambda client, room, message: self.go_on.wait(PATIENCE) and None)
        pie.on_join(lambda client, room: self.go_on.wait(PATIENCE) and self.refusal)
        self.url = self._service.start(app)

    def client(self):
        """A client in the room, and the hub's side of it."""
        others = set(self._service.hub.heartbeat)
        wire = self._service.wire(self.url)
        wire.frame()
        (connection,) = set(self._service.hub.heartbeat) - others
        return wire, connection

    def member(self):
        wire, connection = self.client()
        self.go_on.set()
        wire.send(say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True))
        until(lambda: b"ResolvePromise" in wire.frame()[1])
        self.go_on.clear()
        return wire, connection

    @property
    def heartbeat(self):
        return self._service.hub.heartbeat

    def sweep(self, after=0.0):
        self.heartbeat.sweep(monotonic() + after)


class SlowToGoOn(Event):
    def wait(self, timeout):
        gevent.sleep(30 * MS)


class OneByOne(Semaphore):
    def __init__(self):
        super().__init__(0)

    def wait(self, timeout):
        return self.acquire(timeout=timeout)

    def set(self):
        self.release()


@pytest.fixture
def busy(service):
    busy = Busy(service)
    yield busy
    busy.go_on.set()


def say(kind, **fields):
    return masked(TEXT, json.dumps({"type": kind, **fields}).encode())


def in_fragments(message, size):
    """The same message, whole only with the last of many frames."""
    payload = json.dumps(message).encode()
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    for number, part in enumerate(parts, 1):
        yield masked(0 if number > 1 else TEXT, part, fin=number == len(parts))


def speak_at_length(wire, connection, size):
    """Say so much, and wait until the hub has it in hand."""
    wire.send(say("Data", payload="x" * size))
    until(lambda: connection.held > 2 * size)


def test_messages_that_are_being_dealt_with_count_with_what_waits_for_all(busy):
    busy.start(outboxes_bytes=200_000)
    members = [busy.member() for _ in range(3)]
    for size, member in zip((20_000, 40_000, 60_000), members, strict=True):
        speak_at_length(*member, size)
    busy.sweep()
    ended = [connection.how_it_ended()[0] for _, connection in members]
    assert ended == [1006, 1006, 4413]


def test_a_message_of_many_frames_counts_until_it_has_been_dealt_with(busy):
    busy.start()
    wire, connection = busy.member()
    for part in in_fragments({"type": "Data", "payload": "x" * 60_000}, 9_000):
        wire.send(part)
        gevent.sleep(5 * MS)  # so that no read takes all of it
    until(lambda: not connection.is_listening and connection.held > 60_000)
    busy.go_on.set()
    until(lambda: connection.is_listening)
    assert connection.held < 1000


def test_a_message_that_is_being_dealt_with_is_not_late(busy):
    busy.start(ping_interval=0)
    wire, connection = busy.member()
    first, last = in_fragments({"type": "Data", "payload": "x"}, 20)
    wire.send(first)
    until(lambda: connection.reader.message)
    busy.sweep()
    wire.send(last)
    until(lambda: not connection.is_listening)
    busy.sweep(after=31)
    assert connection.closing_at is None


def test_what_piled_up_behind_the_apps_own_code_is_not_too_much_at_once(busy):
    rate = 50 / MS / 1000  # a second
    busy.start(rate_limit=rate, rate_burst=30)
    wire, _ = busy.member()
    wire.send(say("Data", payload=0))
    gevent.sleep(800 * MS)
    wire.send(masked(PING, b"") * 55)  # thirty of them may come at once, and as many piled up
    busy.go_on.set()
    pongs = 0
    while pongs < 55:
        opcode, _ = wire.frame()
        assert opcode in (TEXT, PONG)
        pongs += opcode == PONG
    wire.send(masked(PING, b"") * 100)
    while (opcode := wire.frame()[0]) == PONG:
        pass
    assert opcode == CLOSE  # it does not go on like this


def test_who_speaks_right_behind_a_join_that_takes_its_time_is_within_its_rate(busy):
    busy.start(rate_limit=50 / MS / 1000, rate_burst=5)
    wire, connection = busy.client()
    wire.send(say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True) + masked(PING, b""))
    until(lambda: connection.is_being_dealt_with)
    gevent.sleep(300 * MS)  # longer than the client may be ahead
    busy.go_on.set()
    while (opcode := wire.frame()[0]) == TEXT:
        pass
    assert opcode == PONG


def test_who_says_much_at_once_to_slow_code_is_not_let_go_on_by_the_time_that_it_takes(busy):
    rate = 50 / MS / 1000  # a second
    busy.start(rate_limit=rate, rate_burst=5)
    wire, connection = busy.member()
    gevent.sleep(100 * MS)  # so that it may say five things again
    busy.go_on = SlowToGoOn()
    wire.send(say("Data", payload=1) * 25)
    while (opcode := wire.frame()[0]) == TEXT:
        pass
    assert opcode == CLOSE
    assert connection.received == 1 + 5


def test_who_is_refused_again_and_again_has_to_join_in_time_all_the_same(busy):
    busy.start(require_join=True, join_timeout=30, ping_interval=0)
    busy.refusal, busy.go_on = "not today", OneByOne()
    wire, connection = busy.client()
    wire.send(say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True) * 2)
    until(lambda: connection.received == 1)
    busy.sweep(after=31)
    assert connection.closing_at is None
    busy.go_on.set()
    until(lambda: connection.received == 2)
    assert connection.is_being_dealt_with
    busy.sweep(after=32)
    assert connection.how_it_ended()[0] == 1008


def test_who_waits_for_the_apps_own_code_is_not_late_for_its_first_room(busy):
    busy.start(require_join=True, join_timeout=30)
    wire, connection = busy.client()
    wire.send(say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True))
    until(lambda: not connection.is_listening)
    busy.sweep(after=31)
    assert connection.closing_at is None
    busy.go_on.set()
    until(lambda: b"ResolvePromise" in wire.frame()[1])
    busy.sweep(after=1000)
    assert connection.closing_at is None
    assert not busy.heartbeat._said_in_time
