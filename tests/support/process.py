"""Servers as processes of their own, as their users start them."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic

import gevent
from gevent.event import Event

from tests.support.timing import MS, PATIENCE

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def free_port():
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Process:
    """A command that serves on `port`; everything it prints is kept in `lines`."""

    def __init__(self, command, *, port=None, cwd=ROOT, **environment):
        self.port = port or free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self.lines = []
        self._news = Event()
        names = {"PATH", "HOME", "LANG", "SYSTEMROOT"}
        kept = {name: value for name, value in os.environ.items() if name in names}
        self._process = subprocess.Popen(
            [part.format(port=self.port) for part in command],
            cwd=cwd,
            env={
                **kept,
                "PATH": f"{BIN}{os.pathsep}{kept['PATH']}",
                "PORT": str(self.port),
                "PIEHUB_SECRET_KEY": "for tests",
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                # gunicorn's masters of one user share a control socket; several run here.
                "GUNICORN_CMD_ARGS": "--no-control-socket",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = gevent.spawn(self._read)

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._news.set()

    @property
    def pid(self):
        return self._process.pid

    @property
    def log(self):
        return "\n".join(self.lines)

    def wait_for_line(self, pattern, timeout=3 * PATIENCE, since=0):
        """Wait until a line matches, and return the match. since: lines that are passed over."""
        deadline = monotonic() + timeout
        while True:
            self._news.clear()
            for line in self.lines[since:]:
                if match := re.search(pattern, line):
                    return match
            if not self._news.wait(deadline - monotonic()):
                raise AssertionError(f"no line matches {pattern!r} in:\n{self.log}")

    def terminate(self):
        """Send SIGTERM, as a platform does."""
        self._process.send_signal(signal.SIGTERM)

    def interrupt(self):
        """Send SIGINT to all of them, as Ctrl-C in a terminal does."""
        os.killpg(self._process.pid, signal.SIGINT)

    def wait(self, timeout):
        """Wait for the end; return the exit code."""
        code = self._process.wait(timeout)
        self._reader.join(PATIENCE)
        return code

    def kill(self):
        """End the process and all that it has started at once."""
        started = freeze(self._process.pid) if self._process.poll() is None else []
        for pid in started:
            send(pid, signal.SIGKILL)
        self.wait(PATIENCE)
        while any(state(pid) not in "ZX" for pid in started):  # nobody tells us of theirs
            gevent.sleep(MS)
        self._process.stdout.close()


def send(pid, what):
    """Send a signal to a process that may have ended already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


def freeze(pid):
    """Stop `pid` and all that it has started; return them. Who is stopped starts no more."""
    send(pid, signal.SIGSTOP)
    while state(pid) not in "TtZX":  # it may be just starting one
        gevent.sleep(MS)
    return [pid, *(each for child in children(pid) for each in freeze(child))]


def state(pid):
    """The letter that ps shows for a process: Z waits to be reaped, X is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def children(pid):
    """The processes that `pid` itself has started."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return []


def descendants(pid):
    """All that `pid` has started, deepest first; honcho's have sessions of their own."""
    return [each for child in children(pid) for each in (*descendants(child), child)]
