"""What the doctor says of gunicorn's options, environment and configuration."""

import os

import pytest

from piehub.commands import gunicorn
from piehub.commands.findings import ERROR, OK, WARNING
from tests.support.process import ROOT

OURS = "from piehub.serve.gunicorn_conf import *\n"


@pytest.fixture
def examine(tmp_path, monkeypatch):
    """Look at these options in a folder with this gunicorn.conf.py; findings by what they are."""

    def run(*options, conf=None, **environment):
        if conf is not None:
            (tmp_path / "gunicorn.conf.py").write_text(conf)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        told = {}
        for finding in gunicorn.examine(options, 100):
            told.setdefault(finding.what, []).append(finding)
        return told

    return run


def levels(told, what):
    return [finding.level for finding in told[what]]


def text(told, what):
    return "\n".join(finding.text for finding in told[what])


def test_a_folder_that_takes_the_hubs_settings_in_is_well(examine):
    told = examine(conf=OURS)
    assert {finding.level for listed in told.values() for finding in listed} == {OK}
    assert text(told, "workers") == "one gevent worker"
    assert text(told, "gunicorn") == "gunicorn.conf.py takes piehub's settings in"
    assert "lets gevent patch Python before" in text(told, "patching")


def test_settings_may_be_taken_by_an_option_too(examine):
    told = examine("-k", "gevent", "-c", "python:piehub.serve.gunicorn_conf", "app:app")
    assert {finding.level for listed in told.values() for finding in listed} == {OK}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--workers", "2"], "2 workers would have rooms of their own each"),
        (["-k", "sync"], "a sync worker cannot hold many open sockets"),
        (["--preload"], "--preload loads the app before gevent has patched Python"),
        (["--worker-connections", "0"], "nobody comes in"),
    ],
)
def test_what_the_hub_would_refuse_to_start_with_is_an_error(options, reason, examine):
    told = examine(*options, conf=OURS)
    assert levels(told, "workers") == [ERROR]
    assert reason in text(told, "workers")


def test_options_of_the_environment_count(examine):
    told = examine(conf=OURS, GUNICORN_CMD_ARGS="--workers 3")
    assert "3 workers would have rooms" in text(told, "workers")


def test_one_worker_is_well_whatever_web_concurrency_says(examine):
    told = examine(conf=OURS, WEB_CONCURRENCY="3")
    assert levels(told, "workers") == [OK]
    assert text(told, "workers") == "one gevent worker, although WEB_CONCURRENCY is 3"


def test_web_concurrency_counts_where_nothing_goes_before_it(examine):
    told = examine("-k", "gevent", WEB_CONCURRENCY="3")
    assert "3 workers would have rooms" in text(told, "workers")


def test_a_web_concurrency_that_is_no_number_is_named(examine):
    told = examine(conf=OURS, WEB_CONCURRENCY="many")
    assert text(told, "workers") == "WEB_CONCURRENCY is 'many'; it must be 1"
    assert levels(told, "workers") == [ERROR]


@pytest.mark.parametrize("option", [["--max-requests", "100"], ["--keep-alive", "0"]])
def test_what_the_hub_does_not_use_is_a_warning(option, examine):
    told = examine(*option, conf=OURS)
    assert levels(told, "gunicorn") == [OK, WARNING]
    assert f"{option[0]} " in text(told, "gunicorn")
    assert "is not used" in text(told, "gunicorn")


@pytest.mark.parametrize(
    "option", [["--max-requests", "100"], ["--keep-alive", "0"], ["--graceful-timeout", "3"]]
)
def test_and_an_error_where_it_would_be_used(option, examine):
    told = examine("-k", "gevent", *option)
    assert levels(told, "gunicorn") == [WARNING, ERROR]
    assert f"Here it is; with piehub's settings, {option[0]} " in text(told, "gunicorn")


def test_a_short_time_to_leave_is_not_used(examine):
    told = examine("--graceful-timeout", "3", conf=OURS)
    assert "--graceful-timeout 3 is not used" in text(told, "gunicorn")


@pytest.mark.parametrize("conf", [None, "worker_class = 'gevent'\n"])
def test_settings_that_are_not_taken_in_are_missed(conf, examine):
    told = examine("-k", "gevent", conf=conf)
    assert levels(told, "gunicorn") == [WARNING]
    where = "gunicorn.conf.py" if conf else "no gunicorn.conf.py here, and no -c"
    assert text(told, "gunicorn").startswith(f"{where}: piehub's settings are not taken in")
    assert "python:piehub.serve.gunicorn_conf" in told["gunicorn"][0].advice


