"""gunicorn's options that a hub cannot live with, and how long each server waits for a head."""

import sys

import pytest


def gunicorn(*options):
    return ["gunicorn", "-k", "gevent", *options, "wsgi:app"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--preload"], "--preload loads the app before gevent has patched Python"),
        (["-k", "sync"], "a sync worker cannot hold many open sockets. Start gevent's (-k gevent)"),
        (["--workers", "2"], "2 workers would have rooms of their own each"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_no_hub_can_run_with_is_refused_with_a_sentence(options, reason, start):
    server = start(gunicorn(*options), ready=None)
    assert server.wait(timeout=20) != 0
    assert f"piehub: refusing to start: {reason}" in server.log
    assert "Traceback" not in server.log


def test_preload_is_let_be_where_gevent_has_patched_before(start, clients, tmp_path):
    config = tmp_path / "gunicorn.conf.py"
    config.write_text(
        "from gevent import monkey\nmonkey.patch_all()\nfrom piehub.serve.gunicorn_conf import *\n"
    )
    server = start(gunicorn("--preload", "-c", str(config)))
    assert clients(server.url).join()["type"] == "ResolvePromise"


def test_a_limit_of_requests_does_not_end_open_sockets(start, clients):
    server = start(gunicorn("--max-requests", "2"))
    server.wait_for_line(r"piehub: --max-requests is not used: a worker that ends takes its open")
    peer = clients(server.url)
    for _ in range(5):
        page = clients.wire(server.url, handshake=False)
        page.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert page.rest().startswith(b"HTTP/1.1 200")
    last = clients(server.url)
    server.wait_for_line(f"client opened id='{last.id}'")
    assert "Autorestarting" not in server.log
    assert peer.join()["type"] == "ResolvePromise"


@pytest.mark.parametrize(
    "command",
    [
        gunicorn(),
        gunicorn("--keep-alive", "0"),
        ["gunicorn", "-k", "geventwebsocket.gunicorn.workers.GeventWebSocketWorker", "wsgi:app"],
        [sys.executable, "wsgi.py"],
    ],
    ids=["gunicorn", "--keep-alive 0", "gevent-websocket's worker", "gevent alone"],
)
def test_who_does_not_come_to_the_end_of_its_head_is_closed(command, start, clients):
    server = start(command, PIEHUB_HEADER_TIMEOUT="1")
    peer = clients(server.url)
    silent = clients.wire(server.url, handshake=False)
    slow = clients.wire(server.url, handshake=False)
    slow.send(slow.request()[:-2])
    assert silent.rest() == b""
    assert slow.rest()[:13] in (b"", b"HTTP/1.1 400 ")
    assert peer.join()["type"] == "ResolvePromise"
    assert "Traceback" not in server.log
    if "--keep-alive" in command:
        assert "piehub: --keep-alive 0 is not used" in server.log


def test_gunicorns_own_patience_goes_before_the_hubs_if_it_is_set(start, clients):
    server = start(gunicorn("--keep-alive", "1"), PIEHUB_HEADER_TIMEOUT="3600")
    assert clients.wire(server.url, handshake=False).rest() == b""
