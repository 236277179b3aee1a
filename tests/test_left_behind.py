"""The tests' own watch over what tests leave behind."""

import os
import subprocess
import sys

import pytest

from tests.support.process import ROOT

LEAVES = {
    "greenlets": "gevent.spawn(gevent.sleep, 60)",
    "sockets": "kept.append(socket.create_server(('127.0.0.1', 0)))",
    "clients in a hub": "kept.append(Peer(service.start()))",
    "rooms": "service.peer(service.start()).join()",
}

SCRIPT = """
from tests.conftest import *
import socket

kept = []

def test_it(service):
    {statement}
"""


@pytest.mark.parametrize("what", LEAVES)
def test_a_test_fails_that_leaves_behind(what, tmp_path):
    script = tmp_path / "test_it.py"
    script.write_text(SCRIPT.format(statement=LEAVES[what]))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "no:cacheprovider", script],
        cwd=ROOT,
        env={**os.environ, "TESTS_MS": "0.1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 1 error" in ran.stdout, ran.stdout + ran.stderr
    assert f"the test left {what}" in ran.stdout
