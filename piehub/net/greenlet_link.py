"""A client's socket under gevent."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
from gevent import get_hub, getcurrent
from gevent import ssl as gevent_ssl
from greenlet import greenlet

from piehub.net.flusher import Flusher
from piehub.net.greenlet_outbox import GreenletOutbox

_READ = 1  # libev names it so
_RECEIVE_BYTES = 65_536
_LINGER_BYTES = 16 * 1024 * 1024


class GreenletLink:
    """A client's socket under gevent. The reader is the greenlet that calls `receive`."""

    __slots__ = (
        "_armed",
        "_is_deaf",
        "_parked",
        "_raw",
        "_readable",
        "_socket",
        "_switch",
        "_tls",
        "outbox",
        "push",
        "push_last",
    )

    def __init__(
        self, flusher: Flusher, client: socket.socket, limit: int, last_words: bytes
    ) -> None:
        self._socket = client
        self._tls = isinstance(client, gevent_ssl.SSLSocket)
        self._raw: Any = client if self._tls else client._sock  # type: ignore[attr-defined]
        self.outbox = GreenletOutbox(flusher, client, limit, last_words)
        self.push = self.outbox.push
        self.push_last = self.outbox.push_last
        # Permanent: gevent's own recv tries, fails, makes and drops a watcher every time.
        self._readable = get_hub().loop.io(client.fileno(), _READ)
        self._switch: Callable[[], object] = get_hub().switch
        self._armed = False
        self._is_deaf = False
        self._parked: greenlet | None = None

    @property
    def is_listening(self) -> bool:
        return self._parked is not None

    def receive(self) -> bytes:
        while not self._is_deaf:
            if not (self._tls and self._raw.pending()):
                if not self._armed:
                    self._readable.start(self._wake)
                    self._armed = True
                self._parked = getcurrent()
                try:
                    self._switch()
                finally:
                    self._parked = None
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
        get_hub().loop.run_callback(self._wake)

    def shut_down(self) -> None:
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        # Below gevent and TLS: an SSLSocket's own shutdown would leave it sending plain text.
        with suppress(OSError):  # gone already
            self._socket._sock.shutdown(how)  # type: ignore[attr-defined]

    def release(self) -> None:
        self.outbox.release()
        self._readable.stop()
