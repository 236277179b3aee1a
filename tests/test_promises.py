"""docs/reliability.md: each promise is shown by tests that there are, each setting is one."""

import ast
import re
from pathlib import Path

import pytest

from piehub.settings import FIELDS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
NAMED = re.findall(r"`(tests/\S+\.py)::(\w+)`", PAGE)


def test_there_are_promises():
    assert len(NAMED) > 20


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_promise_is_shown_by_a_test_that_there_is(path, name):
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("setting", sorted(set(re.findall(r"PIEHUB_[A-Z_]+", PAGE))))
def test_a_limit_is_a_setting_that_there_is(setting):
    assert setting in FIELDS
