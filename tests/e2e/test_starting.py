"""Every way to start the hub, for real, with the protocol's scenarios replayed against it."""

import shlex
import socket
import subprocess
import sys

import pytest

from tests.support.process import ROOT, free_port

WEBSOCKET_WORKER = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"

WAYS = {
    "gunicorn": ["gunicorn", "-k", "gevent", "wsgi:app"],
    "Procfile": ["honcho", "start"],
    "python -m piehub": [sys.executable, "-m", "piehub", "--port", "{port}"],
    "gevent-websocket's worker": ["gunicorn", "-k", WEBSOCKET_WORKER, "wsgi:app"],
    "python wsgi.py": [sys.executable, "wsgi.py"],
    "flask run": ["flask", "--app", "wsgi", "run", "--port", "{port}"],
}


def replay(url):
    conformance = ROOT / "tests" / "conformance"
    scenarios = sorted(map(str, (conformance / "scenarios").glob("*.json")))
    assert scenarios
    return subprocess.run(
        [sys.executable, conformance / "replay.py", "--parallel", "8", url, *scenarios],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("way", WAYS)
def test_the_hub_speaks_the_protocol_started_by(way, start, tmp_path):
    from_anywhere = way == "python -m piehub"
    server = start(WAYS[way], cwd=tmp_path if from_anywhere else ROOT)
    played = replay(server.url)
    assert played.returncode == 0, played.stdout + played.stderr + server.log
    assert "Traceback" not in server.log


def test_gunicorn_with_two_workers_is_refused_and_pointed_to_redis(start):
    server = start(["gunicorn", "-k", "gevent", "--workers", "2", "wsgi:app"], ready=None)
    assert server.wait(timeout=10) != 0
    assert "refusing to start: 2 workers would have rooms of their own each" in server.log
    assert "Redis" in server.log


def test_one_worker_starts_whatever_web_concurrency_says(start, clients):
    server = start(WEB_CONCURRENCY="3")
    server.wait_for_line("one worker, although WEB_CONCURRENCY is 3")
    clients(server.url)
    assert server.log.count("Booting worker") == 1


def test_a_port_that_is_none_is_named(start):
    server = start(PORT="many", ready=None)
    assert server.wait(timeout=10) != 0
    assert "PORT is 'many'; it must be a number from 1 to 65535" in server.log
    assert "Traceback" not in server.log


def test_a_number_of_workers_that_is_none_is_named(start):
    server = start(WAYS["python -m piehub"], WEB_CONCURRENCY="x", ready=None)
    assert server.wait(timeout=10) != 0
    assert server.log == "piehub: refusing to start: WEB_CONCURRENCY is 'x'; it must be 1"


def test_a_wrong_setting_is_named_with_its_value_and_what_would_do(start):
    server = start(PIEHUB_PING_INTERVAL="soon", ready=None)
    assert server.wait(timeout=20) != 0
    assert "refusing to start: PIEHUB_PING_INTERVAL is 'soon'; it must be 0, or a" in server.log
    assert "Traceback" not in server.log
    assert "Exception during worker exit" not in server.log


@pytest.mark.parametrize(
    "way", ["gunicorn", "python -m piehub", "gevent-websocket's worker", "python wsgi.py"]
)
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PIEHUB_MAX_CLIENTS", "x", "PIEHUB_MAX_CLIENTS is 'x'; it must be"),
        ("PIEHUB_MAX_CLIENT", "5", "PIEHUB_MAX_CLIENT is no setting of piehub; did you mean PIE"),
        ("PIEHUB_HOST_APP", "nosuch:X", "PIEHUB_HOST_APP: "),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_once(way, name, value, reason, start):
    server = start(WAYS[way], ready=None, **{name: value})
    assert server.wait(timeout=20) != 0
    assert server.log.count(f"piehub: refusing to start: {reason}") == 1
    assert "Traceback" not in server.log
    assert "Exception during worker exit" not in server.log


ROOMY = "piehub:create_app(PIEHUB_OUTBOX_BYTES=4194304)"


@pytest.mark.parametrize("worker", ["gevent", "gthread"])
def test_an_app_may_set_what_makes_the_environment_right(worker, start, clients):
    command = ["gunicorn", "-k", worker, "--threads", "4", ROOMY]
    assert clients(start(command, PIEHUB_MAX_MEMBERS="10000").url).id


@pytest.mark.parametrize("worker", ["gevent", "gthread"])
def test_settings_that_do_not_go_together_are_said_in_a_line(worker, start):
    command = ["gunicorn", "-k", worker, "--threads", "4", ROOMY]
    server = start(command, ready=None, PIEHUB_MAX_MEMBERS="100000")
    assert server.wait(timeout=20) != 0
    assert server.log.count("piehub: refusing to start: PIEHUB_OUTBOX_BYTES is 4194304; it ") == 1
    assert server.log.count("PIEHUB_") == 2
    assert "Traceback" not in server.log
    assert "Exception" not in server.log


def test_the_module_takes_its_port_from_the_environment_too(start, clients, tmp_path):
    port = free_port()
    server = start([sys.executable, "-m", "piehub"], port=port, cwd=tmp_path)
    assert clients(server.url).id


def test_a_port_that_is_taken_is_named_without_a_traceback(start):
    first = start(WAYS["python wsgi.py"])
    second = start(WAYS["python wsgi.py"], port=first.port, ready=None)
    assert second.wait(timeout=10) == 1
    assert f"cannot listen on port {first.port}: Address already in use" in second.log
    assert "Traceback" not in second.log


def test_a_server_that_is_ended_listens_no_more(start):
    """Not even honcho's child, which has a session of its own."""
    server = start(WAYS["Procfile"])
    server.kill()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


@pytest.mark.parametrize("way", ["gunicorn", "python wsgi.py"])
def test_a_shells_low_limit_of_open_files_does_not_limit_the_clients(way, start, clients):
    server = start(["sh", "-c", f"ulimit -Sn 64 && exec {shlex.join(WAYS[way])}"])
    assert len({clients(server.url).id for _ in range(70)}) == 70
