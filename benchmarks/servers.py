"""The servers, each as its user would start it: on a free port, on a core of its own."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from benchmarks import cores, process
from benchmarks.folders import BIN, BUILD, PEERS, ROOT
from benchmarks.talk import SOCKET_IO, WEBSOCKETPIE, Talk

PATIENCE = 20  # seconds for a server to answer, or to end
BUN = PEERS / "node_modules" / ".bin" / "bun"


class Kind(NamedTuple):
    """A server that can be started. `lacks` says what is missing for that, or nothing."""

    key: str
    title: str
    command: tuple[str, ...]
    folder: Path
    talk: Talk
    lacks: Callable[[], str]
    environment: dict[str, str] = {}  # noqa: RUF012, nobody writes to it


class Server(NamedTuple):
    """One that runs. pid: of the process that serves, which under gunicorn is the worker.
    spinner: of what keeps its core awake."""

    kind: Kind
    port: int
    pid: int
    spinner: int


def _lacks_nothing() -> str:
    return ""


def _lacks_bun() -> str:
    return "" if BUN.exists() else "needs `npm install` in benchmarks/peers"


def _lacks_node() -> str:
    if not shutil.which("node"):
        return "needs Node"
    installed = (PEERS / "node_modules" / "@websocketpie" / "server").exists()
    return "" if installed else "needs `npm install` in benchmarks/peers"


def _lacks_socketio() -> str:
    return "" if find_spec("flask_socketio") else "needs benchmarks/requirements.txt"


def _gunicorn(worker: str, app: str, *options: str) -> tuple[str, ...]:
    return (str(BIN / "gunicorn"), "-k", worker, *options, app)


# gunicorn would else take 1000 clients at most.
MANY = ("-w", "1", "--worker-connections", "21000")
GEVENT_WEBSOCKET = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"

PIEHUB = Kind(
    "piehub",
    "piehub",
    _gunicorn("gevent", "wsgi:app"),
    ROOT,
    WEBSOCKETPIE,
    _lacks_nothing,
    {
        "PIEHUB_RATE_LIMIT": "0",
        "PIEHUB_ROOM_RATE": "0",
        "PIEHUB_SECRET_KEY": "for benchmarks",
        "PIEHUB_COMPRESSION": "1",  # for those who offer it, in the rows that say so
    },
)
ORIGINAL = Kind(
    "original",
    "WebsocketPie on Bun",
    (str(BUN), "original_bun.mjs"),
    PEERS,
    WEBSOCKETPIE,
    _lacks_bun,
    # It would else print a line or two for every message, and be measured at that.
    {"quiet": "yes"},
)
LOGGING = ORIGINAL._replace(
    key="logging", title="WebsocketPie on Bun, logging as it comes", environment={}
)
PUBLISH = Kind(
    "publish", "Bun publish", (str(BUN), "bun_publish.mjs"), PEERS, WEBSOCKETPIE, _lacks_bun
)
NODE = Kind(
    "node",
    "WebsocketPie on Node",
    ("node", "original_node.mjs"),
    PEERS,
    WEBSOCKETPIE,
    _lacks_node,
    {"quiet": "yes"},
)
SOCKETIO = Kind(
    "socketio",
    "Flask-SocketIO",
    _gunicorn(GEVENT_WEBSOCKET, "flask_socketio_hub:app", *MANY),
    PEERS,
    SOCKET_IO,
    _lacks_socketio,
)
NAIVE = Kind(
    "naive",
    "naive flask-sock",
    _gunicorn("gevent", "naive:app", *MANY),
    PEERS,
    WEBSOCKETPIE,
    _lacks_nothing,
)
ALL = (PIEHUB, ORIGINAL, LOGGING, PUBLISH, NODE, SOCKETIO, NAIVE)


class DidNotStart(Exception):
    """A server that never answered, with what it last wrote."""


@contextlib.contextmanager
def running(kind: Kind, spinner: int) -> Iterator[Server]:
    """Start a server, wait until it answers, and end it afterwards."""
    port = _free_port()
    log = BUILD / "logs" / f"{kind.key}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output, cores.on_server_core():
        started = subprocess.Popen(
            kind.command,
            cwd=kind.folder,
            env=_environment(kind, port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(started, port, log)
        pid = (process.children(started.pid) or [started.pid])[0]
        yield Server(kind, port, pid, spinner)
    finally:
        _end(started)


def _environment(kind: Kind, port: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "PORT": str(port),
        # gunicorn's masters of one user share a control socket; several run here.
        "GUNICORN_CMD_ARGS": "--no-control-socket",
        **kind.environment,
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _wait_until_it_answers(started: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and started.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1) as probe,
        ):
            probe.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            if probe.recv(1):
                return
        time.sleep(0.05)
    lines = re.sub(r"\s+", " ", log.read_text()[-200:]).strip()
    raise DidNotStart(f"did not start: {lines or 'it said nothing'}")


def _end(started: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of them have ended
        os.killpg(started.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(PATIENCE)
        os.killpg(started.pid, signal.SIGKILL)
    started.wait(PATIENCE)
