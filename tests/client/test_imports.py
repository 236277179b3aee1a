"""A bot needs neither Flask nor the hub."""

import subprocess
import sys

import pytest

import piehub
from tests.support.process import ROOT


def run(script):
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return ran.stdout.split()


def test_the_client_imports_neither_flask_nor_gevent_nor_the_hub():
    modules = set(run("import sys, piehub.client; print(*sys.modules)"))
    assert "piehub.client.client" in modules
    assert not modules & {"flask", "gevent", "msgspec", "werkzeug"}
    parts = {name.split(".")[1] for name in modules if name.startswith("piehub.")}
    assert parts == {"client", "version"}


def test_the_packages_own_names_are_there_when_they_are_asked_for():
    script = "from piehub import *; print(HostApp.__name__, PieHub.__name__, create_app.__name__)"
    assert run(script) == ["HostApp", "PieHub", "create_app"]
    assert all(hasattr(piehub, name) for name in piehub.__all__)


def test_a_name_that_there_is_none_of_is_named():
    with pytest.raises(AttributeError, match="module 'piehub' has no attribute 'PieClent'"):
        _ = piehub.PieClent
    with pytest.raises(ImportError, match="PieClent"):
        from piehub import PieClent  # noqa: F401
