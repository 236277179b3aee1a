"""Let the clients go before the server does."""

from __future__ import annotations

from typing import Any

from flask import Flask

from piehub.hub import Hub

_LOOK_EVERY = 0.2  # seconds


def hub_of(app: Any) -> Hub | None:
    """The hub behind a WSGI app, if it is a Flask app that has one."""
    return app.extensions.get("piehub") if isinstance(app, Flask) else None


def watch_gunicorn(worker: Any) -> None:
    """Drain once gunicorn's worker is told to stop; by itself it tells open sockets nothing."""
    if hub := hub_of(worker.wsgi):
        hub.runtime.spawn(lambda: _drain_when_stopped(worker, hub))


def _drain_when_stopped(worker: Any, hub: Hub) -> None:
    # gunicorn's own loop looks at this flag too, once a second; there is no event to wait for.
    while worker.alive:
        hub.runtime.sleep(_LOOK_EVERY)
    hub.drain()
