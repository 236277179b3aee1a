"""`flask pie bench`: against a hub in this process, and against one of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import gevent
import pytest

from piehub import signals
from piehub.commands import bench, load, own_hub, processor, target
from tests.commands.test_rooms import told
from tests.support.process import ROOT, children, send, state
from tests.support.timing import MS, PATIENCE

SMALL = ["--clients", "4", "--rooms", "2", "--seconds", "1"]
FIGURES = {
    "joins": 1234.5,
    "deliveries": 45678.9,
    "messages": 4567.8,
    "trips": 100,
    "p50": 0.00123,
    "p99": 0.0456,
    "load": {"used": 0.97, "waited": 0.02},
    "hub": {"used": 0.31, "waited": 0.25},
    "closed": {},
}


def http(url):
    return url.replace("ws://", "http://")


def test_a_hub_that_runs_is_measured(service, pie):
    url = http(service.start(room_cleanup_delay=0))
    ran = pie("bench", "--url", url, *SMALL, "--json")
    assert ran.exit_code == 0, ran.output
    figures = json.loads(ran.stdout)
    assert figures["closed"] == {}
    assert figures["joins"] > 0
    assert figures["messages"] > 4  # each has said more than one thing
    # Two in each room hear what either says; some are still under way at the end.
    assert figures["deliveries"] == pytest.approx(2 * figures["messages"], rel=0.1, abs=8)
    assert 0 < figures["p50"] <= figures["p99"] < 1
    assert figures["hub"] is None
    assert 0 < figures["load"]["used"] < 1.5


def test_by_itself_nobody_is_closed_for_its_rate(service, pie):
    url = http(service.start(room_cleanup_delay=0, rate_burst=60))
    ran = pie("bench", "--url", url, "--clients", "2", "--seconds", "2", "--json")
    figures = json.loads(ran.stdout)
    assert figures["closed"] == {}
    assert figures["messages"] <= 2 * 51


def test_who_is_closed_is_told_of(service, pie):
    url = http(service.start(room_cleanup_delay=0, rate_limit=5, rate_burst=5))
    ran = pie("bench", "--url", url, "--clients", "2", "--seconds", "1", "--rate", "0")
    assert ran.exit_code == 0, ran.output
    assert "closed      2 with 4429" in ran.stdout


def test_who_is_not_let_in_is_said_in_a_line(service, pie):
    url = http(service.start(max_clients=1, room_cleanup_delay=0))
    ran = pie("bench", "--url", url, *SMALL)
    assert ran.exit_code == 1
    assert "HTTP 503" in ran.stderr
    assert "Traceback" not in ran.output
    assert ran.stdout == ""


def test_a_join_that_is_refused_is_said_in_the_hubs_words(service, pie):
    url = http(service.start(max_members=1, room_cleanup_delay=0))
    ran = pie("bench", "--url", url, *SMALL)
    assert ran.exit_code == 1
    assert "Error: This room has 1 clients, as many as this hub allows in one" in ran.stderr


def test_the_progress_is_not_in_what_is_piped(service, pie):
    url = http(service.start(room_cleanup_delay=0))
    ran = pie("bench", "--url", url, *SMALL)
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("4 clients in 2 rooms, each with one message under way, 50 a second")
    assert [line.split()[0] for line in lines[1:]] == [
        "joins",
        "deliveries",
        "round",
        "processor",
        "limit",
    ]
    assert "4 clients in 2 rooms" in ran.stderr


def test_a_hub_of_its_own_is_started_measured_and_ended():
    ran = subprocess.run(
        [sys.executable, "-m", "piehub", "bench", *SMALL, "--json"],
        cwd=ROOT,
        env={**os.environ, "PORT": "1", "PIEHUB_RATE_LIMIT": "1", "GUNICORN_CMD_ARGS": "-w 2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    figures = json.loads(ran.stdout)
    assert figures["closed"] == {}
    assert figures["messages"] > 20
    assert figures["hub"]["used"] > 0
    address = urlsplit(figures["url"])
    assert address.hostname == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


def test_a_hub_of_its_own_ends_with_a_bench_that_is_killed():
    with subprocess.Popen(
        [sys.executable, "-m", "piehub", "bench", "--clients", "1", "--seconds", "60"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ran:
        assert b"1 clients in 1 rooms" in ran.stderr.readline()  # so the hub is there
        (hub,) = [
            child
            for child in children(ran.pid)
            if b"own_hub_conf" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
        started = [hub, *children(hub), *children(ran.pid)]
        ran.kill()
    try:
        with gevent.Timeout(4 * PATIENCE):
            while any(state(pid) not in "ZX" for pid in started):
                gevent.sleep(10 * MS)
    finally:
        for pid in started:
            send(pid, signal.SIGKILL)


def test_a_hub_of_its_own_is_for_this_machine_alone():
    with own_hub.running() as (url, _):
        port = urlsplit(url).port
        with pytest.raises(ConnectionRefusedError):  # who listens everywhere is there, too
            socket.create_connection(("127.0.0.2", port))


def test_a_hub_of_its_own_has_answered_before_it_is_measured(monkeypatch):
    """Else what it takes to start would count as time to join."""
    answers, fetch = [], own_hub.http.fetch

    def watched(*words):
        answers.append(fetch(*words))
        return answers[-1]

    monkeypatch.setattr(own_hub.http, "fetch", watched)
    with own_hub.running():
        assert answers[-1].status == 200


def test_its_rooms_are_hidden_and_its_own(service, pie):
    url, seen = service.start(room_cleanup_delay=0), set()

    def look(sender, client, room):
        seen.add((room.app, room.name, room.hidden))

    with signals.room_joined.connected_to(look):
        assert pie("bench", "--url", http(url), *SMALL).exit_code == 0
    assert {(app, hidden) for app, _, hidden in seen} == {("piehub-bench", True)}
    assert {len(name) for _, name, _ in seen} == {36}
    assert len(seen) == 2


@pytest.mark.parametrize("url", ["http://192.0.2.1", "ws://[2001:db8::1]:8080/ws", "no.invalid"])
def test_another_machine_is_not_touched_unless_that_is_said(url, pie, monkeypatch):
    def touch(*_):
        raise AssertionError("it went there")

    monkeypatch.setattr(bench, "_measure", touch)
    line = told(pie("bench", "--url", url))
    assert "is not this machine. This opens 100 connections to it and lets each speak at" in line
    assert "at most 50 times a second for 5 s" in line
    assert "say --yes" in line


def test_another_machine_is_measured_if_that_is_said(pie, monkeypatch):
    monkeypatch.setattr(bench, "_measure", lambda *_: FIGURES)
    assert pie("bench", "--url", "http://192.0.2.1", "--yes").exit_code == 0


def test_a_load_that_breaks_is_said_in_a_line(service, pie, monkeypatch):
    url = http(service.start(room_cleanup_delay=0))
    monkeypatch.setattr(target.Target, "websocket", lambda *_: "gopher://x")
    ran = pie("bench", "--url", url, *SMALL)
    assert ran.exit_code == 1
    assert "Error: gopher://x isn't a valid URI" in ran.stderr


def test_a_load_that_ends_by_itself_is_said_with_its_last_line(service, pie, monkeypatch):
    url = http(service.start(room_cleanup_delay=0))
    monkeypatch.setattr(bench.json, "dumps", lambda plan, **_: "{")
    ran = pie("bench", "--url", url, *SMALL)
    assert ran.exit_code == 1
    assert "Error: the load ended: json.decoder.JSONDecodeError: Expecting" in ran.stderr


def shown(**figures):
    return dict(bench._lines({**FIGURES, **figures}))


def test_figures_are_told_in_words():
    lines = shown()
    assert lines["joins"].startswith("1,234 a second")
    assert lines["deliveries"] == "45,679 a second"
    assert lines["round trip"] == "1.23 ms p50, 45.60 ms p99"
    assert lines["processor"] == (
        "the load 97% of a core; the hub 31% of a core, and waited for one 25% of the time"
    )
    assert "closed" not in lines


@pytest.mark.parametrize(
    ("load", "hub", "whose"),
    [
        (
            (0.97, 0.00),
            (0.31, 0.00),
            "the load, which is one process in Python: the hub can do more",
        ),
        ((0.40, 0.50), (0.31, 0.00), "the load, which"),
        ((0.97, 0.00), (0.99, 0.00), "the load, which"),
        ((0.97, 0.00), None, "the load, which"),
        ((0.50, 0.00), (0.99, 0.00), "the hub, which wanted a core for itself"),
        ((0.50, 0.00), (0.40, 0.50), "the hub, which"),
        ((0.50, 0.30), (0.50, 0.30), "neither"),
        ((0.50, 0.00), None, "neither"),
    ],
)
def test_what_the_limit_was_is_said(load, hub, whose):
    shares = [pair and dict(zip(("used", "waited"), pair, strict=True)) for pair in (load, hub)]
    assert shown(load=shares[0], hub=shares[1])["limit"].startswith(whose)


def test_without_an_echo_there_is_no_round_trip():
    assert shown(p50=None, p99=None)["round trip"] == "none: nothing came back"


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3.0], 0.99, 3.0), ([5, 1, 3], 0.5, 3), ([*range(101)], 0.99, 99)],
)
def test_quantiles_are_values_that_were_there(values, share, expected):
    assert load._quantile(values, share) == expected


def test_the_processor_of_a_process_is_that_of_its_children_too():
    spin = "x = sum(range(30_000_000)); print(x, flush=True); input()"
    command = f"{sys.executable} -c '{spin}'; true"
    with subprocess.Popen(
        ["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout.readline()
        assert processor.times(shell.pid).used > 0.1
        shell.communicate("\n")
    assert processor.times(shell.pid) is None
    assert processor.times(None) is None


def test_who_waits_for_a_core_is_seen_to():
    """Two on one core: each has it half of the time."""
    core = min(os.sched_getaffinity(0))
    spin = f"import os; os.sched_setaffinity(0, [{core}])\nprint(flush=True)\nwhile True: pass"
    spinning = [
        subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE) for _ in range(2)
    ]
    try:
        for each in spinning:
            each.stdout.readline()
        with gevent.Timeout(2 * PATIENCE):
            while min(processor.times(spinning[0].pid)) < 0.05:
                gevent.sleep(10 * MS)
    finally:
        for each in spinning:
            each.kill()
            each.communicate()
