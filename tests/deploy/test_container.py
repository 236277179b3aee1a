"""The Dockerfile, without Docker: each step that can break unseen, taken as it is written."""

import json
import os
import re
import shutil
import subprocess
from contextlib import closing
from http.client import HTTPConnection

import pytest

from piehub.serve.address import DEFAULT_PORT
from tests.support.process import BIN, ROOT
from tests.support.timing import PATIENCE

TEXT = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
STEPS = [line.split(maxsplit=1) for line in TEXT.splitlines() if line and line[0] != "#"]
COPIED = [source for name, rest in STEPS if name == "COPY" for source in rest.split()[:-1]]


def step(name):
    """What stands behind the only step of this name."""
    (found,) = (rest for each, rest in STEPS if each == name)
    return found


def words(name):
    """The command of a step, which is to do without a shell."""
    return json.loads(step(name)[step(name).index("[") :])


def by_its_user(command):
    """The command, run by the image's user, who may read what root may here: Python may be in
    root's home. Who is not root is nobody already."""
    if os.geteuid():
        return command
    uid, gid = step("USER").split(":")
    may = [f"--{caps}-caps=-all,+dac_read_search" for caps in ("inh", "ambient")]
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *may, *command]


def is_healthy(server):
    checked = subprocess.run(
        words("HEALTHCHECK"),
        env={
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PORT": str(server.port),
            "http_proxy": "http://127.0.0.1:1",  # which is for what is outside
        },
        timeout=3 * PATIENCE,
        check=False,
    )
    return checked.returncode == 0


@pytest.fixture
def folder(tmp_path):
    """What the image has of this one, and nobody may write to."""
    for source in COPIED:
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, tmp_path / source)
    everything = [tmp_path, *tmp_path.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield tmp_path
    for path in everything:
        path.chmod(0o755)


def test_what_is_copied_is_there_and_is_all_that_the_builder_is_given():
    assert [source for source in COPIED if not (ROOT / source).exists()] == []
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    first, *others = [line for line in lines if not line.startswith("#")]
    assert first == "*"
    assert {line[1:] for line in others if line.startswith("!")} == set(COPIED)


def test_the_port_that_it_has_if_nobody_says_is_the_hubs():
    assert step("EXPOSE") == str(DEFAULT_PORT)
    assert f"os.environ.get('PORT') or {DEFAULT_PORT})" in step("HEALTHCHECK")


def test_composes_hub_believes_those_alone_with_whom_it_shares_a_network():
    compose = (ROOT / "compose.yaml").read_text()
    (network,) = re.findall(r"subnet: (\S+)", compose)
    assert re.findall(r"PIEHUB_TRUSTED_PROXIES: (\S+)", compose) == [network]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv here")
def test_its_user_runs_the_hub_from_a_folder_that_it_cannot_write_to(folder, start, clients):
    may_write = subprocess.run(by_its_user(["test", "-w", str(folder / "wsgi.py")]), check=False)
    assert may_write.returncode == 1
    name, _, value = step("ENV").partition("=")
    environment = {name: value.strip('"'), "PYTHONPATH": "", "PIEHUB_MAX_CLIENTS": "100"}
    server = start(by_its_user(words("CMD")), cwd=folder, **environment)
    peers = [clients(server.url) for _ in range(2)]
    for peer in peers:
        assert peer.join()["type"] == "ResolvePromise"
    assert is_healthy(server)
    server.terminate()
    assert [peer.close_code() for peer in peers] == [1012] * 2
    assert server.wait(timeout=10) == 0
    for fault in ("warning", "error", "traceback"):
        assert fault not in server.log.lower()


def test_its_health_check_passes_while_the_hub_serves(start):
    server = start(["gunicorn", "-k", "gevent", "tests.e2e.apps:leaving()"])
    assert is_healthy(server)
    with closing(HTTPConnection("127.0.0.1", server.port)) as connection:
        connection.request("GET", "/drain")
        assert connection.getresponse().read() == b"draining"
    assert not is_healthy(server)
    server.terminate()
    server.wait(timeout=10)
    assert not is_healthy(server)
