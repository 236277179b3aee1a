"""gunicorn's options that a hub cannot live with, and how long each server waits for a head."""

import os
import signal
import sys

import gevent
import pytest

from tests.support.process import descendants, free_port
from tests.support.timing import MS, PATIENCE


def gunicorn(*options):
    return ["gunicorn", "-k", "gevent", *options, "wsgi:app"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--preload"], "--preload loads the app before gevent has patched Python"),
        (["-k", "gthread", "--threads", "4", "--preload"], "--preload makes the hub once, before"),
        (["-k", "sync"], "a sync worker cannot hold many open sockets. Start gevent's (-k gevent)"),
        (["-k", "gunicorn.workers.sync.SyncWorker"], "a gunicorn.workers.sync.SyncWorker worker"),
        (["-k", "gthread"], "each client takes a thread of a gthread worker, and --threads is 1."),
        (["--workers", "2"], "2 workers would have rooms of their own each"),
        (["--workers", "0"], "0 workers serve nobody"),
        (["--worker-connections", "0"], "with --worker-connections 0 nobody comes in"),
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


def test_a_signal_for_more_workers_starts_none(start, clients):
    server = start()
    os.kill(server.pid, signal.SIGTTIN)
    server.wait_for_line("piehub: still one worker: rooms live in its memory.")
    peers = [clients(server.url) for _ in range(10)]
    assert {peer.join()["type"] for peer in peers} == {"ResolvePromise"}
    peers[0].say("Data", payload="to all")
    assert {peer.hear_type("Data")["payload"] for peer in peers} == {"to all"}
    assert server.log.count("Booting worker") == 1


def test_a_signal_for_a_second_server_starts_none(start, clients):
    server = start()
    peer = clients(server.url)
    workers = descendants(server.pid)
    for _ in range(2):
        since = len(server.lines)
        os.kill(server.pid, signal.SIGUSR2)
        server.wait_for_line("piehub: no second server beside this one: it would have", since=since)
        with gevent.Timeout(PATIENCE):
            while descendants(server.pid) != workers:
                gevent.sleep(MS)
    others = [clients(server.url) for _ in range(10)]
    assert {each.join()["type"] for each in (peer, *others)} == {"ResolvePromise"}
    peer.say("Data", payload="to all")
    assert {each.hear_type("Data")["payload"] for each in others} == {"to all"}
    assert server.log.count("Booting worker") == 1
    server.terminate()
    assert peer.close_code() == 1012
    assert server.wait(timeout=12) == 0


def test_a_new_configuration_that_no_hub_can_run_with_is_not_taken(start, clients, tmp_path):
    config = tmp_path / "gunicorn.conf.py"
    config.write_text("from piehub.serve.gunicorn_conf import *\n")
    server = start(["gunicorn", "-k", "gevent", "-c", str(config), "wsgi:app"])
    peer = clients(server.url)
    config.write_text("from piehub.serve.gunicorn_conf import *\nworkers = 2\n")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_line("piehub: going on with the configuration from before: 2 workers would")
    assert peer.close_code() == 1012
    server.wait_for_line("Worker exiting")
    assert clients(server.url).join()["type"] == "ResolvePromise"
    assert server.log.count("Booting worker") == 2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("raw_env = ['PIEHUB_MAX_CLIENTS=1', 'PIEHUB_PING_INTERVAL=soon']", "PIEHUB_PING_INTERVAL"),
        ("raw_env = ['PIEHUB_MAX_CLIENTS=1']\nworkers = 2", "2 workers would"),
    ],
    ids=["a wrong setting", "two workers"],
)
def test_of_a_configuration_that_is_not_taken_nothing_is(wrong, reason, start, clients, tmp_path):
    config = tmp_path / "gunicorn.conf.py"
    as_it_is = "from piehub.serve.gunicorn_conf import *\n"
    config.write_text(as_it_is + "raw_env = ['PIEHUB_ALLOW_STATS=no']\n")
    server = start(["gunicorn", "-k", "gevent", "-c", str(config), "wsgi:app"])
    peer, elsewhere = clients(server.url), free_port()
    config.write_text(f"{as_it_is}bind = '127.0.0.1:{elsewhere}'\n{wrong}\n")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_line(f"piehub: going on with the configuration from before: {reason}")
    assert peer.close_code() == 1012
    server.wait_for_line("Worker exiting")
    first, second = clients(server.url), clients(server.url)
    second.say("GetStats")
    assert "err" in second.hear_type("GetStats")["stats"]
    with pytest.raises(ConnectionRefusedError):
        clients(f"ws://127.0.0.1:{elsewhere}")
    since = len(server.lines)
    config.write_text(f"{as_it_is}raw_env = ['PIEHUB_MAX_CLIENTS=1']\n")
    os.kill(server.pid, signal.SIGHUP)
    assert {first.close_code(), second.close_code()} == {1012}
    server.wait_for_line("Worker exiting", since=since)
    assert clients(server.url).join()["type"] == "ResolvePromise"
    assert "Traceback" not in server.log


def test_an_app_may_have_its_own_hook_for_reloads(start, clients, tmp_path):
    config = tmp_path / "gunicorn.conf.py"
    as_it_is = "from piehub.serve.gunicorn_conf import *\ndef on_reload(server): pass\n"
    config.write_text(as_it_is)
    server = start(["gunicorn", "-k", "gevent", "-c", str(config), "wsgi:app"])

    def reload(text, peer):
        since = len(server.lines)
        config.write_text(as_it_is + text)
        os.kill(server.pid, signal.SIGHUP)
        assert peer.close_code() == 1012
        server.wait_for_line("Worker exiting", since=since)
        return clients(server.url)

    peer = reload(
        "raw_env = ['PIEHUB_ALLOW_STATS=no']\ngraceful_timeout = 1\n", clients(server.url)
    )
    server.wait_for_line("piehub: --graceful-timeout 1 is not used")
    os.kill(server.pid, signal.SIGTTIN)
    server.wait_for_line("piehub: still one worker: rooms live in its memory.")
    assert peer.join()["type"] == "ResolvePromise"
    peer = reload("workers = 2\n", peer)
    server.wait_for_line("piehub: going on with the configuration from before: 2 workers would")
    peer.say("GetStats")
    assert "err" in peer.hear_type("GetStats")["stats"]
    assert server.log.count("Booting worker") == 3
    assert server.log.count("piehub: still one worker") == 1


def test_a_hang_up_of_the_worker_alone_takes_leave_too(start, clients):
    server = start()
    peer = clients(server.url)
    (worker,) = descendants(server.pid)
    os.kill(worker, signal.SIGHUP)
    assert peer.close_code() == 1012
    assert "Traceback" not in server.log


def test_a_server_in_a_hurry_still_takes_leave(start, clients):
    server = start(gunicorn("--graceful-timeout", "0"))
    server.wait_for_line(
        "piehub: --graceful-timeout 0 is not used: to take leave of all clients takes 8 s"
    )
    peers = [clients(server.url) for _ in range(3)]
    server.terminate()
    assert [peer.close_code() for peer in peers] == [1012] * 3
    assert server.wait(timeout=12) == 0


def test_who_finds_no_thread_is_told_so(start, clients):
    server = start(["gunicorn", "-k", "gthread", "--threads", "4", "wsgi:app"])
    server.wait_for_line("piehub: with 4 threads, 3 clients find space: .* its request's head")
    peers = [clients(server.url) for _ in range(3)]
    late = clients.wire(server.url, handshake=False)
    late.send(late.request())
    assert late.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 503 ")
    assert peers[0].join()["type"] == "ResolvePromise"


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
