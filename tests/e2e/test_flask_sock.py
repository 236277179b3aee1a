"""Servers on which flask-sock makes the handshake, and wsproto reads the request once more."""

import pytest

from tests.robustness.handshakes import LET_IN, REFUSED

WAYS = {
    "gthread": ["gunicorn", "-k", "gthread", "--threads", "8", "wsgi:app"],
    "gevent's own server under gunicorn": ["gunicorn", "-k", "gevent_pywsgi", "wsgi:app"],
    "flask run": ["flask", "--app", "wsgi", "run", "--port", "{port}"],
}


@pytest.fixture(scope="module", params=WAYS)
def server(request, start_for_all):
    return start_for_all(WAYS[request.param])


def about_host(cases):
    return [case for case in cases if " Host" in case.name]


@pytest.mark.parametrize("case", about_host(REFUSED), ids=lambda case: case.name)
def test_a_host_that_is_none_is_refused_without_a_traceback(case, server, clients):
    since = len(server.lines)
    wire = clients.wire(server.url, handshake=False)
    wire.send(case.sent)
    assert wire.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    wire.read_until(case.text.encode())
    clients(server.url).close()
    assert "Traceback" not in "\n".join(server.lines[since:])


@pytest.mark.parametrize("case", about_host(LET_IN), ids=lambda case: case.name)
def test_a_host_that_is_odd_and_right_is_let_in(case, server, clients):
    wire = clients.wire(server.url, handshake=False)
    wire.send(case.sent)
    assert wire.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
