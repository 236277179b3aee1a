"""A client's socket under gevent."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from time import monotonic
from typing import Any

import gevent
from gevent import get_hub

from piehub.net.flusher import Flusher
from piehub.net.greenlet_outbox import GreenletOutbox
from piehub.net.runtime import (
    COPIES_IN_HAND,
    LINGER_BYTES,
    NOT_LATE,
    RECEIVE_BYTES,
    AppCode,
    Done,
    Take,
    latest,
)

_READ = 1  # libev names it so


class GreenletLink:
    """A client's socket, read by the loop itself.

    What arrives is dealt with in the loop's own greenlet, where nothing may block; when the app's
    own code could run, in a greenlet made for what has arrived, and meanwhile nothing is read.
    """

    __slots__ = (
        "_app_code",
        "_done",
        "_flusher",
        "_has_ended",
        "_is_deaf",
        "_is_released",
        "_loop",
        "_raw",
        "_readable",
        "_recv",
        "_take",
        "held_up_since",
        "in_hand",
        "is_listening",
        "late",
        "outbox",
        "push",
        "push_last",
    )

    def __init__(self, flusher: Flusher, client: Any, limit: int, last_words: bytes) -> None:
        self._flusher = flusher
        self._raw: Any = getattr(client, "_sock", client)  # below gevent's
        self._recv = self._raw.recv
        self.outbox = GreenletOutbox(flusher, client, limit, last_words)
        self.push = self.outbox.push
        self.push_last = self.outbox.push_last
        self._loop = get_hub().loop
        # Permanent: gevent's own recv tries, fails, makes and drops a watcher every time.
        self._readable = self._loop.io(self._raw.fileno(), _READ)
        self.is_listening = False
        self.held_up_since: float | None = None
        self.in_hand = 0
        self.late = NOT_LATE
        self._is_deaf = False
        self._is_released = False
        self._has_ended = False

    def serve(self, take: Take, done: Done, app_code: AppCode) -> None:
        self._take, self._done, self._app_code = take, done, app_code
        self._listen()

    def _listen(self) -> None:
        """Read on, if there is anything left to read for."""
        self.held_up_since = None
        if self._is_deaf:
            self._end()
        elif self.outbox.size * 2 > self.outbox.limit:
            # Who does not read is not read from: what it sends would only fill its outbox.
            self.held_up_since = monotonic()
            self.outbox.on_space = self._listen
        else:
            self.is_listening = True
            self._readable.start(self._on_readable)

    def _on_readable(self) -> None:
        try:
            data = self._recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if any(self._app_code):
            self._rest()
            self.in_hand = COPIES_IN_HAND * len(data)
            gevent.spawn(self._take_apart, data)
            return
        flusher, outbox = self._flusher, self.outbox
        is_due, flusher.is_due = flusher.is_due, True
        goes_on = self._take(data, monotonic())
        # Others that are ready in this turn may have more to say to the same clients.
        if not self._loop.pendingcnt:
            flusher.flush(outbox)
        elif not is_due:
            flusher.wake()
        if not goes_on:
            self._end()
        elif outbox.size and outbox.size * 2 > outbox.limit:
            self._rest()
            self._listen()

    def _take_apart(self, data: bytes) -> None:
        if self._has_ended:  # in the turn of the loop in which this was to begin
            return
        began = monotonic()
        goes_on = self._take(data, began)
        self.late = latest(self.late, began, monotonic())
        self.in_hand = 0
        if goes_on:
            self._listen()
        else:
            self._end()

    def _rest(self) -> None:
        self.is_listening = False
        self._readable.stop()

    def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._rest()
            done = self._done
            del self._take, self._done  # they lead back here: all would wait for the collector
            gevent.spawn(done)

    def relieve(self) -> None:
        self.outbox.relieve()

    def overflow(self) -> None:
        self.outbox.overflow()

    def flush(self, timeout: float | None) -> None:
        self.outbox.flush()
        if drainer := self.outbox.drainer:
            drainer.join(timeout)

    def linger(self, timeout: float) -> None:
        if self._is_released:  # its descriptor may be another client's by now
            return
        self._shut(socket.SHUT_WR)
        left = LINGER_BYTES
        with suppress(OSError), gevent.Timeout(timeout, False):  # type: ignore[arg-type]
            while left > 0 and not self._is_released:
                get_hub().wait(self._readable)
                try:
                    data = self._recv(RECEIVE_BYTES)
                except (BlockingIOError, InterruptedError):  # under TLS, half a record has come
                    continue
                if not data:
                    break
                left -= len(data)

    def stop_receiving(self) -> None:
        if not self._is_deaf:
            self._is_deaf = True
            if self.is_listening or self.held_up_since is not None:
                self.outbox.on_space = None
                self._loop.run_callback(self._end)

    def shut_down(self) -> None:
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        with suppress(OSError):  # gone already
            self._raw.shutdown(how)

    def release(self) -> None:
        self._is_released = True
        self.outbox.release()
        self._readable.stop()


class TlsLink(GreenletLink):
    """The same under TLS, whose layer may hold bytes of which the socket knows nothing more."""

    __slots__ = ("_tls",)

    def __init__(self, flusher: Flusher, client: Any, limit: int, last_words: bytes) -> None:
        super().__init__(flusher, client, limit, last_words)
        self._tls = client
        self._recv = self._decrypt

    def _decrypt(self, size: int) -> bytes:
        # Not by gevent's own recv, which waits, and the loop must not.
        try:
            data: bytes = self._tls._sslobj.read(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        return data

    def _listen(self) -> None:
        super()._listen()
        if self.is_listening and self._tls.pending():
            self._loop.run_callback(self._on_readable)

    def _on_readable(self) -> None:
        if self.is_listening:
            super()._on_readable()
        while self.is_listening and self._tls.pending():
            super()._on_readable()
