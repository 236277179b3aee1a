"""Who asks for pages and does not read them; and clients, whose outbox sees to that."""

import json
import os
import socket
import sys
from time import monotonic

import gevent
import pytest

from tests.support.peer import ROOM, masked
from tests.support.process import descendants
from tests.support.timing import MS, PATIENCE

WEBSOCKET_WORKER = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"
WAYS = {
    "gunicorn": ["gunicorn", "-k", "gevent", "wsgi:app"],
    "gevent-websocket's worker": ["gunicorn", "-k", WEBSOCKET_WORKER, "wsgi:app"],
    "gunicorn's threads": ["gunicorn", "-k", "gthread", "--threads", "4", "wsgi:app"],
    "python wsgi.py": [sys.executable, "wsgi.py"],
}
ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def files(server):
    pid = [server.pid, *descendants(server.pid)][-1]
    return len(os.listdir(f"/proc/{pid}/fd"))


def narrow(port):
    """A socket for which little finds space on this side."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    opened.connect(("127.0.0.1", port))
    return opened


def ask_until_stuck(opened):
    """Ask for more and more pages, and read none, until not even the questions are taken."""
    opened.setblocking(False)
    deadline = monotonic() + PATIENCE
    taken = monotonic()
    while monotonic() < min(deadline, taken + 300 * MS):
        try:
            opened.send(ASK * 1000)
            taken = monotonic()
        except BlockingIOError:
            gevent.sleep(5 * MS)


@pytest.mark.parametrize("way", WAYS)
def test_who_does_not_read_the_pages_it_asked_for_is_let_go_of(way, start, clients):
    server = start(WAYS[way], PIEHUB_STALL_TIMEOUT="1")
    peer = clients(server.url)
    peer.join()
    before = files(server)
    with narrow(server.port) as slow:
        ask_until_stuck(slow)
        assert files(server) > before
        with gevent.Timeout(3 * PATIENCE):
            while files(server) > before:
                gevent.sleep(20 * MS)
    peer.say("Data", payload="still here")
    assert peer.hear_type("Data")["payload"] == "still here"
    assert "Traceback" not in server.log


@pytest.mark.parametrize("way", ["gunicorn", "python wsgi.py"])
def test_a_client_that_reads_nothing_for_a_while_gets_all_of_it_later(way, start, clients):
    server = start(WAYS[way], PIEHUB_STALL_TIMEOUT="0.3")
    peer = clients(server.url)
    slow = clients.wire(server.url, handshake=False)
    slow.socket.close()
    slow.socket = narrow(server.port)
    slow.send(slow.request())
    slow.read_until(b"\r\n\r\n")
    join = {"type": "JoinRoom", "roomInfo": ROOM, "makeRoomIfNonExistant": True}
    slow.send(masked(1, json.dumps(join).encode()))
    while b"ResolvePromise" not in slow.frame()[1]:
        pass
    peer.join()
    for number in range(20):
        peer.say("Data", payload=[number, "x" * 10_000])
        peer.hear_type("Data")
    gevent.sleep(1)  # of which a page would be given a third
    heard = []
    while len(heard) < 20:
        message = json.loads(slow.frame()[1])
        heard += [message["payload"][0]] if message["type"] == "Data" else []
    assert heard == list(range(20))
