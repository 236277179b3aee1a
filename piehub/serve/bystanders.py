"""Who, besides the hub, has a part in an upgrade that goes through gunicorn and Flask.

Where there is nobody, it makes no difference which way an upgrade takes.
"""

from __future__ import annotations

import os
import re
from types import FunctionType
from typing import Any

import flask
import flask.app
from flask.app import Flask
from flask.sessions import SecureCookieSessionInterface
from gunicorn.workers.ggevent import GeventWorker
from werkzeug.exceptions import HTTPException

from piehub import signals
from piehub.hub import Hub
from piehub.web import upgrade

# Of gunicorn's: what has a say in what is read, or is told of requests.
_SETTINGS = (
    "http2_cleartext",
    "limit_request_field_size",
    "limit_request_fields",
    "limit_request_line",
    "post_request",
    "pre_request",
    "protocol",
    "proxy_protocol",
    "secure_scheme_headers",
)

# Flask's methods that an upgrade passes through: a subclass, an instance, or what patches Flask to
# watch it, may have others.
_WAY = frozenset(
    (
        "__call__",
        "app_context",
        "create_url_adapter",
        "dispatch_request",
        "do_teardown_appcontext",
        "do_teardown_request",
        "ensure_sync",
        "finalize_request",
        "full_dispatch_request",
        "make_response",
        "preprocess_request",
        "process_response",
        "request_context",
        "wsgi_app",
    )
)

# The same of gunicorn's worker.
_WORKERS_WAY = ("handle", "handle_request")

_RECEIVERS = (
    flask.appcontext_popped.receivers,
    flask.appcontext_pushed.receivers,
    flask.appcontext_tearing_down.receivers,
    flask.got_request_exception.receivers,
    flask.request_finished.receivers,
    flask.request_started.receivers,
    flask.request_tearing_down.receivers,
    signals.client_opened.receivers,  # who find the request there
)


def at_worker(worker: Any, hub: Hub) -> bool:
    """Whether there is, or may be, anybody in how this worker was started and its app was made."""
    settings = [worker.cfg.settings[name] for name in _SETTINGS if name in worker.cfg.settings]
    return (
        type(worker) is not GeventWorker
        or not all(_is_gunicorns_own(name) for name in _WORKERS_WAY)
        or not vars(worker).keys().isdisjoint(_WORKERS_WAY)
        or worker.cfg.is_ssl
        or "SCRIPT_NAME" in os.environ
        or any(setting.get() != setting.default for setting in settings)
        or type(hub.app) is not Flask
        or not all(_is_flasks_own(name) for name in _WAY & vars(Flask).keys())
        or not _is_reached(hub)
    )


def at_app(worker: Any, hub: Hub) -> bool:
    """Whether there is anybody by now: an app may take its time to say what it wants."""
    app = hub.app
    return bool(
        worker.wsgi is not app  # there is a middleware, or what passes for the app
        or hub.hooks.authorize
        or not _WAY.isdisjoint(vars(app))
        or _any_beside_ours(app.before_request_funcs)
        or _any_of(app.after_request_funcs)
        or _any_beside_ours(app.teardown_request_funcs)
        or _any_of(app.url_value_preprocessors)
        or app.teardown_appcontext_funcs
        or any(_RECEIVERS)
        or type(app.session_interface) is not SecureCookieSessionInterface
        or app.request_class is not flask.Request
        or app.config.get("TRUSTED_HOSTS") is not None
        or app.config.get("SERVER_NAME") is not None  # before Flask 3.1, no other host is served
    )


def _any_of(functions: Any) -> bool:
    return bool(functions.get(None) or functions.get(upgrade.BLUEPRINT))


def _any_beside_ours(functions: Any) -> bool:
    return bool(functions.get(None) or len(functions[upgrade.BLUEPRINT]) > 1)


def _is_gunicorns_own(name: str) -> bool:
    return _is_defined_in("gunicorn.workers.", getattr(GeventWorker, name))


def _is_flasks_own(name: str) -> bool:
    return _is_defined_in("flask.app", vars(Flask)[name])


def _is_defined_in(module: str, function: Any) -> bool:
    # Not by __module__, which whatever wraps a function copies from it.
    return type(function) is FunctionType and function.__globals__["__name__"].startswith(module)


def _is_reached(hub: Hub) -> bool:
    """Whether an upgrade on the hub's path is the hub's, wherever it comes to, and no other
    route's of the app."""
    app, path = hub.app, hub.settings.path
    if app.url_map.host_matching or app.subdomain_matching or not re.fullmatch(r"[\w./~-]+", path):
        return False
    try:
        endpoint, _ = app.url_map.bind("localhost", url_scheme="ws").match(path, "GET")
    except HTTPException:
        return False
    return bool(endpoint.partition(".")[0] == upgrade.BLUEPRINT)
