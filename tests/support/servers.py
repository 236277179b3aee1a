"""Fixtures: servers as their users start them, and clients of theirs."""

import pytest

from tests.support.peer import Peer, Wire
from tests.support.process import Process

GUNICORN = ["gunicorn", "-k", "gevent", "wsgi:app"]
READY = r"Listening at|piehub listens|Running on"


@pytest.fixture
def clients():
    """Open clients that are closed when the test ends."""
    opened = []

    def open_client(url, **query):
        opened.append(Peer(url, **query))
        return opened[-1]

    def open_wire(url, path="/", handshake=True):
        opened.append(Wire(url, path, handshake))
        return opened[-1]

    open_client.wire = open_wire
    yield open_client
    for client in opened:
        client.close()


@pytest.fixture
def start():
    """Start servers that are ended when the test ends."""
    yield from starting()


@pytest.fixture(scope="module")
def start_for_all():
    """The same, for when the module's last test ends."""
    yield from starting()


def starting():
    started = []

    def start_process(command=GUNICORN, *, ready=READY, **options):
        process = Process(command, **options)
        started.append(process)
        if ready:
            process.wait_for_line(ready)
        return process

    yield start_process
    for process in started:
        process.kill()
