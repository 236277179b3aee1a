"""One core for the servers, one for the load, so that neither is in the other's way."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

# Ends by itself when the benchmark is gone, however that ended.
SPIN = """
import os
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@cache  # what is allowed changes as soon as one is chosen
def _cores() -> tuple[int, int]:
    """The cores for the server that is measured, and for the load and this process."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("The benchmarks need two cores: one for the server and one for the load.")
    return cores[0], cores[1]


def settle_here() -> None:
    """Keep this process, and what it starts, off the server's core, and let all have many files."""
    _, for_the_load = _cores()
    os.sched_setaffinity(0, {for_the_load})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def on_server_core() -> Iterator[None]:
    """What is started in this block stays on the server's core."""
    for_servers, for_the_load = _cores()
    os.sched_setaffinity(0, {for_servers})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {for_the_load})


@contextlib.contextmanager
def server_core_awake() -> Iterator[int]:
    """Keep the server's core from falling asleep: what runs at SCHED_IDLE gives way at once to
    anything else, and a virtual core that sleeps takes up to milliseconds to wake.

    Yields the pid of what does it. It takes all the time that nobody else wants, so what neither it
    nor the server had was taken by somebody who has no part in this.
    """
    with on_server_core():
        spinner = subprocess.Popen([sys.executable, "-c", SPIN])
    try:
        yield spinner.pid
    finally:
        spinner.kill()
        spinner.wait()
