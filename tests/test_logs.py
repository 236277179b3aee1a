"""What the stand-alone hub writes to its log."""

import json
import logging
import time

import pytest

from piehub import create_app
from piehub.settings import SettingError
from tests.support.timing import PATIENCE


def life_of_a_client(service, capsys, **settings):
    """The log lines of a client that joins with a password, speaks, and goes."""
    peer = service.peer(service.start(room_cleanup_delay=0, **settings), clientId="anna")
    peer.join(password="open sesame")
    peer.say("Data", payload="a secret")
    peer.hear_type("Data")
    peer.close()
    service.stop()
    log = capsys.readouterr().err
    assert "open sesame" not in log
    assert "a secret" not in log
    return log.splitlines()


def test_a_line_at_open_and_one_at_close(service, capsys):
    opened, closed = life_of_a_client(service, capsys)
    assert " INFO client opened id='anna' address=127.0.0.1:" in opened
    assert " INFO client closed id='anna' address=127.0.0.1:" in closed
    figures = dict(pair.split("=") for pair in closed.split()[5:])
    # Out: its id, presence, the promise, its echo, the close frame.
    assert (figures["code"], figures["in"], figures["out"]) == ("1000", "2", "5")
    assert 0 <= float(figures["seconds"]) < PATIENCE


def test_for_machines_each_line_is_a_json_object(service, capsys):
    opened, closed = map(json.loads, life_of_a_client(service, capsys, log_format="json"))
    assert opened["message"] == f"client opened id='anna' address={opened['address']}"
    assert closed["time"].endswith("Z")
    figures = {name: closed[name] for name in ("level", "id", "code", "in", "out")}
    assert figures == {"level": "INFO", "id": "anna", "code": 1000, "in": 2, "out": 5}


def test_a_traceback_stays_within_its_json_line(service, capsys):
    service.start(log_format="json")
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError:
        logging.getLogger("piehub").exception("it failed")
    entry = json.loads(capsys.readouterr().err)
    assert entry["level"] == "ERROR"
    assert "ZeroDivisionError: oops" in entry["traceback"]


def test_for_machines_time_is_utc_to_the_millisecond(monkeypatch, capsys):
    monkeypatch.setenv("TZ", "XYZ-5")
    time.tzset()
    create_app(PIEHUB_LOG_FORMAT="json", PIEHUB_SECRET_KEY="for tests")
    record = logging.makeLogRecord({"created": 3.007, "msecs": 7.0, "levelno": logging.INFO})
    logging.getLogger("piehub").handle(record)
    monkeypatch.undo()
    time.tzset()
    assert json.loads(capsys.readouterr().err)["time"] == "1970-01-01T00:00:03.007Z"


def test_each_line_is_written_once(capsys, caplog):
    for _ in range(2):
        create_app(PIEHUB_SECRET_KEY="for tests")
    logging.getLogger("piehub").warning("once")
    assert capsys.readouterr().err.count("once") == 1
    assert "once" not in caplog.text  # the root's handlers do not write it again


def test_the_level_can_be_raised(service, capsys):
    service.peer(service.start(log_level="warning"))
    assert capsys.readouterr().err == ""


def test_a_secret_made_at_start_is_warned_of(capsys):
    create_app()
    assert "WARNING PIEHUB_SECRET_KEY is not set" in capsys.readouterr().err


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PIEHUB_RATE_LIMIT", "often")
    with pytest.raises(SettingError, match="PIEHUB_RATE_LIMIT is 'often'"):
        create_app()
    app = create_app(PIEHUB_RATE_LIMIT=5)
    assert app.extensions["piehub"].settings.rate_limit == 5
    assert "PATH" not in app.config  # the rest of the environment is none of the hub's business


def test_an_id_cannot_be_taken_for_other_figures(service, capsys):
    service.peer(service.start(), clientId="anna address=10.0.0.1:1 code=1000")
    opened = capsys.readouterr().err
    assert "id='anna address=10.0.0.1:1 code=1000' address=127.0.0.1:" in opened
