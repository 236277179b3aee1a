"""The commands of the stand-alone `piehub`, and what they leave alone."""

import os
import subprocess
import sys

import pytest

from piehub import create_app
from tests.support.process import BIN, ROOT


def piehub(*words, cwd, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIEHUB_")}
    return subprocess.run(
        [sys.executable, "-m", "piehub", *words],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_doctor_looks_at_how_piehub_itself_would_start(tmp_path):
    ran = piehub("doctor", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "python:piehub.serve.gunicorn_conf takes piehub's settings in" in ran.stdout
    assert "warning  secrets    PIEHUB_SECRET_KEY is not set" in ran.stdout
    assert ran.stderr == ""


def test_the_doctor_looks_at_other_options_if_they_are_given(tmp_path):
    ran = piehub("doctor", "--", "-k", "sync", cwd=tmp_path)
    assert ran.returncode == 1
    assert "a sync worker cannot hold many open sockets" in ran.stdout


def test_a_setting_that_is_wrong_is_a_line(tmp_path):
    ran = piehub("doctor", cwd=tmp_path, PIEHUB_PING_INTERVAL="soon")
    assert ran.returncode == 1
    assert ran.stderr.startswith("piehub: refusing to start: PIEHUB_PING_INTERVAL is 'soon'; it")
    assert len(ran.stderr.splitlines()) == 1


def test_a_token_that_is_too_short_is_a_line_that_does_not_show_it(tmp_path):
    ran = piehub("doctor", cwd=tmp_path, PIEHUB_ADMIN_TOKEN="hunter2")
    assert ran.returncode == 1
    assert "PIEHUB_ADMIN_TOKEN is wrong; it must be text of 16 characters or more" in ran.stderr
    assert "hunter2" not in ran.stdout + ran.stderr


def test_commands_that_need_no_app_make_none(tmp_path):
    ran = piehub("rooms", "--url", "ftp://x", cwd=tmp_path, PIEHUB_PING_INTERVAL="soon")
    assert ran.stderr == "Error: 'ftp://x' is no URL such as http://127.0.0.1:8080\n"


def test_a_command_that_there_is_not_is_named(tmp_path):
    ran = piehub("dokter", cwd=tmp_path)
    assert ran.returncode == 2
    assert "No such command 'dokter'" in ran.stderr


def test_the_help_tells_of_the_commands(tmp_path):
    ran = piehub("--help", cwd=tmp_path)
    assert "--port" in ran.stdout
    assert "piehub doctor --help" in ran.stdout


@pytest.mark.parametrize("command", ["doctor", "rooms", "send", "bench"])
def test_each_command_has_a_help(command):
    app = create_app(PIEHUB_SECRET_KEY="for tests")
    ran = app.test_cli_runner().invoke(args=["pie", command, "--help"])
    assert ran.exit_code == 0
    assert "Options:" in ran.output


def test_an_app_that_serves_has_imported_no_command():
    script = "import sys, piehub; piehub.create_app(); print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = ran.stdout.split()
    assert "piehub.cli" in loaded
    for name in ("piehub.commands", "piehub.serve", "websockets.sync", "websockets.asyncio"):
        assert name not in loaded


def test_two_apps_of_one_process_have_the_commands_each():
    for app in (create_app(PIEHUB_SECRET_KEY="a"), create_app(PIEHUB_SECRET_KEY="b")):
        assert "doctor" in app.test_cli_runner().invoke(args=["pie", "--help"]).output


def test_flask_lists_them_among_its_own():
    ran = subprocess.run(
        [str(BIN / "flask"), "--app", "wsgi", "--help"],
        cwd=ROOT,
        env={**os.environ, "PIEHUB_SECRET_KEY": "for tests"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pie " in ran.stdout
