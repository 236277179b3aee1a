"""The hub as a process of its own, started as users do, and what can be seen of it from outside."""

import json
import os
import resource
import sys
from contextlib import contextmanager
from time import monotonic
from urllib.request import Request, urlopen

import gevent

from tests.support.process import ROOT, Process, descendants
from tests.support.timing import PATIENCE

BUILD = ROOT / "build" / "soak"
PAGE = os.sysconf("SC_PAGE_SIZE")


class Hub:
    """files: descriptors that it may have. settings: those of the environment."""

    def __init__(self, name, *, files=None, **settings):
        BUILD.mkdir(parents=True, exist_ok=True)
        self._log = BUILD / f"{name}.log"
        self._log.write_text("")
        limit = f"ulimit -n {files} && " if files else ""
        # To a file: nobody has to keep up with it.
        serve = f"exec gunicorn -k gevent tests.soak.app:app >> {self._log} 2>&1"
        self._command = ["sh", "-c", limit + serve]
        self._settings = settings
        self._process = None
        self.port = None

    def start(self):
        self._process = Process(self._command, port=self.port, **self._settings)
        self.port = self._process.port
        self.wait_until_up()

    def wait_until_up(self):
        self.wait_for(lambda: self.look(timeout=1), "the hub does not start")

    def wait_for(self, condition, complaint, patience=6 * PATIENCE):
        """Ask until the answer is true; return it. A hub that does not answer says no."""
        deadline = monotonic() + patience
        while monotonic() < deadline:
            try:
                if answer := condition():
                    return answer
            except OSError:
                pass
            gevent.sleep(0.05)
        raise AssertionError(f"{complaint}; its log ends:\n{self.log[-2000:]}")

    def terminate(self):
        """Send SIGTERM, as a platform does, and wait for the end."""
        self._process.terminate()
        self._process.wait(4 * PATIENCE)

    def kill(self):
        self._process.kill()

    @property
    def worker(self):
        """The process that serves; there is none for a moment after it was killed."""
        return self.wait_for(lambda: descendants(self._process.pid), "no worker starts")[-1]

    def signal(self, number):
        os.kill(self.worker, number)

    def look(self, timeout=6 * PATIENCE):
        """What the hub counts in itself, and its descriptors."""
        with urlopen(f"http://127.0.0.1:{self.port}/soak", timeout=timeout) as answer:
            seen = json.load(answer)
        gevent.sleep(0.1)  # so that it has closed this connection, too
        return seen | {"descriptors": self.descriptors()}

    def set_clock(self, ahead):
        url = f"http://127.0.0.1:{self.port}/soak/clock?ahead={ahead}"
        with urlopen(Request(url, method="POST"), timeout=PATIENCE):
            pass

    def look_when_empty(self, patience=6 * PATIENCE):
        """The same, once nobody is there, and no room; or after some patience."""
        deadline = monotonic() + patience
        while True:
            seen = self.look()
            if not (seen["clients"] or seen["rooms"] or seen["heartbeat"]):
                return seen
            if monotonic() > deadline:
                return seen
            gevent.sleep(0.1)

    def memory(self):
        """Resident, in bytes."""
        with open(f"/proc/{self.worker}/statm") as statm:
            return int(statm.read().split()[1]) * PAGE

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.worker}/fd"))

    @property
    def log(self):
        return self._log.read_text()

    def tracebacks(self):
        """How many the log has. The first is shown."""
        before, *tracebacks = self.log.split("Traceback")
        if tracebacks:
            print(f"{before[-500:]}Traceback{tracebacks[0][:3000]}", file=sys.stderr)
        return len(tracebacks)


@contextmanager
def running(name, **options):
    """A hub that is ended with the block."""
    hub = Hub(name, **options)
    try:
        hub.start()
        yield hub
    finally:
        hub.kill()


def need_files(count):
    """Let this process open so many files, or end it with a word about why not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    elif hard < count:
        sys.exit(f"The soak needs {count} open files, and may have {hard}: see ulimit -Hn")
