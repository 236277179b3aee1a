"""An outbox under gevent."""

from __future__ import annotations

import socket
from collections.abc import Callable

import gevent
from gevent import get_hub
from gevent import ssl as gevent_ssl

from piehub.net.flusher import SEND_FLAGS, Batch, Flusher
from piehub.net.outbox import Outbox

_WRITE = 2  # libev names it so


class GreenletOutbox(Outbox):
    """An outbox that writes to its socket without waiting, and drains it when it is full.

    batch: what comes behind `frames`, as long as it is the same for a whole audience.
    send_now: one system call that never waits; None under TLS, where only gevent's own send will
        do, and only a greenlet may call it.
    """

    __slots__ = ("_flusher", "_socket", "_writable", "batch", "drainer", "send_now")

    def __init__(
        self, flusher: Flusher, client: socket.socket, limit: int, last_words: bytes
    ) -> None:
        super().__init__(limit, last_words)
        self._flusher = flusher
        self._socket = client
        self.send_now: Callable[[bytes | memoryview, int], int] | None = None
        if not isinstance(client, gevent_ssl.SSLSocket):
            self.send_now = client._sock.send  # type: ignore[attr-defined]
        self._writable = get_hub().loop.io(client.fileno(), _WRITE)
        self.batch: Batch | None = None
        self.drainer: gevent.Greenlet[..., None] | None = None

    @property
    def waiting(self) -> int:
        return self.size if self.batch is None else self.size + self.batch.size

    def push(self, frame: bytes, /) -> None:
        if not self.is_open:
            return
        if self.batch is not None:
            self.take_batch()
        if not self.frames:
            self._flusher.soon(self)
        self.frames.append(frame)
        self.size += len(frame)
        if self.size > self.limit:
            self._relieve()

    def push_last(self, frame: bytes) -> None:
        """Queue the last frame; nothing that is pushed after it is sent."""
        if self.batch is not None:
            self.take_batch()
        if self.is_open:
            if not self.frames:
                self._flusher.soon(self)
            self.finish(frame)

    def take_batch(self) -> None:
        """Queue the batch frame by frame: something else comes behind it, or something waits."""
        batch, self.batch = self.batch, None
        assert batch is not None
        batch.is_open = False
        if not self.frames:
            self._flusher.soon(self)
        self.frames += batch.frames
        self.size += batch.size
        if self.size > self.limit:
            self._relieve()

    def keep_rest(self, batch: Batch, taken: int) -> None:
        """The kernel has taken `taken` bytes of the batch, not all: the rest waits."""
        self.frames += batch.frames
        self.size += batch.size
        self.taken(taken)
        if self.size > self.limit:
            self.overflow()
        self.flush()

    def _relieve(self) -> None:
        # Perhaps it is not the client that is slow, but this turn of the loop that is long.
        self.flush()
        if self.size > self.limit:
            self.overflow()

    def flush(self) -> None:
        """Send what the kernel takes now; leave the rest to a drainer."""
        if self.batch is not None:
            self.take_batch()
        if self.drainer is not None:
            return
        if self.send_now is not None:
            self._send_now()
        if self.frames:
            self.drainer = gevent.spawn(self._drain)

    def _send_now(self) -> None:
        assert self.send_now is not None
        while self.frames:
            chunk = self.chunk()
            try:
                count = self.send_now(chunk, SEND_FLAGS)
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
                if self.send_now is None:
                    self.taken(self._socket.send(self.chunk()))
                else:
                    get_hub().wait(self._writable)
                    self._send_now()
        except OSError:
            self.abandon()
        finally:
            self.drainer = None

    def abandon(self) -> None:
        self.batch = None
        super().abandon()

    def release(self) -> None:
        """Stop writing. At once: libev aborts the process over a watcher whose file is closed."""
        self.abandon()
        self._writable.stop()
        if self.drainer is not None:
            self.drainer.kill(block=False)
