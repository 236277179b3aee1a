"""Runs the load, a C program on a core of its own, and reads what the server used meanwhile."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import process
from benchmarks.folders import BUILD, LOAD
from benchmarks.results import Figures
from benchmarks.servers import Server

PROGRAM = BUILD / "load"
TIME_IS_UP = 2  # the load's exit status
SHORTEST = 0.1  # seconds over which shares of a core are told
SLACK = 30  # seconds over what the load itself allows, after which it is ended


class Broken(Exception):
    """The hub lost, doubled, changed or mixed up a message, refused a client, or hung up."""


class TooSlow(Exception):
    """The clients were not in before the time was over."""


def compile_load() -> None:
    """Build the load, unless it is newer than its source."""
    sources = sorted(LOAD.glob("*.[ch]"))
    if PROGRAM.exists() and PROGRAM.stat().st_mtime > max(one.stat().st_mtime for one in sources):
        return
    if not shutil.which("cc"):
        sys.exit("The load is written in C: a C compiler is needed (apt install gcc libc6-dev).")
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    units = [str(one) for one in sources if one.suffix == ".c"]
    subprocess.run(["cc", "-O2", "-o", str(PROGRAM), *units], check=True)


def drive(
    server: Server,
    clients: int,
    rooms: int,
    mode: str,
    *steps: str,
    patience: float,
    seconds: float = 0,
    **options: float,
) -> Figures:
    """One run of the load; patience: seconds for the clients to get in.

    Returns the load's own figures, and for the time between its "measuring" and "measured":
    `server_cpu` (cores), `taken` (the share of a core that others had, where that can be told), and
    `memory` of the server (bytes) at the end.
    """
    command = [
        *(str(PROGRAM), str(server.port), str(clients), str(rooms), mode),
        *(f"path={server.kind.talk.path}", *steps),
        *(f"patience={patience}", f"seconds={seconds}"),
        *(f"{name}={value}" for name, value in options.items()),
    ]
    load = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with _ended_after(load, 3 * patience + seconds + SLACK):
        figures = _watch(load, server)
        complaint = load.stderr.read().strip().removeprefix("load: ")
    if load.returncode == TIME_IS_UP:
        raise TooSlow(complaint)
    if load.returncode:
        raise Broken(complaint or f"the load ended with {load.returncode}")
    return figures


def _watch(load: subprocess.Popen[str], server: Server) -> Figures:
    figures: Figures = {}
    began = cpu = spare = 0.0
    for line in load.stdout:
        if line == "measuring\n":
            spare, cpu = process.cpu_seconds(server.spinner), process.cpu_seconds(server.pid)
            began = time.monotonic()
        elif line == "measured\n":
            took = time.monotonic() - began
            cpu = process.cpu_seconds(server.pid) - cpu
            spare = process.cpu_seconds(server.spinner) - spare
            if took > SHORTEST:
                figures["server_cpu"] = cpu / took
                figures["taken"] = 1 - (cpu + spare) / took
            figures["memory"] = process.memory(server.pid)
        else:
            told = json.loads(line)
            figures |= told.pop("latency_us", {}) | told
    load.wait()
    return figures


@contextmanager
def _ended_after(load: subprocess.Popen[str], seconds: float) -> Iterator[None]:
    alarm = threading.Timer(seconds, load.kill)
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()
        load.kill()  # which does nothing to one that has ended
        load.wait()
