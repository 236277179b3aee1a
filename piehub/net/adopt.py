"""Find the socket of a request that was upgraded, whichever server accepted it."""

from __future__ import annotations

import _socket
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import simple_websocket
from gevent import socket as gevent_socket

from piehub.wire.extensions import Agreement

_CLIENTS_OWN = "piehub.environ"
IN_PROCESS = "piehub.client"  # in the environ: what a test client has in the place of a socket

NativeSocket = _socket.socket  # below gevent's patching, and below Python's own wrapping


class NoThread:
    """What a flask-sock socket of ours gets for its reading thread: nothing that runs.

    The hub reads, and no bytes are taken twice.
    """

    name = "piehub (_thread)"

    def __init__(self, target: Callable[[], None]) -> None:
        pass

    def start(self) -> None:
        pass


class ReaderThreads:
    """Makes threads for the app's own flask-sock routes, and NoThread for the hub's."""

    def __init__(self, is_ours: Callable[[], bool], others: Callable[..., Any]) -> None:
        self._is_ours = is_ours
        self._others = others

    def __call__(self, target: Callable[[], None]) -> Any:
        return NoThread(target) if self._is_ours() else self._others(target=target)


def keep_threads_away(config: dict[str, Any], is_ours: Callable[[], bool]) -> None:
    """See to it that flask-sock starts no reading thread where `is_ours()`."""
    options = config.get("SOCK_SERVER_OPTIONS") or {}
    others = options.get("thread_class", threading.Thread)
    if not isinstance(others, ReaderThreads):
        own = {"thread_class": ReaderThreads(is_ours, others)}
        config["SOCK_SERVER_OPTIONS"] = {**options, **own}


def for_handshake(environ: dict[str, Any], compression: Agreement | None) -> dict[str, Any]:
    """The environ as simple-websocket is to read it; the client's own stays as it is.

    It agrees to that compression and no more: to none of the extensions that every browser offers,
    and to no subprotocol of the app's own routes.
    """
    edited = {**environ, _CLIENTS_OWN: environ}
    edited["HTTP_HOST"] = "localhost"  # wsproto fails at right IDNA, and makes no use of it
    edited.pop("HTTP_SEC_WEBSOCKET_PROTOCOL", None)
    edited.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    if compression:
        edited["HTTP_SEC_WEBSOCKET_EXTENSIONS"] = compression.response
    return edited


def clients_own(edited: dict[str, Any]) -> dict[str, Any]:
    """What `for_handshake` was given."""
    environ: dict[str, Any] = edited[_CLIENTS_OWN]
    return environ


def from_gunicorn(environ: dict[str, Any]) -> Any:
    """The socket of an upgrade that nobody has answered yet, as one of our own that outlives the
    request; None where that is not gevent's plain socket under gunicorn.

    gunicorn's own is left closed, so it has nothing more to do with the client.
    """
    client = environ.get("gunicorn.socket")
    return detached(client) if type(client) is gevent_socket.socket else None


def from_test_client(environ: dict[str, Any]) -> Any:
    """What stands for the socket of a client in the process of an app's tests, if it is one."""
    return environ.get(IN_PROCESS)


def detached(client: Any) -> Any:
    """gevent's socket as one of our own, which the loop can read; gevent's is left closed."""
    native = client._sock
    family, kind, protocol = native.family, native.type | socket.SOCK_NONBLOCK, native.proto
    return NativeSocket(family, kind, protocol, client.detach())


@contextmanager
def from_flask_sock(ws: simple_websocket.Server) -> Iterator[socket.socket]:
    """The socket of a handshake that flask-sock has done, which is ours from here on."""
    ws.connected = False  # so that flask-sock sends no close frame when the view returns
    try:
        yield ws.sock
    finally:
        if ws.mode == "gevent":
            ws.sock.close()  # under plain pywsgi it is a duplicate, which nobody else closes


def from_gevent_websocket(environ: dict[str, Any]) -> socket.socket | None:
    """The socket of a handshake that gevent-websocket has done before the app was called."""
    ws = environ.get("wsgi.websocket")
    if ws is None:
        return None
    ws.closed = True  # so that gevent-websocket sends no close frame when the app returns
    client: socket.socket = ws.handler.socket
    return client
