"""gunicorn's options that a hub cannot live with: refused at start, or made harmless."""

from __future__ import annotations

import os
import sys
from typing import Any

from gevent import monkey
from geventwebsocket.handler import WebSocketHandler

from piehub import descriptors, settings
from piehub.serve import draining, patience, slow_readers, tls
from piehub.settings import SettingError

# gunicorn's own that serve one client at a time, or no WSGI.
_OTHER_WORKERS = ("gunicorn.workers.gasgi", "gunicorn.workers.gtornado", "gunicorn.workers.sync")
_GEVENT = "gunicorn.workers.ggevent"
_THREADS = "gunicorn.workers.gthread"  # are a runtime, too
_LEAST_THREADS = 2  # one of them for requests


def refusal(cfg: Any) -> str | None:
    """Why no hub can run like this, and what would do; None if one can.

    cfg: gunicorn's, in the master.
    """
    if cfg.workers > 1:
        return (
            f"{cfg.workers} workers would have rooms of their own each, and clients in the same "
            "room would not hear each other. Start one (--workers 1); to share rooms among workers "
            "takes Redis, which this version does not speak yet."
        )
    if cfg.workers < 1:
        return "0 workers serve nobody. Start one (--workers 1)."
    if cfg.worker_connections < 1:
        return "with --worker-connections 0 nobody comes in. Leave it out."
    if cfg.preload_app and _comes_from(cfg.worker_class, _THREADS):
        return (
            "--preload makes the hub once, before its workers: when one has to be started anew, "
            "the time in which clients may bring back their rooms is long over. Leave it out: with "
            "one worker it saves nothing."
        )
    if cfg.preload_app and not monkey.is_module_patched("socket"):
        return (
            "--preload loads the app before gevent has patched Python, and what it imports may "
            "block all clients. Leave it out: with one worker it saves nothing."
        )
    return _refusal_of(cfg.worker_class, cfg)


def wrong_setting(cfg: Any) -> str | None:
    """What is wrong with a setting in the environment, whatever the app itself sets beside it.

    cfg: gunicorn's, which may add to that.
    """
    environment = os.environ | cfg.env
    known = settings.FIELDS.keys() & environment.keys()
    try:
        settings.read({name: environment[name] for name in known})
    except SettingError as error:
        return str(error)
    return None


def wrong_concurrency() -> str | None:
    """What is wrong with WEB_CONCURRENCY, which gunicorn reads when it is imported."""
    asked = os.environ.get("WEB_CONCURRENCY", "1")
    return None if asked.isdecimal() else f"WEB_CONCURRENCY is {asked!r}; it must be 1"


def say_in_a_line(worker: Any, exit_code: int) -> None:
    """Let the worker end with a sentence where the app is made with a setting that is wrong.

    exit_code: by which the master knows that it need not try again.
    """
    load = worker.load_wsgi

    def load_wsgi() -> None:
        del worker.load_wsgi
        try:
            load()
        except SettingError as error:
            worker.log.error("piehub: refusing to start: %s", error)
            worker.log.debug("", exc_info=error)
            sys.exit(exit_code)

    worker.load_wsgi = load_wsgi


def _refusal_of(worker: type, cfg: Any) -> str | None:
    if _comes_from(worker, *_OTHER_WORKERS):
        return (
            f"a {cfg.worker_class_str} worker cannot hold many open sockets. Start gevent's "
            "(-k gevent)."
        )
    if _comes_from(worker, _THREADS) and cfg.threads < _LEAST_THREADS:
        return (
            f"each client takes a thread of a gthread worker, and --threads is {cfg.threads}. "
            "Start gevent's (-k gevent), or some threads more than there are to be clients."
        )
    return None


def hurry(cfg: Any, graceful_timeout: int) -> str | None:
    """What to say of a --graceful-timeout that is too short for a drain; None of one that is not.

    graceful_timeout: seconds that a drain takes.
    """
    if cfg.graceful_timeout >= graceful_timeout:
        return None
    return (
        f"--graceful-timeout {cfg.graceful_timeout} is not used: to take leave of all clients "
        f"takes {graceful_timeout} s."
    )


