"""Rooms on a clock that only the test moves, with a lock and members that watch over the rules."""

import json
from functools import partial

import pytest

from piehub.protocol.incoming import Join, Match, RoomInfo
from piehub.rooms.limits import RoomLimits
from piehub.rooms.registry import Registry


class Lock:
    """Fails the test where a real lock would block for ever: when it is entered twice."""

    def __init__(self):
        self.is_held = False
        self.entered = 0

    def __enter__(self):
        assert not self.is_held, "the lock was entered by who holds it"
        self.is_held = True
        self.entered += 1

    def __exit__(self, *error):
        self.is_held = False


class Timer:
    def __init__(self, at, run):
        self.at = at
        self.run = run


class Clock:
    """Moves when told to. Only its wall clock goes on by itself, 1 ms at each look."""

    def __init__(self, lock):
        self._lock = lock
        self._ms = 1_700_000_000_000
        self.seconds = 1000.0
        self.timers = []

    def monotonic(self):
        return self.seconds

    def now_ms(self):
        self._ms += 1
        return self._ms

    def call_later(self, seconds, function):
        timer = Timer(self.seconds + seconds, function)
        self.timers.append(timer)
        return partial(self._cancel, timer)

    def advance(self, seconds):
        end = self.seconds + seconds
        while due := [timer for timer in self.timers if timer.at <= end]:
            timer = min(due, key=lambda timer: timer.at)
            self.timers.remove(timer)
            self.seconds = timer.at
            assert not self._lock.is_held, "a timer fired while the lock was held"
            timer.run()
        self.seconds = end

    def _cancel(self, timer):
        if timer in self.timers:
            self.timers.remove(timer)


class Client:
    """A member that keeps what it is pushed."""

    def __init__(self, lock, client_id):
        self._lock = lock
        self.id = client_id
        self.network = f"where {client_id} lives"
        self.frames = []  # all, ever
        self.times = []  # of what it has heard
        self._heard = 0

    def __repr__(self):
        return f"<{self.id}>"

    def push(self, frame):
        assert self._lock.is_held, "something was pushed without the lock"
        self.frames.append(frame)

    def heard(self):
        """The messages since the last call, without their times, which must be integers."""
        messages = [json.loads(frame) for frame in self.frames[self._heard :]]
        self._heard = len(self.frames)
        for message in messages:
            if message["type"] in ("Data", "ClientPresenceChanged"):
                assert type(message["time"]) is int
                self.times.append(message.pop("time"))
        return messages

    def payloads(self):
        """Those of the Data among the messages since the last call."""
        return [message["payload"] for message in self.heard() if message["type"] == "Data"]


class Mailbox:
    """A host app's mailbox that keeps what it is put."""

    def __init__(self, lock, info, deliver, send):
        self._lock = lock
        self.info = info
        self.deliver = deliver
        self.send = send
        self.emissions = []
        self.is_closed = False

    def put(self, emission):
        assert self._lock.is_held, "something was put in the mailbox without the lock"
        self.emissions.append(emission)

    def close(self):
        assert not self.is_closed, "the mailbox was closed twice"
        self.is_closed = True

    def taken(self):
        """The emissions since the last call."""
        taken, self.emissions = self.emissions, []
        return taken


def broadcast(frame, members, text):
    framed = frame(text)
    for member in members:
        member.push(framed)


class Hub:
    """A registry, and short words for what clients do with it."""

    def __init__(self, *, cleanup_delay=300.0, frame=lambda text: text, host_for=None, **limits):
        self.lock = Lock()
        self.clock = Clock(self.lock)
        self.mailboxes = []
        self.registry = Registry(
            lock=self.lock,
            call_later=self.clock.call_later,
            now_ms=self.clock.now_ms,
            monotonic=self.clock.monotonic,
            broadcaster=lambda: partial(broadcast, frame),
            tell=partial(broadcast, frame),
            host_for=partial(host_for, self) if host_for else None,
            cleanup_delay=cleanup_delay,
            limits=RoomLimits(**limits),
        )

    def mailbox(self, info, deliver, send):
        """The `host_for` of a hub whose rooms have host apps."""
        self.mailboxes.append(Mailbox(self.lock, info, deliver, send))
        return self.mailboxes[-1]

    def stranger(self, client_id):
        """A client that has not entered the hub."""
        return Client(self.lock, client_id)

    def client(self, client_id):
        """A client that has."""
        client = self.stranger(client_id)
        assert self.registry.enter(client) is None
        return client

    def clients(self, ids):
        return [self.client(one) for one in ids.split()]

    @staticmethod
    def asking(
        name="r", *, make=True, from_hub=False, app="app", version="1", recover=None, **settings
    ):
        return Join(RoomInfo(app, version, name, **settings), make, from_hub, recover)

    def join(self, client, name="r", *, may_remake=False, **asked):
        return self.registry.join(client, self.asking(name, **asked), may_remake=may_remake)

    def room_of(self, ids, **settings):
        """Clients in one room, who have heard all that there is to hear so far."""
        clients = self.clients(ids)
        for client in clients:
            self.join(client, **settings)
        for client in clients:
            client.heard()
        return clients

    def say(self, client, payload, message_id=None):
        if not message_id or not self.registry.acknowledge(client, message_id):
            self.registry.send(client, self.head(client, payload), message_id)

    def whisper(self, client, payload, ids):
        self.registry.whisper(client, self.head(client, payload), ids)

    def together(self, client, payload, group="g", message_id=None):
        if not message_id or not self.registry.acknowledge(client, message_id):
            self.registry.together(client, self.head(client, payload), group, message_id)

    def play(self, client, size=2, app="app", version="1"):
        return self.registry.enter_matchmaking(client, Match(app, version, size))

    def rooms(self):
        """What there is, hidden or not: the clients' ids by room name."""
        return {view.name: list(view.clients) for view in self.registry.views()}

    @staticmethod
    def head(client, payload):
        message = {"type": "Data", "payload": payload, "fromClient": client.id}
        return json.dumps(message).encode()[:-1]


@pytest.fixture
def make_hub():
    return Hub


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def host_hub():
    """A hub whose rooms have host apps."""
    return Hub(host_for=Hub.mailbox)


@pytest.fixture
def presence():
    def message(ids, *, present):
        return {"type": "ClientPresenceChanged", "clients": ids.split(), "present": present}

    return message


@pytest.fixture
def promise():
    def message(name="r", *, app="app", version="1", protected=False, **settings):
        data = {"app": app, "name": name, "version": version, "isPasswordProtected": protected}
        return {"type": "ResolvePromise", "func": "JoinRoom", "data": data | settings}

    return message


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Pure code has no greenlets and sockets to leave; looking for them is slow."""
