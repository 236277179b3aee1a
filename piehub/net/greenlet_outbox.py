"""An outbox under gevent."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
from gevent import get_hub
from gevent import ssl as gevent_ssl

from piehub.net.flusher import Audience, Flusher, Send
from piehub.net.outbox import Outbox

_WRITE = 2  # libev names it so


def _takes_nothing(data: bytes) -> int:
    return 0


class GreenletOutbox(Outbox):
    """An outbox that writes to its socket without waiting, and drains it when it is full.

    audience: who shares what waits behind `frames`, as long as it is the same for all of them.
    place: the outbox's own, among the audience's.
    send_now: what takes the next bytes, without waiting: the socket itself while nothing else
        waits; what takes nothing otherwise, and always under TLS, where only gevent's own send
        will do, and only a greenlet may call it.
    on_space: called once when no more than half of the limit waits, then forgotten.
    """

    __slots__ = (
        "_flusher",
        "_raw",
        "_socket",
        "_writable",
        "audience",
        "drainer",
        "on_space",
        "place",
        "send_now",
    )

    def __init__(self, flusher: Flusher, client: Any, limit: int, last_words: bytes) -> None:
        super().__init__(limit, last_words)
        self._flusher = flusher
        self._socket: socket.socket = client
        self._raw: Any = None  # below gevent's
        if not isinstance(client, gevent_ssl.SSLSocket):
            self._raw = getattr(client, "_sock", client)
        self.send_now: Send = self._raw.send if self._raw else _takes_nothing
        self._writable: Any = None  # a watcher, for a client that was full once
        self.audience: Audience | None = None
        self.place = 0
        self.drainer: gevent.Greenlet[..., None] | None = None
        self.on_space: Callable[[], None] | None = None

    @property
    def sent(self) -> int:
        return self._sent if self.audience is None else self._sent + self.audience.sent

    @property
    def written(self) -> int:
        return self._written if self.audience is None else self._written + self.audience.written

    @property
    def waiting(self) -> int:
        return self.size if self.audience is None else self.size + self.audience.size

    def uncount(self, frames: int, size: int) -> None:
        """The audience has counted so many too many as sent, of `size` bytes together."""
        self._sent -= frames
        self._written -= size

    def enter(self, audience: Audience, place: int) -> None:
        """Share what waits, from now on, with those who are told the same."""
        self.audience, self.place = audience, place

    def leave(self) -> None:
        """Share nothing any more."""
        self._sent, self._written, self.audience = self.sent, self.written, None

    def send_by(self, send: Send) -> None:
        """From now on, hand to `send` what comes next."""
        self.send_now = send
        if self.audience is not None:
            self.audience.sends[self.place] = send

    def push(self, frame: bytes, /) -> None:
        if self.audience is not None and self.audience.frames:
            self.audience.scatter()
        if not self.is_open:
            return
        if not self.frames:
            self._begin()
        self.frames.append(frame)
        self.size += len(frame)
        if self.size > self.limit:
            self._relieve_of_bytes()

    def push_last(self, frame: bytes) -> None:
        """Queue the last frame; nothing that is pushed after it is sent."""
        if self.audience is not None and self.audience.frames:
            self.audience.scatter()
        if self.is_open:
            if not self.frames:
                self._begin()
            self.finish(frame)

    def put_all(self, frames: list[bytes], size: int, taken: int) -> None:
        """Queue frames of `size` bytes together, of which the kernel has `taken` some already."""
        if not self.is_open:
            return
        if not self.frames:
            self._begin()
        self.frames += frames
        self.size += size
        if taken:
            self.taken(taken)
        if self.size > self.limit:
            self._relieve_of_bytes()

    def _begin(self) -> None:
        self._flusher.soon(self)
        self.send_by(_takes_nothing)

    def _relieve_of_bytes(self) -> None:
        # Perhaps it is not the client that is slow, but this turn of the loop that is long.
        self.flush()
        if self.size > self.limit:
            self.overflow()

    def relieve(self) -> None:
        self.flush()
        super().relieve()

    def flush(self) -> None:
        """Send what the kernel takes now; leave the rest to a drainer."""
        if self.drainer is not None:
            return
        if self._raw is not None:
            self._send_now()
        if self.frames:
            self.drainer = gevent.spawn(self._drain)

    def _send_now(self) -> None:
        while self.frames:
            chunk = self.chunk()
            try:
                count = self._raw.send(chunk)
            except (BlockingIOError, InterruptedError):
                self.taken(0)
                break
            except OSError:
                self.abandon()  # the reader sees the same end of the socket, and tells
                return
            self.taken(count)
            if count < len(chunk):
                break
        self._look()

    def _look(self) -> None:
        """Something has been sent: does that change what may happen next?"""
        if not self.frames and self.is_open and self._raw is not None:
            self.send_by(self._raw.send)
        if self.on_space is not None and self.size * 2 <= self.limit:
            tell, self.on_space = self.on_space, None
            tell()

    def _drain(self) -> None:
        if self._writable is None and self._raw is not None:
            self._writable = get_hub().loop.io(self._raw.fileno(), _WRITE)
        try:
            while self.frames:
                if self._raw is None:
                    self.taken(self._socket.send(self.chunk()))
                    self._look()
                else:
                    get_hub().wait(self._writable)
                    self._send_now()
        except OSError:
            self.abandon()
        finally:
            self.drainer = None

    def abandon(self) -> None:
        self.send_by(_takes_nothing)
        super().abandon()
        self._look()

    def give_up(self) -> None:
        """End the socket, too: the reader sees that, and tells."""
        self.abandon()
        with suppress(OSError):  # gone already
            getattr(self._socket, "_sock", self._socket).shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Stop writing. At once: libev aborts the process over a watcher whose file is closed."""
        self.on_space = None
        self.abandon()
        self.leave()
        if self._writable is not None:
            self._writable.stop()
        if self.drainer is not None:
            self.drainer.kill(block=False)
