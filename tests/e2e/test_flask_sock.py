"""Servers on which flask-sock makes the handshake, and wsproto reads the request once more."""

import re

import pytest

from tests.robustness.handshakes import LET_IN, REFUSED, head

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


@pytest.mark.parametrize("way", WAYS)
def test_the_host_is_the_clients_own_to_the_app_and_to_the_origin_check(way, start, clients):
    server = start([re.sub("^wsgi(:app)?$", "tests.e2e.apps:hosts()", each) for each in WAYS[way]])

    def ask(host, origin):
        wire = clients.wire(server.url, handshake=False)
        wire.send(head(f"Host: {host}", f"Origin: {origin}"))
        return wire.read_until(b"\r\n\r\n").split()[1]

    assert ask("xn--strae-oqa.de", "https://localhost") == b"403"
    assert ask("xn--strae-oqa.de", "https://xn--strae-oqa.de") == b"101"
    for when in ("at first", "inside"):
        server.wait_for_line(f"{when}: xn--strae-oqa.de xn--strae-oqa.de$")
