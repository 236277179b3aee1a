"""Flask apps whose own code takes its time."""

import sys
import time
from functools import wraps
from itertools import count
from threading import Event

import flask
from flask import Flask
from flask.sessions import SessionInterface
from flask_sock import Sock
from gunicorn.workers.ggevent import GeventWorker

from piehub import PieHub, create_app, signals
from piehub.hub import Hub


def say(text):
    print(text, file=sys.stderr, flush=True)


stubborn = Flask("stubborn")
stubborn_pie = PieHub(stubborn)


@stubborn_pie.on_join
def block(client, room):
    say("on_join has begun")
    time.sleep(60)


hesitant = Flask("hesitant")
hesitant_pie = PieHub(hesitant)


@hesitant_pie.authorize
def hesitate():
    if "wait" in flask.request.args:
        say("authorize has begun")
        time.sleep(1)


@hesitant.post("/slow")
def be_slow():
    say("the view has begun")
    time.sleep(1.5)
    say("the view has waited")
    return flask.request.get_data()


def pages(*, door):
    """A page on the hub's own path, and one that makes the hub drain while gunicorn goes on.

    door: whether nothing of the app's keeps the front door shut.
    """
    app = Flask("pages")
    PieHub(app)
    app.add_url_rule("/", view_func=lambda: "a page")
    app.add_url_rule("/drain", "drain", lambda: app.extensions["piehub"].drain() or "draining")
    if not door:
        app.teardown_request(lambda error: None)
    return app


def operated():
    """Pages for operators, which say so when somebody comes to them, or want a token."""
    app = create_app(PIEHUB_ADMIN_TOKEN="an-admin-token-for-tests")
    for path in ("/metrics", "/dashboard", "/api/rooms"):
        app.add_url_rule(path, path, lambda: say("an operator's page") or "figures")
    return app


def leaving():
    """A page that makes the stand-alone hub drain while gunicorn goes on."""
    app = create_app()
    app.add_url_rule("/drain", "drain", lambda: app.extensions["piehub"].drain() or "draining")
    return app


def reading():
    """A page that says what was sent to it."""
    app = create_app()

    @app.post("/say")
    def say_again():
        return flask.request.get_data()

    return app


def slow_to_answer():
    """An app that takes its time between letting somebody in and answering the handshake."""
    app = create_app()
    app.config["SOCK_SERVER_OPTIONS"] = {"event_class": lambda: time.sleep(0.2) or Event()}
    return app


def failing_at_first():
    """The first handshake fails."""
    app = create_app()
    times = count(1)

    def event():
        if next(times) == 1:
            raise OSError("a client that has gone")
        return Event()

    app.config["SOCK_SERVER_OPTIONS"] = {"event_class": event}
    return app


def hosts():
    """Says which Host a request has, when it comes and when its client is in."""
    app = create_app(PIEHUB_ALLOWED_ORIGINS="same")

    def tell(when):
        say(f"{when}: {flask.request.headers['Host']} {flask.request.environ['HTTP_HOST']}")

    app.before_request(lambda: tell("at first"))
    signals.client_opened.connect_via(app, weak=False)(lambda sender, client: tell("inside"))
    return app


def broken():
    """A fault of the hub's own, which shows when somebody comes in."""
    app = Flask("broken")
    PieHub(app)
    app.extensions["piehub"].registry.enter = None
    return app


def watched(by):
    """An app with something of its own around an upgrade, which says when it is asked."""
    app = Flask("watched")
    times = count(1)
    WATCHERS[by](app, PieHub(app), lambda *_, **__: say(f"asked {next(times)}"))
    return app


def passed_off():
    """What says it is a Flask app, and stands before one, as what watches an app may."""
    times = count(1)
    app = pages(door=True)

    class Proxy:
        __class__ = Flask

        def __getattr__(self, name):
            return getattr(app, name)

        def __call__(self, *request):
            say(f"asked {next(times)}")
            return app(*request)

    return Proxy()


def confused():
    """A fault of the hub's own, which shows when somebody asks to come in."""
    app = pages(door=True)
    Hub.is_full = property(lambda hub: len(None))
    return app


def named():
    """An app that serves one host only, as Flask before 3.1 understands it."""
    app = pages(door=True)
    app.config["SERVER_NAME"] = "127.0.0.1"
    return app


def outvoted():
    """An app that has a WebSocket route of its own where the hub's is, and came first."""
    app = Flask("outvoted")
    Sock(app).route("/")(lambda ws: ws.send("mine"))
    PieHub(app)
    return app


def _patch_flask(app, pie, asked):
    flasks_own = Flask.full_dispatch_request
    Flask.full_dispatch_request = lambda app: asked() or flasks_own(app)


def _patch_gunicorn(app, pie, asked):
    gunicorns_own = GeventWorker.handle_request

    @wraps(gunicorns_own)
    def handle_request(*request):
        asked()
        return gunicorns_own(*request)

    GeventWorker.handle_request = handle_request


def _subclass(app, pie, asked):
    class Own(Flask):
        def preprocess_request(self):
            asked()
            return super().preprocess_request()

    app.__class__ = Own


def _wrap(app, pie, asked):
    flasks_own = app.wsgi_app
    app.wsgi_app = lambda *request: asked() or flasks_own(*request)


def _keep_sessions(app, pie, asked):
    class Sessions(SessionInterface):
        def open_session(self, app, request):
            return asked()

    app.session_interface = Sessions()


def _make_requests(app, pie, asked):
    class Request(flask.Request):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            asked()

    app.request_class = Request


def _greet(app, pie, asked):
    @signals.client_opened.connect_via(app, weak=False)
    def greet(sender, client):
        if flask.request.path == "/":
            asked()


WATCHERS = {
    "before_request": lambda app, pie, asked: app.before_request(asked),
    "after_request": lambda app, pie, asked: app.after_request(lambda answer: asked() or answer),
    "teardown_request": lambda app, pie, asked: app.teardown_request(asked),
    "teardown_appcontext": lambda app, pie, asked: app.teardown_appcontext(asked),
    "url_value_preprocessor": lambda app, pie, asked: app.url_value_preprocessor(asked),
    "authorize": lambda app, pie, asked: pie.authorize(lambda: asked() or flask.request.path),
    "authorize, once a page was seen": lambda app, pie, asked: app.add_url_rule(
        "/", view_func=lambda: pie.authorize(asked) and "from now on"
    ),
    "request_started": lambda app, pie, asked: flask.request_started.connect(
        asked, app, weak=False
    ),
    "client_opened": _greet,
    "middleware": _wrap,
    "a subclass of Flask": _subclass,
    "a patch of Flask": _patch_flask,
    "a patch of gunicorn": _patch_gunicorn,
    "sessions": _keep_sessions,
    "requests": _make_requests,
}
