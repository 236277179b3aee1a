"""`flask pie doctor`: what an app's settings and this machine come to."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys

import pytest
from flask import Flask
from packaging.requirements import Requirement
from werkzeug.middleware.proxy_fix import ProxyFix

from piehub import HostApp, PieHub, create_app, memory
from piehub.commands import findings, here
from piehub.commands.findings import ERROR, OK, WARNING, Finding
from tests.support.process import BIN, ROOT

SECRET = "0123456789abcdef" * 4
SET = {
    "PIEHUB_SECRET_KEY": SECRET,
    "PIEHUB_ALLOWED_ORIGINS": "https://example.com",
    "PIEHUB_TRUSTED_PROXIES": "10.0.0.0/8",
    "PIEHUB_MAX_CLIENTS": "100",
    "PIEHUB_HISTORY_BYTES": "1000000",
}


def found(environment=None, app=None, **settings):
    """The findings of an app with these settings, by what they are about."""
    if app is None:
        app = create_app(**{f"PIEHUB_{name.upper()}": settings[name] for name in settings})
    told = {}
    for finding in here.examine(app, environment or {}):
        told.setdefault(finding.what, []).append(finding)
    return told


def only(listed):
    (one,) = listed
    return one


@pytest.mark.parametrize(
    ("settings", "environment", "what", "level", "text"),
    [
        ({"secret_key": SECRET}, {}, "secrets", OK, "PIEHUB_SECRET_KEY has 64 characters"),
        ({}, {}, "secrets", WARNING, "PIEHUB_SECRET_KEY is not set"),
        ({"secret_key": "x" * 15}, {}, "secrets", WARNING, "has 15 characters, and can be guessed"),
        ({}, {}, "origins", WARNING, "is not set: any page may connect"),
        ({"allowed_origins": "*"}, {}, "origins", OK, "pages that may connect: any"),
        (
            {"allowed_origins": "same, https://b.example"},
            {},
            "origins",
            OK,
            "pages that may connect: https://b.example, same",
        ),
        ({}, {}, "path", OK, "/"),
        ({"path": "/ws"}, {}, "path", WARNING, "(@websocketpie/client) drops the path"),
        ({}, {}, "proxy", OK, "none"),
        ({}, {"DYNO": "web.1"}, "proxy", WARNING, "Heroku has a proxy before the hub"),
        ({"trusted_proxies": "::1, unix"}, {"DYNO": "web.1"}, "proxy", OK, "::1/128, unix"),
        ({}, {}, "time-outs", OK, "silent for more than 45 s"),
        ({}, {}, "time-outs", OK, "proxy_read_timeout 75s"),
        ({"ping_interval": 0}, {}, "time-outs", WARNING, "PIEHUB_PING_INTERVAL is 0"),
        ({"ping_interval": 55}, {}, "time-outs", OK, "silent for more than 75 s"),
        ({"ping_interval": 54}, {"DYNO": "web.1"}, "time-outs", OK, "more than 74 s"),
        ({"ping_interval": 55}, {"DYNO": "web.1"}, "time-outs", ERROR, "Heroku ends a WebSocket"),
        ({"ping_interval": 55}, {"RENDER": "true"}, "time-outs", OK, "more than 75 s"),
    ],
)
def test_a_setting_is_judged(settings, environment, what, level, text):
    finding = only(found(environment, **settings)[what])
    assert finding.level == level
    assert text in finding.text
    assert bool(finding.advice) == (level != OK)


def test_each_finding_of_an_app_with_all_set_is_well():
    settings = {name.removeprefix("PIEHUB_").lower(): value for name, value in SET.items()}
    levels = {each.level for listed in found(**settings).values() for each in listed}
    assert levels == {OK}


@pytest.mark.parametrize(
    ("config", "level", "text"),
    [
        ({"PIEHUB_ADMIN_TOKEN": SECRET}, ERROR, "PIEHUB_ADMIN_TOKEN is the same as PIEHUB_SECRET_"),
        ({"PIEHUB_METRICS_TOKEN": SECRET}, ERROR, "PIEHUB_METRICS_TOKEN is the same as PIEHUB_SE"),
        (
            {"PIEHUB_ADMIN_TOKEN": "t" * 16, "SECRET_KEY": "t" * 16},
            ERROR,
            "PIEHUB_ADMIN_TOKEN is the same as SECRET_KEY",
        ),
        (
            {"PIEHUB_ADMIN_TOKEN": "t" * 16, "PIEHUB_METRICS_TOKEN": "t" * 16},
            WARNING,
            "it opens everything",
        ),
    ],
)
def test_a_secret_that_is_used_twice_is_seen_and_not_shown(config, level, text):
    app = Flask("app")
    app.config.update({"PIEHUB_SECRET_KEY": SECRET, **config})
    PieHub(app)
    well, wrong = found(app=app)["secrets"]
    assert (well.level, wrong.level) == (OK, level)
    assert text in wrong.text
    assert SECRET not in str(wrong)
    assert "tttt" not in str(wrong)


def test_the_apps_own_secret_will_do():
    app = Flask("app")
    app.secret_key = b"0123456789abcdef"
    PieHub(app)
    assert only(found(app=app)["secrets"]) == Finding("secrets", OK, "SECRET_KEY has 16 characters")


@pytest.mark.parametrize(
    ("origins", "level", "text"),
    [
        (None, WARNING, "only pages of its own host may connect"),
        ("*", WARNING, "this app authorizes its clients: any page may"),
        ("same", OK, "same"),
    ],
)
def test_an_app_that_authorizes_has_to_name_its_pages(origins, level, text):
    app = Flask("app")
    if origins:
        app.config["PIEHUB_ALLOWED_ORIGINS"] = origins
    PieHub(app).authorize(lambda: True)
    finding = only(found(app=app)["origins"])
    assert finding.level == level
    assert text in finding.text


def test_werkzeugs_own_way_past_a_proxy_will_do():
    app = create_app()
    app.wsgi_app = ProxyFix(app.wsgi_app)
    finding = only(found({"DYNO": "web.1"}, app=app)["proxy"])
    assert (finding.level, finding.text) == (OK, "werkzeug's ProxyFix names clients")


@pytest.mark.parametrize(("mebibytes", "level"), [(64, WARNING), (4096, OK)])
def test_what_the_limits_add_up_to_is_held_against_the_memory(mebibytes, level, monkeypatch):
    monkeypatch.setattr(memory, "of_machine", lambda: mebibytes * 1024**2)
    finding = only(found(history_bytes=10 * 1024**2, max_clients=1000)["memory"])
    assert finding.level == level
    quarter, eighth = mebibytes // 4, min(256, mebibytes // 8)
    assert f"slow clients {quarter:,}, together {eighth}, histories 10, " in finding.text
    total = quarter + eighth + 10 + 2 + 64
    assert f"at most {total:,} MiB of {mebibytes:,} (" in finding.text


def test_host_apps_take_memory_too(monkeypatch):
    monkeypatch.setattr(memory, "of_machine", lambda: 1024**3)
    app = create_app(host_app=HostApp, PIEHUB_MAX_ROOMS=100)
    assert "host apps 100," in only(found(app=app)["memory"]).text


def test_versions_that_are_not_what_is_asked_for_are_named():
    asked = [
        Requirement(line)
        for line in (
            "flask>=99",
            "no-such-thing-as-this>=1",
            "click>=8",
            "msgspec>99; sys_platform == 'nowhere'",
        )
    ]
    flask, missing, well = here.versions(asked)
    assert (flask.level, missing.level, well.level) == (ERROR, ERROR, OK)
    assert flask.text.startswith("flask 3.")
    assert "which is not >=99" in flask.text
    assert missing.text == "no-such-thing-as-this is not installed"
    assert "click 8." in well.text
    assert "msgspec" not in well.text


def test_what_the_hub_runs_on_here_is_what_it_asks_for():
    finding = only(found()["versions"])
    assert finding.level == OK
    for name in (
        "Python 3.",
        "flask 3.",
        "gevent 2",
        "gunicorn 2",
        "flask-sock 0.7",
        "websockets ",
    ):
        assert name in finding.text


def test_a_process_that_is_patched_in_part_is_an_error():
    script = (
        "from gevent import monkey; monkey.patch_socket(); from piehub.commands import here\n"
        "print(*here._patching())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "patch socket, but not ssl, select, threading, time" in ran.stdout
    assert "level='error'" in ran.stdout


def test_a_process_that_is_patched_whole_is_not_spoken_of():
    assert "patching" not in found()


SOME = [
    Finding("path", OK, "all is well"),
    Finding("origins", WARNING, "any page may", "Name them."),
]


def test_findings_stand_in_columns(capsys):
    findings.show(SOME, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "ok       path       all is well",
        "warning  origins    any page may",
        "                    Name them.",
    ]


def test_a_terminal_is_not_told_what_to_do_by_a_finding(capsys):
    findings.show([Finding("health", OK, "piehub \x1b[2J")], as_json=False)
    assert capsys.readouterr().out == "ok       health     piehub \\x1b[2J\n"


def test_findings_are_json_for_machines(capsys):
    findings.show(SOME, as_json=True)
    assert [Finding(**each) for each in json.loads(capsys.readouterr().out)] == SOME


def flask_pie_doctor(*words, env=None, before="", **options):
    """`flask --app wsgi pie doctor`, as it is typed, from a shell that does `before` first."""
    command = f"{before} exec flask --app wsgi pie doctor {' '.join(words)}"
    names = {name: value for name, value in os.environ.items() if not name.startswith("PIEHUB_")}
    environment = {**names, "PATH": f"{BIN}{os.pathsep}{names['PATH']}", **SET, **(env or {})}
    return subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env=environment,
        check=False,
        **{"capture_output": True, "text": True, **options},
    )


def test_a_hub_that_is_well_is_told_so_and_ends_with_0():
    ran = flask_pie_doctor()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {line.split()[0] for line in ran.stdout.splitlines()} == {"ok"}
    about = {line[9:20].strip() for line in ran.stdout.splitlines()}
    assert about >= {"workers", "gunicorn", "patching", "files", "memory", "proxy", "secrets"}
    assert "\x1b" not in ran.stdout


def test_a_warning_alone_ends_with_0():
    ran = flask_pie_doctor(env={"PIEHUB_PATH": "/ws"})
    assert ran.returncode == 0
    assert "warning  path       PIEHUB_PATH is /ws" in ran.stdout


def test_an_error_ends_with_1():
    ran = flask_pie_doctor("--", "--workers", "2")
    assert ran.returncode == 1
    assert "error    workers    2 workers would have rooms of their own each" in ran.stdout


def test_few_files_are_told_of_with_the_limit_that_would_do():
    ran = flask_pie_doctor(
        before="ulimit -Sn 300; ulimit -Hn 300;", env={"PIEHUB_MAX_CLIENTS": "300"}
    )
    assert ran.returncode == 0
    assert (
        "warning  files      This process may open 300 files, which is enough for 177 clients"
        in ran.stdout
    )
    assert "Raise the limit to 465 (ulimit -n, or LimitNOFILE= of systemd)" in ran.stdout


def test_a_low_soft_limit_is_lifted_and_said():
    ran = flask_pie_doctor(
        before="ulimit -Sn 64; ulimit -Hn 4096;", env={"PIEHUB_MAX_CLIENTS": "9"}
    )
    assert "the soft limit is 64, which the hub lifts to 4096: 3024 clients find" in ran.stdout
    assert "LimitNOFILE=77 or more" in ran.stdout


def test_a_terminal_gets_colours_and_lines_that_fit():
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    ran = flask_pie_doctor(
        env={"PIEHUB_PATH": "/ws", "COLUMNS": "60"},
        capture_output=False,
        stdout=theirs,
        timeout=30,  # what the terminal has no space for is waited for
    )
    shown = b""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(ours, 65536):
            shown += data
    os.close(ours)
    os.close(theirs)
    assert ran.returncode == 0
    assert b"\x1b[33mwarning" in shown
    assert b"\x1b[32mok" in shown
    bare = re.sub(rb"\x1b\[\d+m", b"", shown).decode()
    assert max(map(len, bare.splitlines())) <= 60
    assert "PIEHUB_PATH is /ws: the published client" in " ".join(bare.split())
