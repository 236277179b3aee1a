"""A hub of our own, on this machine alone, for as long as it is needed."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

from click import ClickException

from piehub.commands import http, target

_TO_START = 20.0  # seconds
_TO_STOP = 15.0
_THEIRS = ("PIEHUB_", "GUNICORN_CMD_ARGS", "WEB_CONCURRENCY")


@contextmanager
def running() -> Iterator[tuple[str, int]]:
    """Its URL, and its process's id. Raises ClickException if it does not start.

    It is as `python -m piehub` starts one, with settings as they are by themselves, but for the
    rates, which would be measured instead of the hub.
    """
    address = f"127.0.0.1:{_free_port()}"
    url = f"http://{address}"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(_THEIRS)
    }
    hub = subprocess.Popen(  # noqa: S603, ourselves
        [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            "python:piehub.commands.own_hub_conf",
            "--bind",
            address,
            "piehub:create_app()",
        ],
        env={
            **environment,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PIEHUB_RATE_LIMIT": "0",
            "PIEHUB_ROOM_RATE": "0",
            "PIEHUB_SECRET_KEY": secrets.token_hex(32),
            "PIEHUB_LOG_LEVEL": "WARNING",
        },
        stdin=subprocess.PIPE,  # which ends with us, and it with that
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(hub, url)
        yield url, hub.pid
    finally:
        hub.terminate()
        assert hub.stdin is not None
        hub.stdin.close()
        try:
            hub.wait(_TO_STOP)
        except subprocess.TimeoutExpired:
            hub.kill()
            hub.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(hub: subprocess.Popen[bytes], url: str) -> None:
    """Until it serves: gunicorn listens long before, and who comes then waits for that."""
    deadline = monotonic() + _TO_START
    while hub.poll() is None and monotonic() < deadline:
        with suppress(http.Unreachable):
            if http.fetch(target.read(url), f"{url}/healthz").status == 200:
                return
        sleep(0.05)
    raise ClickException(
        "a hub of its own does not start here; start one, and give --url http://127.0.0.1:8080"
    )
