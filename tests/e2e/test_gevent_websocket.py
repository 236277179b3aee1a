"""gevent's own server with gevent-websocket, which answers a handshake before the app is called."""

import re
import sys

import pytest

from tests.robustness.handshakes import LET_IN, REFUSED, Handshake, first, head

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


IN_CHUNKS = b"POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module", params=WAYS)
def server(request, start_for_all):
    return start_for_all(WAYS[request.param], PIEHUB_HEADER_TIMEOUT="1")


@pytest.fixture(scope="module")
def reading_server(start_for_all):
    command = ["gunicorn", "-k", WEBSOCKET_WORKER, "tests.e2e.apps:reading()"]
    return start_for_all(command, PIEHUB_HEADER_TIMEOUT="1")


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


@pytest.mark.parametrize(
    "case", [case for case in LET_IN if " Host" in case.name], ids=lambda case: case.name
)
def test_a_host_that_is_odd_and_right_is_let_in(case, server, clients):
    wire = clients.wire(server.url, handshake=False)
    wire.send(case.sent)
    assert wire.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")


def test_who_does_not_send_the_body_it_spoke_of_is_closed(server, clients):
    lengths = [b"Content-Length: 9\r\n\r\n", b"Content-Length: 9\r\n\r\nhe"]
    chunks = [b"Transfer-Encoding: chunked\r\n\r\n" + sent for sent in (b"", b"9\r\nhe", b"\r\n")]
    since, waiting = len(server.lines), []
    for line in (b"POST / HTTP/1.1", b"GET / HTTP/1.1", b"GET /healthz HTTP/1.1"):
        for body in lengths + chunks:
            waiting.append(clients.wire(server.url, handshake=False))
            waiting[-1].send(line + b"\r\nHost: localhost\r\n" + body)
    for wire in waiting:
        assert wire.rest().startswith(b"HTTP/1.1 ")
    assert "Traceback" not in "\n".join(server.lines[since:])


def test_what_comes_behind_a_body_that_nobody_read_is_read(server, clients):
    wire = clients.wire(server.url, handshake=False)
    wire.send(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
    wire.send(NEXT)
    answers = wire.rest()
    assert answers.startswith(b"HTTP/1.1 405 ")
    assert b"HTTP/1.1 200 OK" in answers


@pytest.mark.parametrize("size", [b"five", b"", b"\r\n", b";", b"1" * 17], ids=repr)
def test_what_comes_behind_a_body_that_cannot_be_read_is_no_request(size, server, clients):
    since = len(server.lines)
    wire = clients.wire(server.url, handshake=False)
    wire.send(IN_CHUNKS % b"/healthz" + size + b"\r\n" + NEXT)
    answers = wire.rest()
    assert answers.startswith(b"HTTP/1.1 405 ")
    assert answers.count(b"HTTP/1.1 ") == 1
    assert "Traceback" not in "\n".join(server.lines[since:])


@pytest.mark.parametrize("size", [b"five", b"", b"\r\n"], ids=repr)
def test_a_view_that_reads_a_body_that_cannot_be_read_answers_400(size, reading_server, clients):
    wire = clients.wire(reading_server.url, handshake=False)
    wire.send(IN_CHUNKS % b"/say" + size + b"\r\n" + NEXT)
    answers = wire.rest()
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1 ") == 1
    assert "Traceback" not in reading_server.log


def test_a_view_reads_a_body_in_chunks(reading_server, clients):
    wire = clients.wire(reading_server.url, handshake=False)
    wire.send(IN_CHUNKS % b"/say" + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" + NEXT)
    answers = wire.rest()
    assert b"\r\n\r\nhello" in answers
    assert b"HTTP/1.1 200 OK" in answers[1:]
