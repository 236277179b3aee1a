"""One server for all that is thrown at it here, and two witnesses, who must not notice."""

import json
import re
from contextlib import closing
from http.client import HTTPConnection
from itertools import count

import pytest

from tests.robustness.messages import PASSWORD
from tests.support.peer import Peer, Wire
from tests.support.process import Process
from tests.support.timing import PATIENCE

GUNICORN = ["gunicorn", "-k", "gevent", "wsgi:app"]

# All that a log may say of clients: who came and went, and what gunicorn could not read.
USUAL = re.compile(
    r"\S+ \S+ INFO client opened id=(['\"]).+\1 address=127\.0\.0\.1:\d+"
    r"|\S+ \S+ INFO client closed id=(['\"]).+\2 address=127\.0\.0\.1:\d+ "
    r"code=\d{4} seconds=\d+\.\d in=\d+ out=\d+"
    r"|\S+ \S+ INFO client refused address=127\.0\.0\.1:\d+ status=\d{3} reason=.+"
    r"|\[.{25}\] \[\d+\] \[WARNING\] Invalid request from ip=127\.0\.0\.1: .+"
)

numbers = count()


@pytest.fixture(scope="package")
def server():
    process = Process(GUNICORN, PIEHUB_HEADER_TIMEOUT="2")
    process.wait_for_line("Listening at")
    yield process
    process.kill()


@pytest.fixture(scope="package")
def witnesses(server):
    """Two clients in a room of their own."""
    with closing(Peer(server.url)) as one, closing(Peer(server.url)) as other:
        for witness in (one, other):
            assert witness.join(app="witnesses")["type"] == "ResolvePromise"
        one.hear_type("ClientPresenceChanged")
        yield one, other


@pytest.fixture(scope="package")
def unread(server, witnesses):
    """The lines of the log that nobody has looked at, from the second witness on."""
    server.wait_for_line(f"client opened id='{witnesses[1].id}'")
    read = len(server.lines)

    def lines():
        nonlocal read
        new = server.lines[read:]
        read += len(new)
        return new

    return lines


@pytest.fixture(autouse=True)
def nobody_else_notices(server, witnesses, unread):
    """After each case the witnesses hear each other, and have heard nothing else; all other clients
    have gone, and the log holds nothing unusual and no password."""
    yield
    number = next(numbers)
    speaker = witnesses[number % 2]
    speaker.say("Data", payload=number)
    for witness in witnesses:
        assert heard_until(witness, number) == [(speaker.id, number)]
    assert clients_of(server) == len(witnesses)
    odd = [line for line in unread() if not USUAL.fullmatch(line) or PASSWORD in line]
    assert odd == []


def heard_until(witness, number):
    heard = []
    while not heard or heard[-1][1] != number:
        message = witness.hear()
        heard.append((message.get("fromClient", message), message.get("payload")))
    return heard


def clients_of(server):
    """How many clients the hub itself counts."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
        connection.request("GET", "/healthz")
        return json.load(connection.getresponse())["clients"]


class Guests:
    """Clients that the hub has greeted. They are closed when the test ends, and the log says so."""

    def __init__(self, server):
        self._server = server
        self._here = []

    def peer(self):
        return self._kept(Peer(self._server.url))

    def wire(self):
        """One that speaks bytes, and has been told its id."""
        return self.greeted(Wire(self._server.url))

    def greeted(self, wire):
        """Keep a wire whose handshake has been answered."""
        opcode, payload = wire.frame()
        assert opcode == 1
        wire.id = json.loads(payload)["clientId"]
        return self._kept(wire)

    def _kept(self, client):
        self._here.append(client)
        return client

    def closed_with(self, client):
        """The close code that the log has for a client."""
        client.close()
        pattern = rf"client closed id={re.escape(repr(client.id))} .* code=(\d+)"
        return int(self._server.wait_for_line(pattern)[1])

    def leave(self):
        for client in self._here:
            self.closed_with(client)


@pytest.fixture
def guests(server):
    guests = Guests(server)
    yield guests
    guests.leave()
