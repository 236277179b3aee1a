"""One sweep over all clients: pings those that are silent, ends those that do not answer, that wait
too long to join a room, or for whom, with all others, too much waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import takewhile
from math import inf
from operator import itemgetter

from piehub.net.connection import CLOSE_TIMEOUT, Connection
from piehub.net.runtime import Event, Runtime, native_lock
from piehub.wire import close_codes

TICK = 1.0  # seconds

log = logging.getLogger("piehub")


class Heartbeat:
    """A sweep beats a timer a client: it costs the same whatever the traffic, and nothing at all
    when nobody is there.

    ping_interval: seconds of silence by which there is a ping; 0 pings nobody. Who vanishes is gone
        after these and the next.
    ping_timeout: seconds that a ping may stay unanswered; then the client is closed with 4408.
    join_timeout: seconds until a client must be `settled`, or it is closed with 1008; 0 is none.
    outboxes_bytes: that may wait for all clients together, with what has come from them and is not
        dealt with. Over it, those for whom most waits are closed with 4413.
    """

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        ping_interval: float,
        ping_timeout: float,
        join_timeout: float = 0.0,
        outboxes_bytes: float = inf,
    ) -> None:
        self._runtime = runtime
        self._timeout = ping_timeout
        self._join_timeout = join_timeout
        self._outboxes_bytes = outboxes_bytes
        times = (ping_interval, ping_timeout, join_timeout)
        self._tick = min([TICK, *(time / 4 for time in times if time)])
        # A sweep comes up to a tick late, for the ping and for the missing answer.
        self._silence = ping_interval - 2 * self._tick if ping_interval else inf
        self._lock = native_lock()  # guards all of these
        self._connections: set[Connection] = set()
        self._newcomers: dict[Connection, float] = {}  # and until when, in order of coming
        self._said_in_time: dict[Connection, int] = {}  # messages, of those whose time is over
        self._all_gone: Event | None = None  # while it beats
        self._swept_at = 0.0  # monotonic seconds

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        with self._lock:
            return iter(list(self._connections))

    def watch(self, connection: Connection) -> None:
        """Sweep this client, until it is forgotten."""
        with self._lock:
            self._connections.add(connection)
            now = self._now()
            if self._join_timeout:
                self._newcomers[connection] = now + self._join_timeout
            if self._all_gone is not None:
                return
            all_gone = self._all_gone = self._runtime().event()
            self._swept_at = now
        try:
            self._runtime().repeat(self._tick, self._beat, all_gone)
        except BaseException:
            self.forget(connection)
            raise

    def settled(self, connection: Connection) -> None:
        """The client has joined something."""
        if self._join_timeout:
            with self._lock:
                self._settle(connection)

    def forget(self, connection: Connection) -> None:
        """The client has gone."""
        with self._lock:
            self._connections.discard(connection)
            self._settle(connection)
            if not self._connections and self._all_gone is not None:
                self._all_gone.set()
                self._all_gone = None

    def _now(self) -> float:
        return self._runtime().clock.monotonic()

    def _beat(self) -> None:
        last, now = self._swept_at, self._now()
        self._swept_at = now
        if now - last > 3 * self._tick:
            self._excuse_all(now - last)
        try:
            self.sweep(now)
        except Exception:  # a bug; without a sweep, nobody would be pinged any more
            log.exception("the heartbeat failed")

    def _excuse_all(self, seconds: float) -> None:
        """The process stood still: what came meanwhile has not been read, so nobody is late."""
        for connection in self:
            connection.excuse(seconds)
        with self._lock:
            for newcomer in self._newcomers:
                self._newcomers[newcomer] += seconds

    def sweep(self, now: float) -> None:
        """Look at every client once."""
        heard_lately = now - self._silence
        waiting = 0
        for connection in self:
            outbox = connection.outbox
            # Nearly always there is nothing to do, and there may be 20,000 of them.
            if (
                connection.heard_at <= heard_lately
                or outbox.frames
                or not outbox.is_open
                or not connection.is_listening
                or connection.reader.message
            ):
                waiting += connection.held
                self._check(connection, now)
        if waiting > self._outboxes_bytes:
            self._relieve()
        for newcomer in self._overdue(now):
            reason = f"no room was joined in {self._join_timeout:g} s"
            newcomer.give_up(close_codes.POLICY_VIOLATION, reason)

    def _relieve(self) -> None:
        most, waiting, closed = self._outboxes_bytes, 0, 0
        held = sorted(((each.held, each) for each in self), key=itemgetter(0))
        for size, connection in held:
            waiting += size
            # It, and those behind it, take more; some may be about to end.
            if waiting > most and connection.closing_at is None:
                connection.drop()
                closed += 1
        if not closed:
            return
        log.warning(
            "closed the slowest clients, %d of them: over %d bytes were waiting for all together "
            "(PIEHUB_OUTBOXES_BYTES)",
            closed,
            most,
        )

    def _overdue(self, now: float) -> list[Connection]:
        with self._lock:
            due = list(takewhile(lambda one: self._newcomers[one] <= now, self._newcomers))
            overdue = [connection for connection in due if not self._may_join_yet(connection)]
            for connection in overdue:
                self._settle(connection)
        return overdue

    def _may_join_yet(self, connection: Connection) -> bool:
        """Whether what it said before its time was over is still being dealt with."""
        before = self._said_in_time.setdefault(connection, connection.received)
        return connection.is_being_dealt_with and connection.received == before

    def _settle(self, connection: Connection) -> None:
        self._newcomers.pop(connection, None)
        self._said_in_time.pop(connection, None)

    def _check(self, connection: Connection, now: float) -> None:
        if connection.is_too_slow:
            connection.give_up(close_codes.TOO_SLOW, "too slow")
        elif connection.is_stalled(now):
            connection.give_up(close_codes.TOO_SLOW, "nothing was read for too long")
        elif connection.is_overdue(now):
            connection.give_up(close_codes.POLICY_VIOLATION, "a message took too long to arrive")
        if connection.closing_at is not None:
            if now - connection.closing_at > CLOSE_TIMEOUT:
                connection.shut_down()
        elif connection.is_listening:
            if connection.pinged_at is None:
                if now - connection.heard_at >= self._silence:
                    connection.ping()
            elif now - connection.pinged_at >= self._timeout:
                connection.give_up(close_codes.NO_PONG, f"no pong in {self._timeout:g} s")
