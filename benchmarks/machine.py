"""What the servers ran on."""

import os
import platform
import re
import shutil
import subprocess
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from json import loads
from pathlib import Path

from benchmarks.folders import PEERS
from benchmarks.servers import BUN
from piehub.version import __version__

PACKAGES = (
    "gunicorn",
    "gevent",
    "flask",
    "flask-sock",
    "simple-websocket",
    "websockets",
    "msgspec",
    "flask-socketio",
    "python-socketio",
    "gevent-websocket",
)


def describe() -> list[tuple[str, str]]:
    """Names and values, the date first."""
    return [
        ("date", datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("memory", f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("C compiler", _said_by("cc", "--version")),
        ("piehub", __version__),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        *((name, _package(name)) for name in PACKAGES),
        ("Bun", _said_by(str(BUN), "--version")),
        ("Node", _said_by("node", "--version")),
        *(
            (name, _npm_package(name))
            for name in ("@websocketpie/server-bun", "@websocketpie/server")
        ),
        ("ws", _npm_package("ws")),
    ]


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _npm_package(name: str) -> str:
    file = PEERS / "node_modules" / name / "package.json"
    return loads(file.read_text())["version"] if file.exists() else "missing"


def _said_by(*command: str) -> str:
    if not shutil.which(command[0]):
        return "missing"
    said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    return said.partition("\n")[0].strip()
