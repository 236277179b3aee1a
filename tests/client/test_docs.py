"""What the pages show for Python runs as it stands."""

import re
import sys
from pathlib import Path

import pytest

from tests.client.people import ROOM
from tests.support.process import ROOT, Process
from tests.support.timing import PATIENCE

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGE = BLOCK.findall((ROOT / "docs" / "python-client.md").read_text())
README = [
    block for block in BLOCK.findall((ROOT / "README.md").read_text()) if "PieClient" in block
]
HELLO, FRAGMENT, BOT = PAGE


@pytest.fixture
def run(url, tmp_path):
    started = []

    def run(program):
        path = Path(tmp_path / "program.py")
        path.write_text(program.replace("ws://localhost:8080", url))
        started.append(Process([sys.executable, path.name], cwd=tmp_path))
        return started[-1]

    yield run
    for process in started:
        process.kill()


@pytest.mark.parametrize("program", [HELLO, *README])
def test_a_program_says_hello_to_itself(program, run):
    process = run(program)
    assert process.wait(PATIENCE) == 0
    assert process.lines == ["{'text': 'Hello!'}"]


def test_the_readme_shows_one():
    assert len(README) == 1


def test_what_is_shown_of_rooms_runs(person, url, capsys):
    ann = person(url).joins(ROOM)
    exec(FRAGMENT, {"pie": ann.pie})
    assert "den 1\n" in capsys.readouterr().out
    assert ann.heard == [{"x": 1}, "psst", "ready"]
    assert ann.errors == []


def test_the_bot_answers_until_it_is_told_to_quit(person, url, run):
    process = run(BOT)
    process.wait_for_line("ready")
    ann = person(url).joins(ROOM)
    ann.says("hello", "quit")
    assert process.wait(PATIENCE) == 0
    ann.waits_for(lambda: len(ann.heard) == 3)
    assert sorted(ann.heard) == ["You said hello", "hello", "quit"]
