"""One connection to a hub."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Literal, NamedTuple, cast

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from piehub.client.coming_back import TOO_SLOW, End, after_close
from piehub.client.errors import NotConnected
from piehub.client.inbox import Inbox

_CLOSING_SECONDS = 5.0  # for the hub's part of the closing
# Bytes sent before the hub is asked whether it reads; twice as many may be unread.
_UNREAD = 262_144

# websockets logs tracebacks of connections that break, of which the client tells by itself, and, at
# debug, requests with their tokens.
_log_of_websockets = logging.getLogger("piehub.client.websockets")
_log_of_websockets.setLevel(logging.CRITICAL)


class Options(NamedTuple):
    """How to connect. Seconds; bytes."""

    timeout: float
    ping_interval: float | None
    ping_timeout: float
    inbox_bytes: int
    headers: Mapping[str, str] | None
    ssl: ssl.SSLContext | None
    proxy: str | Literal[True] | None


class Link:
    """An open connection. What comes is in `inbox`, read by a thread of its own: if that were not
    read, websockets would keep all of it, without a bound."""

    def __init__(self, connection: ClientConnection, line: socket.socket, options: Options) -> None:
        self.inbox = Inbox(options.inbox_bytes)
        self._patience = options.timeout
        self._sent = 0  # bytes, since the last ping
        self._pong = threading.Event()
        self._pong.set()
        self._connection = connection
        self._line = line
        self._reader = threading.Thread(target=self._read, daemon=True, name="piehub link")

    def send(self, text: bytes) -> None:
        """Send, and wait while the hub has much to read; from one thread at a time. Raises
        NotConnected.

        websockets reads nothing while a send of its own waits for the network. If the hub does the
        same, both wait for ever; so what is unread has to find space in the network.
        """
        try:
            self._connection.send(text, text=True)
            self._sent += len(text)
            if self._sent < _UNREAD:
                return
            last, self._pong = self._pong, self._connection.ping(ack_on_close=True)
            self._sent = 0
        except ConnectionClosed as closed:
            raise after_close(closed).error from None
        if not last.wait(self._patience):
            self.cut()
            raise NotConnected(f"The hub has read nothing for {self._patience} seconds")

    def close(self) -> None:
        """Take leave of the hub, for a few seconds at most; then end the connection."""
        self._connection.close()

    def cut(self) -> None:
        """End the connection at once. Who is just sending is let go."""
        with suppress(OSError):  # it has ended already
            if isinstance(self._line, socket.socket):
                # SSLSocket's own drops TLS first: what is just being sent would go on without.
                socket.socket.shutdown(self._line, socket.SHUT_RDWR)
            else:  # what websockets makes of TLS within a proxy's TLS
                self._line.shutdown(socket.SHUT_RDWR)

    def start(self) -> None:
        self._reader.start()

    def join(self) -> None:
        self._reader.join()

    def _read(self) -> None:
        try:
            while self.inbox.put(self._connection.recv(decode=False)):
                pass
            # Nothing after this is to be heard: there would be a gap.
            self._connection.close(TOO_SLOW, "more waits here than there is space for")
            while True:
                self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            self.inbox.end(after_close(closed))
        finally:
            self.inbox.end(End(NotConnected("The connection could not be read")))


@contextmanager
def linked(url: str, options: Options, open_timeout: float) -> Iterator[Link]:
    """Open a connection, and close it at the end. Raises what websockets raises."""
    lines: list[socket.socket] = []

    def on_line(line: socket.socket, *arguments: Any, **settings: Any) -> ClientConnection:
        # Else a send could wait for ever, and the keepalive with it.
        line.settimeout(options.timeout)
        lines.append(line)
        return ClientConnection(line, *arguments, **settings)

    with connect(
        url,
        create_connection=cast("type[ClientConnection]", on_line),
        additional_headers=options.headers,
        ssl=options.ssl,
        proxy=options.proxy,
        open_timeout=open_timeout,
        ping_interval=options.ping_interval,
        ping_timeout=options.ping_timeout,
        close_timeout=min(_CLOSING_SECONDS, options.timeout),
        max_size=options.inbox_bytes,
        # With a bound it stops reading, and gevent aborts the process when it is closed then.
        max_queue=None,
        logger=_log_of_websockets,
    ) as connection:
        link = Link(connection, lines[-1], options)
        link.start()
        try:
            yield link
        finally:
            link.close()
            link.join()
