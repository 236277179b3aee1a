"""A request's head to the front door and to the upgrade: what the door recognises, gunicorn reads
in the same way and Flask routes to the hub, which admits or refuses it and does nothing else."""

from functools import cache

import flask
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.http.wsgi import create
from werkzeug.exceptions import HTTPException

from piehub import create_app
from piehub.serve.plain_upgrade import recognise
from piehub.web import upgrade

HERE = ("127.0.0.1", 40000)
PATH = "/ws"
CONFIG = Config()


@cache
def _app():
    return create_app(
        PIEHUB_SECRET_KEY="for tests",
        PIEHUB_PATH=PATH,
        PIEHUB_COMPRESSION=True,
        PIEHUB_MAX_CLIENTS_PER_ADDRESS=1,
        PIEHUB_TRUSTED_PROXIES="127.0.0.0/8, 10.0.0.0/8, ::1",
    )


def check(data):
    asked = recognise(data, PATH, HERE)
    environ, left = _gunicorns(data)
    if asked:
        assert environ, "gunicorn refuses it"
        assert data[asked.size :] == left, "gunicorn takes more or less of it"
        assert asked.environ == {name: environ.get(name) for name in asked.environ}
        more = environ.keys() - asked.environ.keys()
        assert not [name for name in more if name.startswith("HTTP_")], more
        assert environ["PATH_INFO"] == PATH
        assert _endpoint(environ) == "piehub.connect"
        assert _answer(asked.environ) == _answer(environ)
    elif environ:
        _answer(environ)


def _gunicorns(data):
    """The environ that gunicorn makes of it, and what it leaves of it; None where it refuses."""
    unreader = IterUnreader([data])
    try:
        request = Request(CONFIG, unreader, HERE)
        _, environ = create(request, None, HERE, ("127.0.0.1", 8080), CONFIG)
    except Exception:  # many, and not all of them its own
        return None, b""
    return environ, unreader.take_buffered()


def _endpoint(environ):
    with _app().request_context(environ):
        return flask.request.endpoint


def _answer(environ):
    """Who is let in, or the status with which it is refused; any other exception is a fault."""
    try:
        upgrade.check_handshake(environ)
        return upgrade.admit(_app().extensions["piehub"], environ)
    except HTTPException as refused:
        return refused.get_response().status_code
