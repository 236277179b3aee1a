"""Let the clients go before the server does."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from flask import Flask

from piehub.hub import Hub

_LOOK_EVERY = 0.2  # seconds
_LONGEST = 7.0  # seconds to tell all clients, and for the last of them to answer


def hub_of(app: Any) -> Hub | None:
    """The hub behind a WSGI app, if it is a Flask app that has one."""
    return app.extensions.get("piehub") if isinstance(app, Flask) else None


def watch_gunicorn(worker: Any, end_idlers: Callable[[], bool]) -> None:
    """Drain once gunicorn's worker is told to stop; by itself it tells open sockets nothing.

    end_idlers: ends the connections that are open though nobody asks for anything, and says
        whether there may be more.
    """
    if hub := hub_of(worker.wsgi):
        hub.runtime.spawn(lambda: _drain_when_stopped(worker, hub, end_idlers))


def finish(worker: Any) -> None:
    """Wait, in gunicorn's worker that is about to exit, until the clients have gone: it waits for
    requests only, and theirs have ended long ago."""
    # An app that could not be loaded is none.
    if hub := hub_of(getattr(worker, "wsgi", None)):
        deadline = monotonic() + _LONGEST
        hub.drain()
        while len(hub.heartbeat) and monotonic() < deadline:
            hub.runtime.sleep(_LOOK_EVERY)
        hub.figures.look()  # the last of them, for the processes that share them


def _drain_when_stopped(worker: Any, hub: Hub, end_idlers: Callable[[], bool]) -> None:
    # gunicorn's own loop looks at this flag too, once a second; there is no event to wait for.
    while worker.alive:
        hub.runtime.sleep(_LOOK_EVERY)
    hub.drain()
    while end_idlers():
        hub.runtime.sleep(_LOOK_EVERY)
