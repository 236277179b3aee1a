"""Connections that are open though nobody asks for anything: a browser keeps one for its next page.

gunicorn's worker waits for them when it is told to end, for as long as it waits for a request that
is being answered, and the hub is away for so long.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gunicorn.workers.ggevent import GeventWorker


def watch(worker: Any) -> Callable[[], bool]:
    """Know the idle connections of gunicorn's gevent worker.

    Returns what ends them all, and says whether there may be more by and by.
    """
    if type(worker) is not GeventWorker:  # gevent's own server has them elsewhere
        return lambda: False
    idle: set[Any] = set()
    handle, handle_request = worker.handle, worker.handle_request

    def handle_knowing(listener: Any, client: Any, address: Any) -> None:
        idle.add(client)
        try:
            handle(listener, client, address)
        finally:
            idle.discard(client)

    def handle_request_knowing(name: Any, request: Any, client: Any, address: Any) -> None:
        idle.discard(client)
        try:
            handle_request(name, request, client, address)
        finally:
            idle.add(client)

    def end() -> bool:
        for client in idle:
            # A request that is here already is still read, and answered. gevent's own shutdown
            # would throw an error into who reads.
            with suppress(OSError):  # it has just ended, or has become a WebSocket
                getattr(client, "_sock", client).shutdown(socket.SHUT_RD)
        return True  # its listener is open for another second

    worker.handle, worker.handle_request = handle_knowing, handle_request_knowing
    return end
