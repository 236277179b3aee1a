"""The hub behind nginx and behind Caddy, as deploy/ has them."""

from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection

import pytest
from websockets.exceptions import InvalidStatus

from tests.support import proxies
from tests.support.timing import PATIENCE

CLIENTS_OWN = "127.0.0.2"
OPERATORS = (
    *("/metrics", "/dashboard", "/api/rooms"),
    *("/%6detrics", "//metrics", "/api%2Frooms"),
)
FORGED = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(
    params=[
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                proxies.program(name) is None,
                reason=f"there is no {name} here: apt-get install {package}",
            ),
        )
        for name, package in proxies.PACKAGES.items()
    ]
)
def put_before(request, start, tmp_path_factory):
    """Put the proxy before a hub."""

    def put_proxy_before(hub, **changes):
        folder = tmp_path_factory.mktemp(request.param)
        return proxies.START[request.param](start, folder, hub.port, **changes)

    return put_proxy_before


@pytest.fixture
def hub(start):
    """Start a hub that trusts the proxy."""

    def start_hub(command=None, **settings):
        settings = {"PIEHUB_TRUSTED_PROXIES": "127.0.0.1", **settings}
        return start(command, **settings) if command else start(**settings)

    return start_hub


def page(proxy, path):
    """The status and the text of a page."""
    return ask(HTTPSConnection(proxies.NAME, proxy.port, context=proxy.trust), path)


def ask(connection, path):
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_clients_meet_through_it(hub, put_before, clients):
    proxy = put_before(hub())
    first, second = clients(proxy.url, how=proxy.way()), clients(proxy.url, how=proxy.way())
    for each in (first, second):
        assert each.join()["type"] == "ResolvePromise"
    long = "x" * 60_000
    for number in range(20):
        first.say("Data", payload=[number, long])
    assert [second.hear_type("Data")["payload"] for _ in range(20)] == [
        [number, long] for number in range(20)
    ]


def test_its_pages_and_its_health_are_seen_through_it(hub, put_before):
    proxy = put_before(hub())
    assert page(proxy, "/healthz")[0] == 200
    status, text = page(proxy, "/")
    assert status == 200
    assert "piehub" in text


def test_a_page_of_the_hubs_own_host_is_known_as_such_through_it(hub, put_before, clients):
    proxy = put_before(hub(PIEHUB_ALLOWED_ORIGINS="same"))
    own = f"https://{proxies.NAME}:{proxy.port}"
    assert clients(proxy.url, how=proxy.way(origin=own)).id
    with pytest.raises(InvalidStatus) as refused:
        clients(proxy.url, how=proxy.way(origin="https://example.com"))
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("headers", [{}, FORGED], ids=["", "forged"])
def test_the_hub_sees_a_clients_own_address_whatever_it_says(headers, hub, put_before, clients):
    server = hub()
    proxy = put_before(server)
    how = proxy.way(CLIENTS_OWN, additional_headers=headers)
    peer = clients(proxy.url, how=how)
    server.wait_for_line(rf"client opened id='{peer.id}' address={CLIENTS_OWN}$")


def test_the_hub_believes_no_proxy_that_it_does_not_trust(hub, put_before, clients):
    server = hub(PIEHUB_TRUSTED_PROXIES="192.0.2.1")
    proxy = put_before(server)
    peer = clients(proxy.url, how=proxy.way(CLIENTS_OWN))
    server.wait_for_line(rf"client opened id='{peer.id}' address=127\.0\.0\.1:\d+$")


def test_one_address_has_its_share_through_it_and_another_its_own(hub, put_before, clients):
    proxy = put_before(hub(PIEHUB_MAX_CLIENTS_PER_ADDRESS="1"))
    assert clients(proxy.url, how=proxy.way(CLIENTS_OWN)).id
    with pytest.raises(InvalidStatus) as refused:
        clients(proxy.url, how=proxy.way(CLIENTS_OWN, additional_headers=FORGED))
    assert refused.value.response.status_code == 429
    assert clients(proxy.url, how=proxy.way("127.0.0.3")).id


def test_pings_keep_who_is_silent_beyond_the_proxys_time_out(hub, put_before, clients):
    pinging = put_before(hub(PIEHUB_PING_INTERVAL="0.3"), read_timeout=2)
    kept = clients(pinging.url, how=pinging.way())
    mute = put_before(hub(PIEHUB_PING_INTERVAL="0"), read_timeout=2)
    assert clients(mute.url, how=mute.way()).close_code() is None
    assert kept.join()["type"] == "ResolvePromise"


def test_leave_is_taken_through_it_and_clients_come_back(hub, put_before, clients, start):
    server = hub()
    proxy = put_before(server)
    peers = [clients(proxy.url, how=proxy.way()) for _ in range(3)]
    server.terminate()
    assert [peer.close_code() for peer in peers] == [1012] * 3
    assert server.wait(timeout=10) == 0
    with pytest.raises(InvalidStatus) as refused:
        clients(proxy.url, how=proxy.way())
    assert refused.value.response.status_code == 502
    start(port=server.port)
    assert clients(proxy.url, how=proxy.way()).join()["type"] == "ResolvePromise"


def test_a_page_that_was_seen_through_it_does_not_hold_up_the_hubs_end(hub, put_before):
    server = hub()
    assert page(put_before(server), "/healthz")[0] == 200
    server.terminate()
    assert server.wait(timeout=PATIENCE) == 0


def test_who_finds_the_hub_full_is_told_so_through_it(hub, put_before, clients):
    proxy = put_before(hub(PIEHUB_MAX_CLIENTS="1"))
    assert clients(proxy.url, how=proxy.way()).id
    with pytest.raises(InvalidStatus) as refused:
        clients(proxy.url, how=proxy.way())
    answer = refused.value.response
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert answer.body == b"The hub is full; come back later.\n"


def test_what_is_for_operators_is_not_seen_through_it(hub, put_before):
    server = hub(["gunicorn", "-k", "gevent", "tests.e2e.apps:operated()"])
    proxy = put_before(server)
    for path in OPERATORS:
        assert page(proxy, path)[0] == 404, path
    assert "an operator's page" not in server.log
    for path in OPERATORS:  # as it is seen on the hub's own machine
        assert ask(HTTPConnection("127.0.0.1", server.port), path)[0] != 404, path
