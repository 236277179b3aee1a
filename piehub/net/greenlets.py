"""The runtime that serves: one greenlet a client, one flush a loop turn, gevent's timers."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

import gevent
from gevent import event as gevent_event
from gevent import get_hub, getcurrent
from gevent import ssl as gevent_ssl
from greenlet import greenlet

from piehub.net.outbox import Outbox
from piehub.net.runtime import Event, native_ident, native_lock, send_at_once

T = TypeVar("T")

_READ, _WRITE = 1, 2  # libev names them so
_RECEIVE_BYTES = 65_536
_LINGER_BYTES = 16 * 1024 * 1024
_SEND_FLAGS = getattr(socket, "MSG_NOSIGNAL", 0)
_RUN_TIMEOUT = 10.0

log = logging.getLogger("piehub")


class Greenlets:
    """One gevent loop, that of the thread which made this."""

    def __init__(self) -> None:
        self._loop = get_hub().loop
        self._thread = native_ident()
        self._dirty: list[GreenletOutbox] = []

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

    def link(self, client: socket.socket, limit: int, last_words: bytes) -> GreenletLink:
        if native_ident() != self._thread:
            raise RuntimeError(
                "This hub serves in another thread already; a hub lives on one gevent loop"
            )
        send_at_once(client)
        return GreenletLink(self, client, limit, last_words)

    def flush_soon(self, outbox: GreenletOutbox) -> None:
        """Flush once this turn of the loop is over, with all others that were pushed to in it."""
        if not self._dirty:
            self._loop.run_callback(self._flush)
        self._dirty.append(outbox)

    def wake_soon(self, wake: Callable[[], None]) -> None:
        """Call `wake` once this turn of the loop is over."""
        self._loop.run_callback(wake)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for outbox in dirty:
            try:
                outbox.flush()
            except Exception:
                # A bug of ours with one client must not keep the others' frames back.
                log.exception("cannot flush an outbox")
                outbox.abandon()


class GreenletOutbox(Outbox):
    """An outbox that writes to its socket without waiting, and drains it when it is full."""

    __slots__ = ("_runtime", "_send", "_socket", "_tls", "_writable", "drainer")

    def __init__(
        self, runtime: Greenlets, client: socket.socket, limit: int, last_words: bytes
    ) -> None:
        super().__init__(limit, last_words)
        self._runtime = runtime
        self._socket = client
        self._tls = isinstance(client, gevent_ssl.SSLSocket)
        # The raw socket under gevent's: send() there is one system call that never waits.
        # Under TLS only gevent's own send will do, and only a greenlet may call it.
        self._send = client.send if self._tls else client._sock.send  # type: ignore[attr-defined]
        self._writable = get_hub().loop.io(client.fileno(), _WRITE)
        self.drainer: gevent.Greenlet[..., None] | None = None

    def push(self, frame: bytes, /) -> None:
        if not self.is_open:
            return
        if not self.frames:
            self._runtime.flush_soon(self)
        self.frames.append(frame)
        self.size += len(frame)
        if self.size > self.limit:
            # Perhaps it is not the client that is slow, but this turn of the loop that is long.
            self.flush()
            if self.size > self.limit:
                self.overflow()

    def push_last(self, frame: bytes) -> None:
        """Queue the last frame; nothing that is pushed after it is sent."""
        if self.is_open:
            if not self.frames:
                self._runtime.flush_soon(self)
            self.finish(frame)

    def flush(self) -> None:
        """Send what the kernel takes now; leave the rest to a drainer."""
        if self.drainer is not None:
            return
        if not self._tls:
            self._send_now()
        if self.frames:
            self.drainer = gevent.spawn(self._drain)

    def _send_now(self) -> None:
        while self.frames:
            chunk = self.chunk()
            try:
                count = self._send(chunk, _SEND_FLAGS)
            except (BlockingIOError, InterruptedError):
                self.taken(0)
                return
            except OSError:
                self.abandon()  # the reader sees the same end of the socket, and tells
                return
            self.taken(count)
            if count < len(chunk):
                return

    def _drain(self) -> None:
        try:
            while self.frames:
                if self._tls:
                    self.taken(self._send(self.chunk()))
                else:
                    get_hub().wait(self._writable)
                    self._send_now()
        except OSError:
            self.abandon()
        finally:
            self.drainer = None

    def release(self) -> None:
        """Stop writing. At once: libev aborts the process over a watcher whose file is closed."""
        self.abandon()
        self._writable.stop()
        if self.drainer is not None:
            self.drainer.kill(block=False)


class GreenletLink:
    """A client's socket under gevent. The reader is the greenlet that calls `receive`."""

    __slots__ = (
        "_armed",
        "_is_deaf",
        "_parked",
        "_raw",
        "_readable",
        "_runtime",
        "_socket",
        "_tls",
        "is_listening",
        "outbox",
        "push",
        "push_last",
    )

    def __init__(
        self, runtime: Greenlets, client: socket.socket, limit: int, last_words: bytes
    ) -> None:
        self._socket = client
        self._tls = isinstance(client, gevent_ssl.SSLSocket)
        self._raw: Any = client if self._tls else client._sock  # type: ignore[attr-defined]
        self.outbox = GreenletOutbox(runtime, client, limit, last_words)
        self.push = self.outbox.push
        self.push_last = self.outbox.push_last
        # Permanent: gevent's own recv tries, fails, makes and drops a watcher every time.
        self._readable = get_hub().loop.io(client.fileno(), _READ)
        self._runtime = runtime
        self._armed = False
        self._is_deaf = False
        self._parked: greenlet | None = None
        self.is_listening = False

    def receive(self) -> bytes:
        self.is_listening = True
        try:
            return self._receive()
        finally:
            self.is_listening = False

    def _receive(self) -> bytes:
        while not self._is_deaf:
            if not (self._tls and self._raw.pending()):
                self._park()
                if self._is_deaf:
                    break
            try:
                data: bytes = self._raw.recv(_RECEIVE_BYTES)
                return data
            except (BlockingIOError, InterruptedError):
                continue
            except (OSError, ValueError):  # ValueError: TLS after shut_down
                break
        return b""

    def _park(self) -> None:
        if not self._armed:
            self._readable.start(self._wake)
            self._armed = True
        self._parked = getcurrent()
        try:
            get_hub().switch()
        finally:
            self._parked = None

    def _wake(self) -> None:
        if self._parked is not None:
            self._parked.switch()
        else:
            # The reader is busy, in user code perhaps: never switch into that.
            self._readable.stop()
            self._armed = False

    def flush(self, timeout: float | None) -> None:
        self.outbox.flush()
        if drainer := self.outbox.drainer:
            drainer.join(timeout)

    def linger(self, timeout: float) -> None:
        self._shut(socket.SHUT_WR)
        left = _LINGER_BYTES
        try:
            with gevent.Timeout(timeout):
                while left > 0 and (data := self.receive()):
                    left -= len(data)
        except gevent.Timeout:
            return  # it had its chance

    def stop_receiving(self) -> None:
        # Not by the socket's own shutdown: TLS would take that for an attack, and send an alert in
        # place of the close frame.
        self._is_deaf = True
        self._runtime.wake_soon(self._wake)

    def shut_down(self) -> None:
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        # Below gevent and TLS: an SSLSocket's own shutdown would leave it sending plain text.
        with suppress(OSError):  # gone already
            self._socket._sock.shutdown(how)  # type: ignore[attr-defined]

    def release(self) -> None:
        self.outbox.release()
        self._readable.stop()
