"""The runtime that serves: the loop reads, one flush a loop turn, gevent's timers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TypeVar, cast

import gevent
from gevent import event as gevent_event
from gevent import get_hub
from gevent import ssl as gevent_ssl

from piehub.net.flusher import Flusher
from piehub.net.greenlet_link import GreenletLink, TlsLink
from piehub.net.runtime import CLOCK, Event, beat, native_ident, native_lock, prepare

T = TypeVar("T")

_RUN_TIMEOUT = 10.0


class Greenlets:
    """One gevent loop, that of the thread which made this."""

    clock = CLOCK

    def __init__(self) -> None:
        self._loop = get_hub().loop
        self._thread = native_ident()
        self._flusher = Flusher(self._loop)
        self.broadcast = self._flusher.broadcast
        self.received = 0

    def spawn(self, function: Callable[[], object]) -> None:
        self.run(lambda: gevent.spawn(function))

    def call_later(self, seconds: float, function: Callable[[], None]) -> Callable[[], None]:
        timer = self._loop.timer(seconds)

        def cancel() -> None:
            timer.stop()
            timer.close()

        def fire() -> None:
            cancel()
            function()

        timer.start(fire)
        return cancel

    def repeat(self, seconds: float, function: Callable[[], object], until: Event) -> None:
        self.spawn(lambda: beat(seconds, function, until))

    def run(self, function: Callable[[], T]) -> T:
        if native_ident() == self._thread:
            return function()
        # Native locks, as gevent's would belong to one thread. Who takes `claim` decides: once we
        # have given the function up, it must not run after all.
        claim, done = native_lock(), native_lock()
        done.acquire()
        results: list[T] = []
        errors: list[BaseException] = []

        def here() -> None:
            if claim.acquire(blocking=False):
                try:
                    results.append(function())
                except BaseException as error:
                    errors.append(error)
                done.release()

        self._loop.run_callback_threadsafe(here)
        if not done.acquire(timeout=_RUN_TIMEOUT):
            if claim.acquire(blocking=False):
                raise RuntimeError(
                    "piehub's thread does not answer: is it blocked, or has it ended?"
                )
            done.acquire()
        if errors:
            raise errors[0]
        return results[0]

    def sleep(self, seconds: float) -> None:
        gevent.sleep(seconds)

    def event(self) -> Event:
        return cast(Event, gevent_event.Event())

    def time_flush(self, tell: Callable[[float], None]) -> None:
        self._flusher.stopwatch = tell

    def link(self, client: socket.socket, limit: int, last_words: bytes) -> GreenletLink:
        if native_ident() != self._thread:
            raise RuntimeError(
                "This hub serves in another thread already; a hub lives on one gevent loop"
            )
        prepare(client)
        kind = TlsLink if isinstance(client, gevent_ssl.SSLSocket) else GreenletLink
        return kind(self._flusher, client, limit, last_words)
