"""gevent's own server with gevent-websocket, which answers a handshake before the app is called."""

import re
import sys

import pytest

from tests.robustness.handshakes import REFUSED, Handshake, first, head

WEBSOCKET_WORKER = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"

WAYS = {
    "gevent-websocket's worker": ["gunicorn", "-k", WEBSOCKET_WORKER, "wsgi:app"],
    "gevent alone": [sys.executable, "wsgi.py"],
}

# What this server answers by itself, or closes only after it has become a WebSocket.
ITS_OWN = re.compile("an id |another path|a path |Socket.IO's upgrade")
CASES = [case for case in REFUSED if not ITS_OWN.match(case.name)]
UNREADABLE = [
    Handshake("HTTP/2.0", first("GET / HTTP/2.0"), 400, ""),
    Handshake("no HTTP", b"hello\r\n\r\n", 400, ""),
    Handshake("101 lines", head(*(f"X-{n}: x" for n in range(96))), 400, ""),
]


@pytest.fixture(scope="module", params=WAYS)
def server(request, start_for_all):
    return start_for_all(WAYS[request.param], PIEHUB_HEADER_TIMEOUT="1")


@pytest.mark.parametrize("case", [*CASES, *UNREADABLE], ids=lambda case: case.name)
def test_what_is_no_handshake_is_refused_without_a_traceback(case, server, clients):
    since = len(server.lines)
    wire = clients.wire(server.url, handshake=False)
    wire.send(case.sent)
    answer = wire.read_until(b"\r\n\r\n").decode()
    length = re.search(r"content-length: (\d+)", answer, re.IGNORECASE)
    body = wire.take(int(length[1])).decode()
    assert (int(answer.split()[1]), case.text in body) == (case.status, True), body
    assert clients(server.url).join()["type"] == "ResolvePromise"
    assert "Traceback" not in "\n".join(server.lines[since:])
