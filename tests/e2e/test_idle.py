"""Clients that only wait."""

import os
import resource
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.peer import Wire
from tests.support.process import descendants

IDLE_BYTES = 10_000


@pytest.fixture
def many_files():
    """Let this process have as many sockets as the test needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_idle_client_takes_less_than_ten_kilobytes(start, many_files):
    server = start()
    with ExitStack() as clients:
        connect(server.url, clients, 300)  # what the first ones bring about is not each one's cost
        (worker,) = descendants(server.pid)
        before = resident(worker)
        connect(server.url, clients, 1000)
        each = (resident(worker) - before) / 1000
    assert 0 < each < IDLE_BYTES


def connect(url, clients, count):
    for _ in range(count):
        client = Wire(url)
        clients.callback(client.close)
        client.read_until(b"ServerAssignedData")


def resident(process):
    """Memory of a process, in bytes."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