def test_a_hook_in_the_place_of_the_hubs_is_named(examine):
    told = examine(conf=f"{OURS}def worker_exit(server, worker): pass\n")
    assert levels(told, "gunicorn") == [WARNING]
    assert "gunicorn.conf.py: worker_exit of its own" in text(told, "gunicorn")


def test_files_are_not_lifted_by_who_does_not_take_the_settings_in(examine):
    assert "lifts" not in text(examine("-k", "gevent"), "files")


def test_threads_are_counted(examine):
    told = examine("-k", "gthread", "--threads", "4", conf=OURS)
    assert levels(told, "gunicorn") == [OK, WARNING]
    assert "with 4 threads, 3 clients find space" in text(told, "gunicorn")
    assert text(told, "patching") == "none: the hub serves by threads"


def test_a_configuration_may_patch_by_itself(examine):
    conf = f"from gevent import monkey\nmonkey.patch_all()\n{OURS}"
    told = examine("--preload", "-k", "gthread", "--threads", "4", conf=conf)
    assert "the configuration lets gevent patch" in text(told, "patching")
    assert levels(examine("--preload", conf=conf), "workers") == [OK]


def test_a_worker_of_somebody_elses_does_not_patch(examine):
    conf = (
        "from gunicorn.workers.base import Worker\n"
        f"class Other(Worker): pass\n{OURS}worker_class = Other\n"
    )
    told = examine(conf=conf)
    assert levels(told, "patching") == [ERROR]
    assert "a Other worker does not let gevent patch Python" in text(told, "patching")


def test_two_files_are_a_clients_where_flask_sock_makes_the_handshake(examine):
    wanted = {
        kind: text(examine("-k", kind, conf=OURS), "files").rpartition("LimitNOFILE=")[2]
        for kind in ("gevent", "gevent_pywsgi")
    }
    assert wanted == {"gevent": "198 or more", "gevent_pywsgi": "331 or more"}


def test_a_setting_that_the_configuration_sets_is_looked_at(examine):
    told = examine(conf=f"{OURS}raw_env = ['PIEHUB_PING_INTERVAL=soon']\n")
    assert levels(told, "settings") == [ERROR]
    assert "PIEHUB_PING_INTERVAL is 'soon'; it must be" in text(told, "settings")


@pytest.mark.parametrize(
    ("options", "conf", "reason"),
    [
        (["--no-such"], OURS, "unrecognized arguments: --no-such"),
        ([], "1/0\n", "ZeroDivisionError"),
        ([], "def\n", "SyntaxError"),
        (["-c", "nowhere.py"], None, "nowhere.py"),
        (["--workers", "many"], OURS, "many"),
        ([], "import sys\nsys.exit('not like this')\n", "not like this"),
    ],
)
def test_what_gunicorn_would_not_start_with_is_an_error(options, conf, reason, examine):
    told = examine(*options, conf=conf)
    assert levels(told, "gunicorn") == [ERROR]
    assert "gunicorn would not start: " in text(told, "gunicorn")
    assert reason in text(told, "gunicorn")


def test_a_worker_that_there_is_not_is_named(examine):
    told = examine("-k", "nosuch", conf=OURS)
    assert levels(told, "workers") == [ERROR]
    assert "nosuch" in text(told, "workers")


def test_a_wrong_port_is_named(examine):
    told = examine(conf=OURS, PORT="http")
    assert "PORT is 'http'; it must be" in text(told, "gunicorn")


def test_a_configuration_may_print_and_go_elsewhere(examine, tmp_path):
    told = examine(conf=f"print('hello')\nimport os\nos.chdir('/')\n{OURS}")
    assert levels(told, "workers") == [OK]
    assert os.getcwd() == str(tmp_path)


def test_this_repository_is_well(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert {finding.level for finding in gunicorn.examine(["-k", "gevent"], 100)} == {OK}


def test_without_gunicorn_what_starts_without_is_named(monkeypatch):
    monkeypatch.setattr(gunicorn, "find_spec", lambda name: None)
    (finding,) = gunicorn.examine([], 100)
    assert finding.level == WARNING
    assert "python wsgi.py" in finding.advice
