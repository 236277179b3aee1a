"""The unit for systemd: what it starts, as it is written, and what it allows that."""

import shlex
import shutil
import socket
import subprocess
import sys
from configparser import ConfigParser
from contextlib import closing

import pytest

from tests.support.process import BIN, ROOT, free_port
from tests.support.timing import PATIENCE

TEXT = (ROOT / "deploy" / "piehub.service").read_text()
LONGEST = 10  # seconds until a hub that is told to end has ended


def service(text=TEXT):
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(text)
    return unit["Service"]


def ours(port):
    """Its command, of this hub and on this port."""
    bind, installed = "127.0.0.1:8080", "/opt/piehub/bin/"
    command = service()["ExecStart"]
    assert bind in command
    assert command.startswith(installed)
    return shlex.split(command.replace(bind, f"127.0.0.1:{port}").replace(installed, f"{BIN}/"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_it(tmp_path):
    unit = tmp_path / "piehub.service"
    unit.write_text(TEXT.replace("/opt/piehub/bin/gunicorn", sys.executable))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_what_it_starts_says_that_it_is_ready_and_ends_in_time(start, clients, tmp_path):
    port, said = free_port(), str(tmp_path / "notify")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(said)
        systemd.settimeout(3 * PATIENCE)
        server = start(ours(port), port=port, cwd=tmp_path, NOTIFY_SOCKET=said)
        assert systemd.recv(4096).startswith(b"READY=1\n")
    peers = [clients(server.url) for _ in range(2)]
    assert peers[0].join()["type"] == "ResolvePromise"
    with pytest.raises(ConnectionRefusedError):  # nobody from outside comes past the proxy
        socket.create_connection(("127.0.0.2", port))
    server.terminate()
    assert [peer.close_code() for peer in peers] == [1012] * 2
    assert server.wait(timeout=LONGEST) == 0
    assert int(service()["TimeoutStopSec"]) > LONGEST


@pytest.mark.parametrize(
    "wrong", [{"PIEHUB_PING_INTERVAL": "soon"}, {"PIEHUB_HOST_APP": "nosuch:X"}]
)
def test_a_hub_that_cannot_start_is_not_started_again_and_again(wrong, start, tmp_path):
    port = free_port()
    server = start(ours(port), port=port, cwd=tmp_path, ready=None, **wrong)
    status = server.wait(timeout=3 * PATIENCE)
    assert str(status) in service()["RestartPreventExitStatus"].split()


def test_it_leaves_files_for_as_many_clients_as_there_may_be(start, tmp_path):
    port = free_port()
    few = ["sh", "-c", f"ulimit -n 128 && exec {shlex.join(ours(port))}"]
    enough = start(few, port=port, cwd=tmp_path).wait_for_line(r"Raise the limit to (\d+) ")[1]
    assert int(service()["LimitNOFILE"]) >= int(enough)
