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
    "child_exit",
    "graceful_timeout",
    "keepalive",
    "nworkers_changed",
    "on_starting",
    "post_fork",
    "post_worker_init",
    "pre_exec",
    "worker_class",
    "worker_connections",
    "worker_exit",
    "workers",
]

try:
    bind = f"0.0.0.0:{address.port()}"
except ValueError as error:  # which gunicorn would show with its traceback
    sys.exit(f"piehub: refusing to start: {error}")
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

_good: list[Any] = []  # the last configuration that a hub can live with


def on_starting(server: Any) -> None:
    """gunicorn's hook, in the master, before anything else."""
    if refusal := options.refusal(server.cfg) or options.wrong_setting(server.cfg):
        server.log.error("piehub: refusing to start: %s", refusal)
        sys.exit(1)
    options.mend_master(server, graceful_timeout)
    _good.append(server.cfg)
    asked = os.environ.get("WEB_CONCURRENCY", "1")
    if asked != "1":
        server.log.info(
            "piehub: one worker, although WEB_CONCURRENCY is %s: rooms live in its memory.", asked
        )


def nworkers_changed(server: Any, now: int, before: int | None) -> None:
    """gunicorn's hook, in the master: SIGTTIN asks for a worker more, a new configuration for more.

    before: None at start, where on_starting looks at it.
    """
    if _good and server.cfg is not _good[-1]:
        _look_at_new(server)
    if before is not None and server.num_workers > 1:
        server.log.warning("piehub: still one worker: rooms live in its memory.")
        server.num_workers = 1


def _look_at_new(server: Any) -> None:
    # By now its log and this number are set up, but neither its environment nor its listeners. An
    # app may have an on_reload of its own, so nothing is left for then.
    if refusal := options.refusal(server.cfg) or options.wrong_setting(server.cfg):
        server.app.cfg = _good[-1]
        server.setup(server.app)
        server.log.error("piehub: going on with the configuration from before: %s", refusal)
    else:
        options.mend_master(server, graceful_timeout)
        _good[:] = [server.cfg]


def pre_exec(server: Any) -> None:
    """gunicorn's hook, on SIGUSR2, in a child of the master's that would become a second one."""
    server.log.warning(
        "piehub: no second server beside this one: it would have rooms of its own, on the same "
        "port. SIGHUP loads the app anew."
    )
    os._exit(0)  # nothing here is the child's to clean up


def child_exit(server: Any, worker: Any) -> None:
    """gunicorn's hook, in the master, when a worker has ended: what it counted stays, whom it
    served has gone."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid, folder)


def post_fork(server: Any, worker: Any) -> None:
    """gunicorn's hook, in the worker, before the app is loaded."""
    options.say_in_a_line(worker, server.APP_LOAD_ERROR)


def post_worker_init(worker: Any) -> None:
    """gunicorn's hook, in the worker, once the app is loaded."""
    from piehub.serve import draining, front_door, idlers

    descriptors.raise_limit()
    options.mend(worker, keepalive)
    collector.relax()
    front_door.open_in(worker)
    draining.watch_gunicorn(worker, idlers.watch(worker))
    for name in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        # Ctrl-C, too, is a reason to take leave, and a terminal that is closed; gunicorn would end
        # at once.
        signal.signal(name, worker.handle_exit)


def worker_exit(server: Any, worker: Any) -> None:
    """gunicorn's hook, in the worker, before it exits."""
    from piehub.serve import draining, front_door

    draining.finish(worker)
    front_door.close_in(worker)
