"""Clients in process beside those with sockets: the same hub to both, and never both on one hub.

What they do for an app's tests is shown by tests/testing.
"""

import json
import re
import subprocess
import sys
import time

import pytest

from piehub import create_app
from piehub.testing import PieTestClient, tick
from tests.conformance import replay
from tests.support.process import ROOT
from tests.support.timing import PATIENCE

SCENARIOS = sorted((ROOT / "tests" / "conformance" / "scenarios").glob("*.json"))
SETTINGS = {"PIEHUB_SECRET_KEY": "for tests", "PIEHUB_ROOM_CLEANUP_DELAY": 0}
FIGURES = r'"(time|uptime|averageWaitTimeMs)": \d+|"(resumeToken)": "[^"]+"|"(match)-[^"]{36}"'


class Player:
    """A client of a scenario, and all that it has heard."""

    id = replay.Client.id
    matched_room = replay.Client.matched_room

    def __init__(self, client):
        self.client = client
        self.received = [client.hello]
        self.is_here = True


class InProcess:
    """A hub and its clients in process."""

    def __init__(self, service):
        self._app = create_app(**SETTINGS)

    def connect(self, query):
        return PieTestClient(self._app, query_string=query)

    def pass_time(self, seconds):
        tick(self._app, seconds)

    def settle(self, clients):
        pass

    def heard_by(self, client):
        return client.received()


class WithSockets:
    """The same with sockets."""

    def __init__(self, service):
        self._service = service
        self._url = service.start(create_app(**SETTINGS))

    def connect(self, query):
        return self._service.peer(self._url, **query)

    def pass_time(self, seconds):
        time.sleep(seconds)

    def settle(self, clients):
        """As replay.settle does."""
        for client in clients * 2:
            assert client.socket.ping().wait(PATIENCE)

    def heard_by(self, client):
        heard = []
        while True:
            try:
                heard.append(json.loads(client.socket.recv(0)))
            except TimeoutError:
                return heard


def play(scenario, house):
    """Do the steps of a scenario; return its players by name."""
    players = {}
    for step in scenario["steps"]:
        match step:
            case {"connect": name}:
                query = step.get("query", "").replace("$suffix", "")
                players[name] = Player(house.connect(dict(re.findall("(.*)=(.*)", query))))
            case {"send": name, "message": message}:
                players[name].client.send(json.dumps(replay.rewrite(message, players, "")))
            case {"raw": name, "text": text}:
                players[name].client.send(text)
            case {"close": name}:
                players[name].client.close()
                players[name].is_here = False
            case {"wait_ms": milliseconds}:
                house.pass_time(milliseconds / 1000)
        here = [player for player in players.values() if player.is_here]
        house.settle([player.client for player in here])
        for player in here:
            player.received += house.heard_by(player.client)
    return players


def transcript(players):
    """What each has heard, without what is another each time."""
    text = json.dumps({name: player.received for name, player in players.items()}, indent=1)
    for name, player in players.items():
        text = text.replace(player.id, f"${name}")
    return re.sub(FIGURES, r'"\1\2\3"', text)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_same_is_heard_in_process_as_through_sockets(path, service):
    scenario = json.loads(path.read_text())
    in_process, through_sockets = (
        play(scenario, kind(service)) for kind in (InProcess, WithSockets)
    )
    received = {name: player.received for name, player in in_process.items()}
    assert replay.differences_of(scenario, received, in_process, "") == []
    assert transcript(in_process) == transcript(through_sockets)


def test_a_hub_that_serves_sockets_has_no_clients_in_process(service):
    app = create_app(**SETTINGS)
    service.peer(service.start(app))
    with pytest.raises(RuntimeError, match="serves sockets already; make another app for clients"):
        PieTestClient(app)
    with pytest.raises(RuntimeError, match="serves sockets already"):
        tick(app, 1)


def test_a_hub_that_has_had_clients_in_process_serves_no_sockets(service, capsys):
    app = create_app(**SETTINGS)
    PieTestClient(app).close()
    service.wire(service.start(app)).read_until(b"Internal Server Error")
    assert "serves clients in process, for tests; make another app" in capsys.readouterr().err


def run(*arguments, timeout=12 * PATIENCE):
    """Run python, which nobody has patched; return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_server_loads_nothing_of_it():
    loaded = "import sys, piehub; piehub.create_app(); print([*sys.modules])"
    modules = run("-c", loaded)
    assert "'piehub.web.upgrade'" in modules
    assert "piehub.testing" not in modules
    assert "'flask.testing'" not in modules


UNPATCHED = """
import sys, threading, pytest
from gevent import monkey
code = pytest.main(sys.argv[1:])
assert not monkey.is_module_patched("socket")
assert threading.active_count() == 1
sys.exit(code)
"""


def run_pytest(*arguments):
    """Run tests as an app's own are run; without this folder's conftest, which patches."""
    config = ("-c", "pyproject.toml", "-p", "no:cacheprovider", "--confcutdir=tests/testing")
    return run("-c", UNPATCHED, *config, *arguments)


def test_it_works_alike_where_nothing_is_patched():
    assert " passed" in run_pytest("tests/testing")


def test_the_examples_have_tests_that_pass():
    assert " passed" in run_pytest("examples")


def test_the_documents_example_runs_as_it_stands(tmp_path):
    section = (ROOT / "docs" / "extension.md").read_text().partition("\n## Testing\n")[2]
    (code,) = re.findall(r"```python\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    example = tmp_path / "test_example.py"
    example.write_text(code)
    assert "3 passed" in run_pytest(str(example))