def unused(cfg: Any) -> list[str]:
    """What a worker does not use of gunicorn's options, as it would break open sockets, and why."""
    told = []
    if cfg.max_requests:
        told.append(
            "--max-requests is not used: a worker that ends takes its open sockets with it."
        )
    if not cfg.keepalive:
        told.append(
            "--keep-alive 0 is not used: it would let a client take for ever to say the head of "
            "its request. PIEHUB_HEADER_TIMEOUT says for how long it may."
        )
    return told


def few_places(worker: type, cfg: Any) -> str | None:
    """What to say of a worker in which each client takes a thread; None of others."""
    if not _comes_from(worker, _THREADS):
        return None
    return (
        f"with {cfg.threads} threads, {cfg.threads - 1} clients find space: each takes one, and "
        "one is for other requests. Who does not come to the end of its request's head takes one "
        "for as long as it likes; -k gevent has none of these limits."
    )


def is_of_gevent(worker: type) -> bool:
    """Whether it is one of gunicorn's gevent workers, or made of one: they patch Python."""
    return _comes_from(worker, _GEVENT)


def files_a_client(worker: type) -> int:
    """How many files a client takes in such a worker."""
    handler = getattr(worker, "wsgi_handler", None)
    # flask-sock's WebSocket has a duplicate of its own.
    return 2 if handler and not issubclass(handler, WebSocketHandler) else 1


def mend_master(server: Any, graceful_timeout: int) -> None:
    """Make harmless, in the master, what would break open sockets, and say so.

    graceful_timeout: seconds that a drain takes.
    """
    if told := hurry(server.cfg, graceful_timeout):
        server.log.warning("piehub: %s", told)
        server.cfg.set("graceful_timeout", graceful_timeout)


def mend(worker: Any, keepalive: int) -> None:
    """Make harmless, in the worker, what would break open sockets, and say so.

    keepalive: seconds; what gunicorn's own has if nobody has set it.
    """
    cfg, hub = worker.cfg, draining.hub_of(worker.wsgi)
    for told in unused(cfg):
        worker.log.warning("piehub: %s", told)
    if cfg.max_requests:
        worker.max_requests = sys.maxsize
    handler = getattr(worker, "wsgi_handler", None)
    if handler:  # that of gevent's own server, which knows no --keep-alive
        worker.wsgi_handler = patience.patient(handler)
    descriptors.each_takes(files_a_client(type(worker)))
    _leave_descriptors(worker)
    if hub:
        slow_readers.give_up(worker.sockets, hub)
        worker.log.error_log.addFilter(slow_readers.in_a_line)
        descriptors.tell_of(hub.settings.max_clients)
    if hub and (told_of_threads := few_places(type(worker), cfg)):
        hub.places = cfg.threads - 1
        worker.log.warning("piehub: %s", told_of_threads)
    if hub and cfg.keepalive in (0, keepalive):
        cfg.set("keepalive", max(1, round(hub.settings.header_timeout)))
    if hub and cfg.is_ssl and is_of_gevent(type(worker)):
        tls.be_patient(worker)


def _comes_from(kind: type, *modules: str) -> bool:
    """Whether it is a worker from there, whatever it was named on the command line."""
    return any(each.__module__ in modules for each in kind.__mro__)


def _leave_descriptors(worker: Any) -> None:
    """Let those who do not come to the end of their request wait, rather than use up what is left
    beside the clients. A worker looks at this when it begins to serve."""
    clients_leave = getattr(worker, "server_class", worker) is None and not worker.cfg.is_ssl
    for_clients = 0 if clients_leave else descriptors.for_clients()  # they hold on to their request
    most = for_clients + descriptors.for_requests()
    worker.worker_connections = min(worker.cfg.worker_connections, most)
