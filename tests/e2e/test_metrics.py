"""Hubs that are processes of their own, and share what Prometheus is shown."""

import os
import signal
from http.client import HTTPException

import gevent
import pytest

from tests.support.process import children
from tests.support.scrape import METRICS, fetch, values
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def hubs(start, tmp_path):
    """Two of them. One with two workers is refused, as rooms live in one; for Prometheus it is the
    same: processes, and a folder."""
    shared = {"PIEHUB_METRICS_TOKEN": METRICS, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    return [start(**shared), start(**shared)]


def wait_for(hub, **wanted):
    """Ask one hub until it shows these values; return all that it shows."""
    with gevent.Timeout(4 * PATIENCE):
        while True:
            try:
                found = values(fetch(hub.url))
            except (OSError, HTTPException):  # its worker is being started anew
                found = {}
            if all(found.get(f"piehub_{name}") == value for name, value in wanted.items()):
                return found
            gevent.sleep(50 * MS)


def test_each_shows_the_sum_of_both_without_being_asked_first(hubs, clients):
    """The other one brings its own up to date by itself, every five seconds."""
    one, other = hubs
    anna, bert, carl = clients(one.url), clients(one.url), clients(other.url)
    for peer in (anna, bert, carl):
        peer.join()
    anna.say("Data", payload="to both here")
    for peer in (anna, bert):
        peer.hear_type("Data")
    found = wait_for(other, clients=3, rooms=2, messages_received_total=4)
    assert found["piehub_clients_opened_total"] == 3
    assert found["piehub_handshake_seconds_count"] == 3
    assert found["piehub_received_bytes_total"] > 4 * 6
    assert wait_for(one, clients=3)["piehub_messages_received_total"] == 4


def test_whom_a_worker_that_died_has_served_is_gone_and_what_it_counted_stays(hubs, clients):
    one, other = hubs
    clients(one.url)
    clients(other.url)
    wait_for(one, clients=2)
    (worker,) = children(one.pid)
    os.kill(worker, signal.SIGKILL)
    found = wait_for(other, clients=1)
    assert found["piehub_clients_opened_total"] == 2
    wait_for(one, clients=1)
    clients(one.url)
    assert wait_for(one, clients=2)["piehub_clients_opened_total"] == 3


def test_what_a_hub_has_counted_until_its_end_stays_with_the_others(hubs, clients):
    one, other = hubs
    for _ in range(2):
        clients(one.url)
    one.terminate()
    assert one.wait(4 * PATIENCE) == 0
    found = wait_for(other, clients=0)
    assert found["piehub_clients_closed_total", "1012"] == found["piehub_clients_opened_total"] == 2


def test_a_folder_that_is_none_ends_the_start_with_what_would_do(start, tmp_path):
    nowhere = tmp_path / "nowhere"
    hub = start(ready=None, PIEHUB_METRICS_TOKEN=METRICS, PROMETHEUS_MULTIPROC_DIR=str(nowhere))
    hub.wait_for_line(f"refusing to start: PROMETHEUS_MULTIPROC_DIR is '{nowhere}', .* make it")
    assert hub.wait(4 * PATIENCE) != 0
    assert "Traceback" not in hub.log
