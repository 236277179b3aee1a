"""Clients who come at once, where threads serve them and a handshake takes its time."""

import pytest

from piehub import create_app

SLOW = "tests.e2e.apps:slow_to_answer()"
FULL = b"The hub is full; come back later.\n"
ENOUGH = b"This address has 3 clients here, as many as this hub allows; close one of them.\n"


def threads(count, app=SLOW):
    return ["gunicorn", "-k", "gthread", "--threads", str(count), app]


@pytest.mark.parametrize(
    ("count", "settings", "places", "refusal"),
    [
        pytest.param(6, {}, 5, (503, FULL), id="threads"),
        pytest.param(12, {"PIEHUB_MAX_CLIENTS": "3"}, 3, (503, FULL), id="clients"),
        pytest.param(
            12, {"PIEHUB_MAX_CLIENTS_PER_ADDRESS": "3"}, 3, (429, ENOUGH), id="of an address"
        ),
    ],
)
def test_no_more_get_in_than_there_are_places(count, settings, places, refusal, start, clients):
    server = start(threads(count), **settings)
    server.wait_for_line("clients find space")
    wires = [clients.wire(server.url, handshake=False) for _ in range(30)]
    for wire in wires:
        wire.send(wire.request())
    answers = [answer_to(wire) for wire in wires]
    assert sorted(answers) == sorted([(101, b"")] * places + [refusal] * (30 - places))
    page = clients.wire(server.url, handshake=False)
    page.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert page.rest().startswith(b"HTTP/1.1 200 ")
    guest = wires[answers.index((101, b""))]
    guest.close()
    server.wait_for_line("client closed ")
    newcomer = clients.wire(server.url, handshake=False)
    newcomer.send(newcomer.request())
    assert answer_to(newcomer) == (101, b"")


def test_who_fails_to_come_in_leaves_its_place_to_the_next(start, clients):
    server = start(threads(2, "tests.e2e.apps:failing_at_first()"))
    first = clients.wire(server.url, handshake=False)
    first.send(first.request())
    assert first.read_until(b"\r\n").startswith(b"HTTP/1.1 500 ")
    assert clients(server.url).join()["type"] == "ResolvePromise"
    late = clients.wire(server.url, handshake=False)
    late.send(late.request())
    assert answer_to(late) == (503, FULL)


@pytest.mark.parametrize("limit", ["PIEHUB_MAX_CLIENTS", "PIEHUB_MAX_CLIENTS_PER_ADDRESS"])
def test_who_asks_for_a_place_that_another_has_just_got_does_not_get_it(limit):
    hub = create_app(PIEHUB_SECRET_KEY="for tests", **{limit: 2}).extensions["piehub"]
    assert [hub.keep_place("192.0.2.1") for _ in range(3)] == [True, True, False]
    hub.arrived_from("192.0.2.1")
    assert not hub.keep_place("192.0.2.1")
    hub.give_back_place("192.0.2.1")
    hub.gone_from("192.0.2.1")
    assert [hub.keep_place("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert hub.keep_place("192.0.2.2") is (limit == "PIEHUB_MAX_CLIENTS_PER_ADDRESS")


def answer_to(wire):
    """The status, and what a refusal says."""
    status = int(wire.read_until(b"\r\n\r\n").split()[1])
    return status, b"" if status == 101 else wire.read_until(b"\n")
