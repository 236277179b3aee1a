"""Find the socket of a request that was upgraded, whichever server accepted it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import simple_websocket


class NoThread:
    """What a flask-sock socket of ours gets for its reading thread: nothing that runs.

    The view's own greenlet reads, so a client costs one greenlet and no bytes are taken twice.
    """

    name = "piehub (_thread)"

    def __init__(self, target: Callable[[], None]) -> None:
        pass

    def start(self) -> None:
        pass


def thread_class(is_ours: Callable[[], bool], others: Any = None) -> Callable[..., Any]:
    """For SOCK_SERVER_OPTIONS["thread_class"]: no thread for our sockets, `others` for the rest."""
    others = others or threading.Thread

    def make(target: Callable[[], None]) -> Any:
        return NoThread(target) if is_ours() else others(target=target)

    return make


def from_flask_sock(ws: simple_websocket.Server) -> socket.socket:
    """The socket of a handshake that flask-sock has done, which is ours from here on."""
    ws.connected = (
        False  # so that flask-sock, when the view returns, sends no close frame of its own
    )
    client: socket.socket = ws.sock
    return client


def from_gevent_websocket(environ: dict[str, Any]) -> socket.socket | None:
    """The socket of a handshake that gevent-websocket has done before the app was called."""
    ws = environ.get("wsgi.websocket")
    if ws is None:
        return None
    ws.closed = (
        True  # so that gevent-websocket, when the app returns, sends no close frame of its own
    )
    client: socket.socket = ws.handler.socket
    return client
