"""What a hub does, in figures, for those who run it.

What clients and rooms count for themselves is only read here, when somebody wants to know, so that
a message bears no counter for it.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from math import inf
from time import monotonic
from typing import Any, NamedTuple

import msgspec

from piehub.net.connection import Connection
from piehub.net.heartbeat import Heartbeat
from piehub.net.runtime import Runtime, native_lock
from piehub.rooms.registry import Registry
from piehub.wire import close_codes

INTERVAL = 5  # seconds between two looks
SAMPLES = 180  # that are kept: a quarter of an hour
_SLICE = 1000  # clients that are looked at in one turn of the loop: 0.2 ms
_KEPT = 1000  # durations that wait to be taken
_NEXT_FLUSH = 0.2  # seconds after one flush was timed until another is

# Shown from the start: of what is there only once it has happened, nobody sees the first.
_CLOSES = (
    close_codes.NORMAL,
    close_codes.GOING_AWAY,
    close_codes.ABNORMAL,
    close_codes.INTERNAL_ERROR,
    close_codes.NO_PONG,
    close_codes.TOO_SLOW,
    close_codes.TOO_MANY_MESSAGES,
)
_REFUSALS = (403, 429, 503)

_encode = msgspec.json.Encoder().encode


class Reading(NamedTuple):
    """A hub's figures at one moment. The last nine are those since its start.

    clients, rooms: that are there. waiting: bytes, for all clients. closed: clients that have gone,
    by close code; "other" is any that an application made up. refused: upgrades, by HTTP status.
    messages_sent: frames, the hub's own (pings, closes) too. recoveries: "recovered" and "lost".
    """

    clients: int
    rooms: int
    waiting: int
    opened: int
    closed: dict[str, int]
    refused: dict[str, int]
    messages_received: int
    messages_sent: int
    bytes_received: int
    bytes_sent: int
    rooms_made: int
    wrong_passwords: int
    recoveries: dict[str, int]


_NOTHING = Reading(0, 0, 0, 0, {}, {}, 0, 0, 0, 0, 0, 0, {})


class _Traffic(NamedTuple):
    received: int = 0  # messages
    sent: int = 0  # frames
    written: int = 0  # bytes
    waiting: int = 0  # bytes

    def plus(self, connections: Iterable[Connection]) -> _Traffic:
        received, sent, written, waiting = self
        for connection in connections:
            outbox = connection.outbox
            received += connection.received
            sent += outbox.sent
            written += outbox.written
            waiting += outbox.waiting
        return _Traffic(received, sent, written, waiting)


class Figures:
    """Those of one hub.

    watchers: told a Reading every INTERVAL seconds. With none of them there is no timer, and no
        flush is timed. handshakes: seconds of each, from the request to the greeting. flushes: of
        some. Of both, the last 1,000 that nobody has taken yet.
    now_ms: wall clock, milliseconds since the Unix epoch.
    """

    def __init__(
        self, connections: Heartbeat, registry: Callable[[], Registry], now_ms: Callable[[], int]
    ) -> None:
        self._connections = connections
        self._registry = registry
        self._now_ms = now_ms
        self._runtime: Runtime | None = None
        self._lock = native_lock()  # guards what those who have gone leave, where threads serve
        self._gone = _Traffic()
        self._closed = dict.fromkeys(map(str, _CLOSES), 0)
        self._refused = dict.fromkeys(map(str, _REFUSALS), 0)
        self.opened = 0
        self.handshakes: deque[float] = deque(maxlen=_KEPT)
        self.flushes: deque[float] = deque(maxlen=_KEPT)
        self.watchers: list[Callable[[Reading], None]] = []
        self._samples: deque[bytes] = deque(maxlen=SAMPLES)  # in JSON, as they are asked for often
        self._last = _NOTHING, 0.0  # that was sampled, and when
        self._newest = _sample(0, _NOTHING, _NOTHING, inf)

    # What happens

    def went(self, connection: Connection) -> None:
        """A client has gone: it is in `connections` no more."""
        code, _ = connection.how_it_ended()
        with self._lock:
            self._gone = self._gone.plus((connection,))
            _count(self._closed, str(code) if close_codes.is_known(code) else "other")

    def refused(self, status: int) -> None:
        """An upgrade has been refused with this HTTP status."""
        with self._lock:
            _count(self._refused, str(status))

    # Looking

    def begin(self, runtime: Runtime) -> None:
        """The hub serves from now on."""
        self._runtime = runtime
        self._last = _NOTHING, monotonic()
        if self.watchers:
            self._look_later(runtime)
            self._time_flush(runtime)

    def read(self) -> Reading:
        """The figures now. Lets others go on meanwhile where there are many clients."""
        runtime, registry = self._runtime, self._registry()
        # In this order, a client that goes meanwhile is never in both.
        traffic = self._gone
        connections = list(self._connections)
        for start in range(0, len(connections), _SLICE):
            if start and runtime:
                runtime.sleep(0)
            traffic = traffic.plus(connections[start : start + _SLICE])
        rooms, clients = registry.counts()
        tally = registry.tally()
        with self._lock:
            closed, refused = self._closed.copy(), self._refused.copy()
        return Reading(
            clients=clients,
            rooms=rooms,
            waiting=traffic.waiting,
            opened=self.opened,
            closed=closed,
            refused=refused,
            messages_received=traffic.received,
            messages_sent=traffic.sent,
            bytes_received=runtime.received if runtime else 0,
            bytes_sent=traffic.written,
            rooms_made=tally.rooms_made,
            wrong_passwords=tally.wrong_passwords,
            recoveries={"recovered": tally.recovered, "lost": tally.lost},
        )

    def _look_later(self, runtime: Runtime) -> None:
        runtime.call_later(INTERVAL, partial(_look_again, weakref.ref(self)))

    def look(self) -> None:
        """Tell the watchers how it is now."""
        reading = self.read()
        for tell in self.watchers:
            tell(reading)

    def _time_flush(self, runtime: Runtime) -> None:
        def tell(seconds: float) -> None:
            self.flushes.append(seconds)
            runtime.call_later(_NEXT_FLUSH, lambda: runtime.time_flush(tell))

        runtime.time_flush(tell)

    # The last quarter of an hour

    def sample(self, reading: Reading) -> None:
        """A watcher: keep what there is, and what has happened since the last time."""
        now = monotonic()
        before, then = self._last
        self._last = reading, now
        self._newest = _sample(self._now_ms(), before, reading, now - then)
        self._samples.append(_encode(self._newest))

    def report(self) -> bytes:
        """JSON: `now`, the last `samples`, how many clients have been closed, by code (`closes`),
        and how many seconds are between two samples (`interval`).

        In a sample, and in `now`, which has the last one's rates: `at`, milliseconds since the Unix
        epoch; `clients` and `rooms` that are there; `messagesIn`, `messagesOut`, `bytesOut`, a
        second; `waiting`, bytes; `closes` since the one before.
        """
        rooms, clients = self._registry().counts()
        with self._lock:
            closes = _more(self._closed, {})
        now = self._newest | {"at": self._now_ms(), "clients": clients, "rooms": rooms}
        return b'{"now":%b,"samples":[%b],"closes":%b,"interval":%b}' % (
            _encode(now),
            b",".join(self._samples),
            _encode(closes),
            _encode(INTERVAL),
        )


def _look_again(figures: weakref.ref[Figures]) -> None:
    # A timer must not keep a hub that nobody else knows any more.
    here = figures()
    if here is not None and here._runtime is not None:
        here._look_later(here._runtime)
        here._runtime.spawn(here.look)


def _sample(at: int, before: Reading, after: Reading, seconds: float) -> dict[str, Any]:
    return {
        "at": at,
        "clients": after.clients,
        "rooms": after.rooms,
        "messagesIn": round((after.messages_received - before.messages_received) / seconds, 1),
        "messagesOut": round((after.messages_sent - before.messages_sent) / seconds, 1),
        "bytesOut": round((after.bytes_sent - before.bytes_sent) / seconds, 1),
        "waiting": after.waiting,
        "closes": _more(after.closed, before.closed),
    }


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _more(counts: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """By how much each has grown, for those that have."""
    grown = {key: count - before.get(key, 0) for key, count in counts.items()}
    return {key: more for key, more in grown.items() if more}
