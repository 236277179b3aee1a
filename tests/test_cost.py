"""What the hub's speed rests on: one frame a message, and a lock under which nobody waits."""

import gc
import json
import socket

import gevent
import gevent.event
import greenlet
import pytest

from piehub import create_app
from piehub.net import flusher
from piehub.net.connection import Connection
from piehub.protocol import outgoing
from piehub.session import Client
from tests.support.peer import ROOM, masked
from tests.support.timing import MS, PATIENCE

JOIN = {"type": "JoinRoom", "roomInfo": ROOM, "makeRoomIfNonExistant": True}


@pytest.fixture
def members(service):
    """Twenty clients in one room, who have heard of each other."""
    url = service.start(room_cleanup_delay=0, rate_limit=0, outbox_bytes=200_000, max_members=100)
    service.url = url
    peers = [service.peer(url) for _ in range(20)]
    for peer in peers:
        peer.join()
    for count, peer in enumerate(peers, 1):
        for _ in range(20 - count):
            assert peer.hear_type("ClientPresenceChanged")
    return peers


def counted(monkeypatch, module, name):
    """The calls of a function from here on."""
    calls = []
    function = getattr(module, name)

    def count(*arguments):
        calls.append(arguments)
        return function(*arguments)

    monkeypatch.setattr(module, name, count)
    return calls


def test_a_message_is_written_and_framed_once_however_many_hear_it(members, monkeypatch):
    written = counted(monkeypatch, outgoing, "relay")
    framed = counted(monkeypatch, flusher.frames, "text")
    members[0].say("Data", payload="once")
    for peer in members:
        assert peer.hear()["payload"] == "once"
    assert (len(written), len(framed)) == (1, 1)


class WatchedLock:
    """The registry's lock; keeps what greenlets did while it was held."""

    def __init__(self, lock):
        self._lock = lock
        self.entered = 0
        self.switches = []

    def __enter__(self):
        self._lock.__enter__()
        self.entered += 1
        self._before = greenlet.settrace(lambda event, pair: self.switches.append(event))

    def __exit__(self, *error):
        greenlet.settrace(self._before)
        self._lock.__exit__(*error)


def test_nothing_switches_greenlets_while_the_lock_is_held(service, members):
    """Not even for a client that reads nothing, until it is given up."""
    registry = service.hub.registry
    lock = registry._lock = WatchedLock(registry._lock)
    speaker, listener, *_ = members
    slow = service.wire(service.url)
    slow.send(masked(1, json.dumps(JOIN).encode()))
    with gevent.Timeout(2 * PATIENCE):
        while len(speaker.hear_type("ClientPresenceChanged")["clients"]) != 21:
            pass
        while len(service.hub.heartbeat) == 21:  # until the slow one has been closed
            speaker.say("Data", payload="x" * 50_000)
            speaker.say("Data", subType="Whisper", whisperClientIds=[listener.id], payload=1)
            speaker.say("Data", subType="Together", payload=2)
            gevent.sleep(MS)
    newcomer = service.peer(service.url)
    newcomer.join()
    newcomer.say("LeaveRoom")
    newcomer.say("EnterMatchmaking", app="a", version="1", matchSize=2)
    assert newcomer.hear_type("ResolvePromise")
    assert lock.entered > 10
    assert lock.switches == []


def test_a_client_that_has_gone_leaves_nothing_to_the_collector():
    """It is told to look seldom, which only does where reference counts free nearly everything."""
    app = create_app(PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0)
    hub = app.extensions["piehub"]
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            ours, theirs = socket.socketpair()
            has_gone = gevent.event.Event()
            connection = Connection(hub.runtime, ours, hub.limits)
            client = Client(hub, connection, address="", identity=None, requested_id="")
            client.live("", then=has_gone.set)
            theirs.sendall(masked(1, json.dumps(JOIN).encode()) + masked(1, b'{"type": "Data"}'))
            theirs.settimeout(PATIENCE)
            received = b""
            while b'"type":"Data"' not in received.replace(b" ", b""):
                received += theirs.recv(1000)
            theirs.close()
            assert has_gone.wait(PATIENCE)
            ours.close()
        del ours, theirs, has_gone, connection, client
        gevent.sleep(0)  # until the greenlet that ended the last one has ended itself
        assert gc.collect() == 0
    finally:
        gc.enable()
