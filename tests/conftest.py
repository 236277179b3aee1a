"""The tests run patched, as the hub does under gunicorn, so a hub can serve beside its clients."""

from gevent import monkey

monkey.patch_all()

import gc
import logging
import os
import stat
from time import monotonic

import gevent
import pytest
from gevent.pywsgi import WSGIHandler, WSGIServer
from hypothesis import settings

from piehub import create_app
from tests.support.peer import Peer, Wire
from tests.support.timing import MS, PATIENCE

# The same examples at each run, unless there are to be more of them: TESTS_EXAMPLES=100000.
settings.register_profile(
    "piehub",
    max_examples=int(os.environ.get("TESTS_EXAMPLES", "5000")),
    derandomize="TESTS_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    print_blob=True,
)
settings.load_profile("piehub")


def _greenlets():
    # By type(): isinstance would follow weak proxies to what is gone.
    found = (thing for thing in gc.get_objects() if issubclass(type(thing), gevent.Greenlet))
    return {greenlet for greenlet in found if not greenlet.dead}


def _sockets():
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            status = os.stat(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the listing's own descriptor
            continue
        if stat.S_ISSOCK(status.st_mode):
            found.add(status.st_ino)
    return found


def _wait_until(nothing_left):
    """Give what is on its way out the time to go; return what stays."""
    deadline = monotonic() + PATIENCE
    while (left := nothing_left()) and monotonic() < deadline:
        gevent.sleep(5 * MS)
    return left


@pytest.fixture(scope="session", autouse=True)
def old_objects_are_passed_over():
    """What was there before the first test is not looked through at each: that took a minute."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left_behind(old_objects_are_passed_over):
    """Fail a test that leaves greenlets or sockets behind; `service` does so for rooms."""
    greenlets, sockets = _greenlets(), _sockets()
    yield
    assert not _wait_until(lambda: _greenlets() - greenlets), "the test left greenlets behind"
    assert not _wait_until(lambda: _sockets() - sockets), "the test left sockets behind"


@pytest.fixture(autouse=True)
def log_as_it_was():
    """A stand-alone hub configures the log of the whole process."""
    log = logging.getLogger("piehub")
    before = log.handlers, log.propagate, log.level
    yield
    log.handlers, log.propagate, log.level = before


class Service:
    """Hubs that serve in this process, and the clients that the test opens to them."""

    def __init__(self):
        self._servers = []
        self._clients = []
        self._apps = []

    def start(self, app=None, *, handler_class=WSGIHandler, **settings):
        """Serve `app`, or a stand-alone hub with these PIEHUB_ settings; return its address."""
        if app is None:
            config = {"secret_key": "for tests", **settings}
            app = create_app(**{f"PIEHUB_{name.upper()}": config[name] for name in config})
        server = WSGIServer(
            ("127.0.0.1", 0), app, log=None, error_log=None, handler_class=handler_class
        )
        server.start()
        self._servers.append(server)
        self._apps.append(app)
        return f"ws://127.0.0.1:{server.server_port}"

    @property
    def hub(self):
        """The state behind the last app."""
        return self._apps[-1].extensions["piehub"]

    def peer(self, url, **query):
        """A client that is closed when the test ends."""
        return self._kept(Peer(url, **query))

    def wire(self, url, path="/", handshake=True):
        """The same, for bytes."""
        return self._kept(Wire(url, path, handshake))

    def _kept(self, client):
        self._clients.append(client)
        return client

    def stop(self):
        for client in self._clients:
            client.close()
        hubs = [app.extensions["piehub"] for app in self._apps if "piehub" in app.extensions]
        clients = _wait_until(
            lambda: [hub for hub in hubs if hub.registry.counts()[1] or list(hub.heartbeat)]
        )
        rooms = _wait_until(lambda: [room for hub in hubs for room in hub.registry.views()])
        for server in self._servers:
            server.stop(timeout=PATIENCE)
        assert not clients, "the test left clients in a hub"
        assert not rooms, "the test left rooms behind: start the hub with room_cleanup_delay=0"


@pytest.fixture
def service():
    service = Service()
    yield service
    service.stop()
