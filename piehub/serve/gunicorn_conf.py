"""gunicorn's settings for a hub. An app of your own can take them into its gunicorn.conf.py:

from piehub.serve.gunicorn_conf import *
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from piehub import descriptors
from piehub.serve import address, collector, options

__all__ = [
    "bind",
    "graceful_timeout",
    "keepalive",
    "on_starting",
    "post_worker_init",
    "worker_class",
    "worker_connections",
    "worker_exit",
    "workers",
]

bind = f"0.0.0.0:{address.port()}"
worker_class = "gevent"
# Rooms live in the memory of one process; gunicorn would else take WEB_CONCURRENCY, which Heroku
# sets to 2 by itself.
workers = 1
# Requests at once, if there are files for them; those beyond it wait. A client counts only until
# its upgrade is answered, other than under gevent-websocket's worker or TLS.
worker_connections = 21_000
# Seconds for the next head of a request, the first one, too: PIEHUB_HEADER_TIMEOUT.
keepalive = 10
# The drain takes at most 7 s. Heroku kills 30 s after SIGTERM, Docker after 10.
graceful_timeout = 8


def on_starting(server: Any) -> None:
    """gunicorn's hook, in the master, before anything else."""
    if refusal := options.refusal(server.cfg):
        server.log.error("piehub: refusing to start: %s", refusal)
        sys.exit(1)
    asked = os.environ.get("WEB_CONCURRENCY", "1")
    if asked != "1":
        server.log.info(
            "piehub: one worker, although WEB_CONCURRENCY is %s: rooms live in its memory.", asked
        )


def post_worker_init(worker: Any) -> None:
    """gunicorn's hook, in the worker, once the app is loaded."""
    from piehub.serve import draining, front_door

    descriptors.raise_limit()
    options.mend(worker, keepalive)
    collector.relax()
    draining.watch_gunicorn(worker)
    front_door.open_in(worker)
    for name in (signal.SIGINT, signal.SIGQUIT):
        # Ctrl-C, too, is a reason to take leave; gunicorn would end at once, with a traceback.
        signal.signal(name, worker.handle_exit)


def worker_exit(server: Any, worker: Any) -> None:
    """gunicorn's hook, in the worker, before it exits."""
    from piehub.serve import draining, front_door

    draining.finish(worker)
    front_door.close_in(worker)
