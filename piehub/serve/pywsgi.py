"""The hub on gevent's own server, with gevent-websocket's handshake: no gunicorn needed."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable
from typing import Any

import gevent
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from geventwebsocket.handler import WebSocketHandler

from piehub import descriptors
from piehub.serve import address, collector, draining, patience, slow_readers
from piehub.settings import SettingError

STOP_TIMEOUT = 4.0  # seconds for clients to answer their close frame, or be swept

log = logging.getLogger("piehub")


def start(make_app: Callable[[], Any]) -> None:
    """Serve the app that is made, or say what is wrong with its settings."""
    try:
        app = make_app()
    except SettingError as error:
        sys.exit(f"piehub: refusing to start: {error}")
    serve(app)


def serve(app: Any, host: str = "0.0.0.0", port: int | None = None) -> None:  # noqa: S104, as gunicorn
    """Serve until SIGTERM or Ctrl-C, in a patched process; then take leave of every client."""
    collector.relax()
    descriptors.raise_limit()
    hub = draining.hub_of(app)
    if hub:
        descriptors.tell_of(hub.settings.max_clients)
    server = WSGIServer(
        (host, address.port() if port is None else port),
        app,
        # So that stop() waits for those who are still closing, and no descriptor is missing.
        spawn=Pool(descriptors.for_clients() + descriptors.for_requests()),
        handler_class=patience.patient(WebSocketHandler),
        log=None,
        error_log=logging.getLogger("piehub.http"),
    )
    stopping = gevent.event.Event()
    for name in ("SIGTERM", "SIGINT"):
        gevent.signal_handler(getattr(signal, name), stopping.set)
    try:
        server.start()
    except OSError as error:
        sys.exit(f"piehub cannot listen on port {server.address[1]}: {error.strerror}")
    if hub:
        slow_readers.give_up([server.socket], hub)
    log.info("piehub listens on http://%s:%d", *server.address[:2])
    stopping.wait()
    log.info("piehub is stopping")
    if hub:
        hub.drain()
    server.stop(timeout=STOP_TIMEOUT)
