"""A hub as a process of its own, and a network before it. Nothing here is patched by gevent."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SECONDS = 30 * int(
    os.environ.get("TESTS_MS", "1")
)  # after which something will not happen any more


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class HubProcess:
    """A stand-alone hub on gunicorn, or what `command` starts, at `port`.

    What it prints is in `log`.
    """

    def __init__(self, app="wsgi:app", cwd=ROOT, command=None, **environment):
        self.port = free_port()
        gunicorn = [BIN / "gunicorn", "-k", "gevent", "-c", ROOT / "gunicorn.conf.py", app]
        self._command = command or gunicorn
        self._cwd = cwd
        self._environment = environment
        self.log = ""
        self.start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}"

    @property
    def page(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Start it, again at the same port if it has run before; return when it listens."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        self._process = subprocess.Popen(
            self._command,
            cwd=self._cwd,
            env={
                **kept,
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "PORT": str(self.port),
                "PIEHUB_SECRET_KEY": "for tests",
                "GUNICORN_CMD_ARGS": "--no-control-socket",
                **self._environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        _in_thread(self._read, self._process.stdout)
        self._wait_until_it_listens()

    def _read(self, output):
        with output:
            for line in output:
                self.log += line

    def _wait_until_it_listens(self):
        deadline = monotonic() + SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert monotonic() < deadline, self.log
                assert self._process.poll() is None, self.log
                sleep(0.02)
            else:
                return

    def says(self, pattern):
        """Wait until it prints this, and return the match."""
        deadline = monotonic() + SECONDS
        while not (found := re.search(pattern, self.log)):
            assert monotonic() < deadline, self.log
            sleep(0.02)
        return found

    def stop(self):
        """As a platform does: SIGTERM, and wait."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(SECONDS)

    def kill(self):
        """As a power cut does, if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(SECONDS)

    def restart(self):
        self.stop()
        self.start()


class Network:
    """A TCP proxy before a hub, at `port`, which tests can break.

    is_down: whoever connects is cut off at once. mute: what the hub says does not arrive.
    swallowed: what the hub said into connections that swallow all.
    """

    def __init__(self, hub):
        self._hub = hub
        self._lines = []
        self.is_down = False
        self.mute = False
        self.swallowed = b""
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}"

    def swallow(self):
        """From now on nothing gets through on the connections that there are; nobody is told."""
        for line in self._lines:
            line.swallows = True

    def cut(self):
        """End all connections; later ones are as ever."""
        self.mute = False
        lines, self._lines = self._lines, []
        for line in lines:
            line.end()

    def close(self):
        _end(self._server)
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:  # closed
                return
            if self.is_down:
                _end(client)
                continue
            try:
                hub = socket.create_connection(("127.0.0.1", self._hub.port))
            except OSError:  # it is being started again
                _end(client)
                continue
            self._lines.append(line := _Line(client, hub))
            _in_thread(self._carry, line, client, hub, False)
            _in_thread(self._carry, line, hub, client, True)

    def _carry(self, line, source, sink, is_down):
        try:
            while data := source.recv(65_536):
                if not (line.swallows or (self.mute and is_down)):
                    sink.sendall(data)
                elif is_down and line.swallows:
                    self.swallowed += data
        except OSError:  # cut
            pass
        if not line.swallows:
            line.end()


class _Line:
    def __init__(self, client, hub):
        self._ends = client, hub
        self.swallows = False

    def end(self):
        for end in self._ends:
            _end(end)


def _in_thread(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()


def _end(end):
    with contextlib.suppress(OSError):  # it has ended already
        end.shutdown(socket.SHUT_RDWR)  # who waits in recv or accept hears of it
    end.close()
