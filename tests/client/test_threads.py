"""The same client, with threads, in a process that nobody has patched."""

import sys

import gevent
import pytest

from tests.support.process import Process
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def script(service, network_to):
    """Start a function of threads.py."""
    started = []

    def start(name, *urls, patching=()):
        command = [sys.executable, "-m", *patching, "tests.client.threads", name, *urls]
        process = Process(command)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


def ended_well(process):
    process.wait_for_line("all threads have ended")
    assert process.wait(PATIENCE) == 0
    assert "Traceback" not in process.log
    return process.lines


def test_clients_meet(url, script):
    lines = ended_well(script("meet", url))
    assert lines[:2] == ["bob heard ['hello', 'psst', 'both', 'both']", "rooms [2]"]


def test_who_is_cut_off_misses_nothing(url, network, script):
    process = script("come_back", network.url, url)
    for cuts in (1, 2):
        process.wait_for_line(f"ready to be cut {cuts}")
        network.cut()
    lines = ended_well(process)
    heard = [f"{when} {cuts}" for cuts in (1, 2) for when in ("before", "missed", "after")]
    assert [line for line in lines if "ttempt" not in line][2:4] == [
        "same True",
        f"ann heard {heard}",
    ]


def test_what_many_threads_say_while_the_network_breaks_is_heard_once_and_in_order(
    url, network, script
):
    process = script("many_at_once", network.url, url)
    process.wait_for_line("begins")
    for _ in range(3):
        gevent.sleep(60 * MS)
        network.cut()
    lines = ended_well(process)
    assert lines.count("bob heard in order True") == 4
    assert "ann heard the same True" in lines


@pytest.mark.parametrize("patching", [[], ["gevent.monkey", "--module"]], ids=["threads", "gevent"])
def test_much_in_both_directions_at_once_stops_nobody(patching, start, script):
    hub = start(PIEHUB_RATE_LIMIT="0")
    assert ended_well(script("much", hub.url, patching=patching))[:2] == [
        "in order True",
        "links 1",
    ]


def test_waiting_in_a_callback_raises_there_too(url, script):
    lines = ended_well(script("be_cautious", url))
    assert "JoinRoom" not in lines[0]
    assert "GetRooms waits for what this callback holds up" in lines[0]
    assert "a callback has not returned" in lines[1]


def test_a_client_that_is_not_closed_does_not_keep_its_process(url, script):
    process = script("forget_to_close", url)
    process.wait_for_line("the end")
    assert process.wait(PATIENCE) == 0
    assert process.lines == ["the end"]
