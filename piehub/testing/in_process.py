"""A runtime without sockets, greenlets or threads: whoever calls does all that there is to do, and
time passes when it is told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

from flask import Flask

from piehub.hub import Hub
from piehub.net.runtime import CLOCK, Clock, Event, Recipient, native_ident, native_lock
from piehub.net.telling import tell
from piehub.testing.link import End, InProcessLink

T = TypeVar("T")

_SECOND = 1_000_000_000  # nanoseconds: ten tenths of a second are to be one
_MOST_PAUSES = 10_000  # in what one call of a test leads to
_PATIENCE = 10.0  # seconds of the real clock, with another thread


def of(app: Flask) -> InProcess:
    """The runtime of an app's hub. Raises RuntimeError where there is no hub, or one that serves
    sockets."""
    hub: Hub | None = app.extensions.get("piehub")
    if hub is None:
        raise RuntimeError(f"{app} has no hub; call init_app first")
    runtime = hub.serve_in_process(InProcess)
    if not isinstance(runtime, InProcess):
        raise RuntimeError(
            f"The hub of {app} serves sockets already; make another app for clients in process"
        )
    return runtime


class NeverDone(BaseException):
    """What a test has begun comes to no end. It is no Exception, as the hub goes on after those."""


class InProcess:
    """Its clock begins at 0 and stands still, but for `pass_time`, and where somebody waits."""

    def __init__(self) -> None:
        self.received = 0
        self._now = 0
        began = CLOCK.now_ms()
        self.clock = Clock(
            monotonic=lambda: self._now / _SECOND,
            now_ms=lambda: began + self._now * 1000 // _SECOND,
        )
        self._ready: deque[Callable[[], object]] = deque()
        # When, in which order, and what; nothing any more if that was cancelled.
        self._timers: list[tuple[int, int, list[Callable[[], object]]]] = []
        self._numbers = count()
        self._turn = native_lock()  # held by the thread that does what is ready
        self._worker = 0  # which that is
        self._pauses = 0

    def settle(self) -> None:
        """Do all that there is to do now; also when called by a part of that. Raises RuntimeError
        if another thread is at it, and does not come to an end."""
        if self._worker == native_ident():
            self._do_all()
        elif self._turn.acquire(timeout=_PATIENCE):
            self._take_turn()
        else:
            raise RuntimeError(
                "Another thread is busy with this hub: does a hook there wait for this one?"
            )

    def pass_time(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Move the clock, and do on the way what its time has come for."""
        end = self._now + round(seconds * _SECOND)
        self.settle()
        while self._now < end and not until():
            self._now = min(end, self._timers[0][0]) if self._timers else end
            self.settle()

    def _take_turn(self) -> None:
        self._worker, self._pauses = native_ident(), 0
        try:
            self._do_all()
        finally:
            self._worker = 0
            self._turn.release()

    def _do_all(self) -> None:
        while self._ready or (self._timers and self._timers[0][0] <= self._now):
            if self._ready:
                # As beside the test: what it has in its own context, the hub's would not see.
                Context().run(self._ready.popleft())
            else:
                self._ready.extend(heappop(self._timers)[2])

    # What the hub asks of a runtime

    def time_flush(self, tell: Callable[[float], None]) -> None:
        """There is none."""

    def spawn(self, function: Callable[[], object]) -> None:
        self._ready.append(function)

    def call_later(self, seconds: float, function: Callable[[], None]) -> Callable[[], None]:
        what: list[Callable[[], object]] = [function]
        heappush(self._timers, (self._now + round(seconds * _SECOND), next(self._numbers), what))
        return what.clear

    def repeat(self, seconds: float, function: Callable[[], object], until: Event) -> None:
        def beat() -> None:
            if not until.is_set():
                function()
                self.call_later(seconds, beat)

        self.call_later(seconds, beat)

    def run(self, function: Callable[[], T]) -> T:
        result = function()
        if self._turn.acquire(blocking=False):  # else whoever holds it does what comes of this
            self._take_turn()
        return result

    def sleep(self, seconds: float) -> None:
        self.pause(seconds)

    def pause(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let the time pass for somebody who waits. Raises NeverDone."""
        self._pauses += 1
        if self._pauses > _MOST_PAUSES:
            raise NeverDone(
                f"{_MOST_PAUSES} messages of host apps have come of this, and there are more: does "
                "one answer itself without end? For that, send_data has skip_handler=True."
            )
        if seconds:
            self.pass_time(seconds, until)

    def event(self) -> Event:
        return _Event(self)

    def broadcast(self, members: Sequence[Recipient], text: bytes) -> None:
        tell(members, text)

    def link(self, client: Any, limit: int, last_words: bytes) -> InProcessLink:
        if not isinstance(client, End):
            raise RuntimeError(
                "This hub serves clients in process, for tests; make another app to serve sockets"
            )
        return InProcessLink(self, client, limit, last_words)


class _Event:
    """Who waits for it does what there is to do; if that does not set it, the time is over."""

    def __init__(self, runtime: InProcess) -> None:
        self._runtime = runtime
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._is_set:
            self._runtime.settle()
        if not self._is_set:
            if timeout is None:
                raise RuntimeError("Nothing is left to do in this process that would end this wait")
            self._runtime.pause(timeout, self.is_set)
        return self._is_set
