"""What the ways to start the hub have in common; tests/e2e starts them."""

import errno
import gc
import logging
import resource
import socket
from types import SimpleNamespace

import pytest
from flask import Flask

from piehub import PieHub, create_app, descriptors
from piehub.net.connection import CLOSE_TIMEOUT
from piehub.net.drain import SPREAD
from piehub.net.heartbeat import TICK
from piehub.serve import address, collector, draining, gunicorn_conf, pywsgi, slow_readers


@pytest.mark.parametrize(("given", "port"), [(None, 8080), ("", 8080), ("1", 1), ("65535", 65535)])
def test_the_port_is_the_platforms_or_8080(given, port, monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    if given is not None:
        monkeypatch.setenv("PORT", given)
    assert address.port() == port


@pytest.mark.parametrize("given", ["0", "65536", "-1", "http", "80.0"])
def test_a_port_that_is_none_is_refused(given, monkeypatch):
    monkeypatch.setenv("PORT", given)
    with pytest.raises(ValueError, match=f"PORT is '{given}'; it must be a number from 1 to 65535"):
        address.port()


def test_as_many_sockets_may_be_open_as_the_system_lets():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    descriptors.raise_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_limit_that_cannot_be_lifted_is_told_of(monkeypatch, caplog):
    def refuse(*_):
        raise ValueError("not here")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    descriptors.raise_limit()
    assert "files only: not here" in caplog.text


def test_a_server_that_stops_waits_until_all_have_had_the_time_to_go():
    assert (
        gunicorn_conf.graceful_timeout > SPREAD + CLOSE_TIMEOUT + 1
    )  # which it sees a second late
    assert gunicorn_conf.graceful_timeout < 10  # when Docker kills it
    assert CLOSE_TIMEOUT + TICK < pywsgi.STOP_TIMEOUT < 10 - SPREAD


def test_a_wsgi_app_that_is_not_flasks_or_has_no_hub_is_left_alone():
    for app in (object(), Flask(__name__)):
        assert draining.hub_of(app) is None
        draining.watch_gunicorn(SimpleNamespace(wsgi=app, alive=True), lambda: False)


@pytest.fixture
def threshold():
    before = gc.get_threshold()
    yield lambda: gc.get_threshold()[0]
    gc.set_threshold(*before)


@pytest.mark.parametrize(("before", "after"), [(700, 20_000), (50_000, 50_000), (0, 0)])
def test_the_collector_looks_seldom_unless_the_app_has_its_own_opinion(before, after, threshold):
    gc.set_threshold(before)
    collector.relax()
    assert threshold() == after


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.5, 500), (10**9, 2**31 - 1)])
def test_who_does_not_read_a_stand_alone_hubs_pages_has_so_long(seconds, milliseconds):
    hub = create_app(PIEHUB_STALL_TIMEOUT=seconds).extensions["piehub"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        slow_readers.give_up([listener], hub)
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == milliseconds


def test_what_an_apps_own_routes_send_may_take_any_time():
    app = Flask("app")
    PieHub(app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        slow_readers.give_up([listener], app.extensions["piehub"])
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0


@pytest.mark.parametrize(
    ("error", "line", "has_traceback"),
    [
        (TimeoutError(errno.ETIMEDOUT, "Timed out"), "It failed. [Errno 110] Timed out", False),
        (TimeoutError("the database did not answer"), "It failed.", True),
        (OSError(errno.EIO, "Input/output error"), "It failed.", True),
    ],
)
def test_only_a_peer_that_timed_out_is_told_of_without_a_traceback(
    error, line, has_traceback, caplog
):
    log = logging.getLogger("gunicorn's")
    log.addFilter(slow_readers.in_a_line)
    try:
        raise error
    except OSError:
        log.exception("It %s.", "failed")
    (record,) = caplog.records
    assert (record.getMessage(), bool(record.exc_info)) == (line, has_traceback)
