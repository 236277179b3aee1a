"""The way past gunicorn's parser and Flask, under a real gunicorn: who may take it, and that it
makes no difference."""

import re
import socket
import struct
from contextlib import closing, suppress

import gevent
import pytest

from tests.e2e.apps import WATCHERS
from tests.support.peer import Wire, masked
from tests.support.timing import MS, PATIENCE

KEY = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="
UPGRADE = [
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    KEY,
]
PAGE = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
EARLY = masked(9, b"early")  # a ping that is sent together with a head


def head(*lines, first="GET / HTTP/1.1", without="nothing"):
    """An upgrade with more lines, or others."""
    kept = [line for line in UPGRADE if not line.startswith(without)]
    return "\r\n".join([first, *kept, *lines, "", ""]).encode("latin-1")


def gunicorn(app="wsgi:app", *options):
    return ["gunicorn", "-k", "gevent", *options, app]


@pytest.fixture
def wire(clients):
    """Connect to a server, and say nothing yet."""
    return lambda server: clients.wire(server.url, handshake=False)


@pytest.fixture(scope="module")
def servers(start_for_all):
    """Two that differ in one thing: there is a door, and there is none."""
    return [
        start_for_all(gunicorn(f"tests.e2e.apps:pages(door={door})"), PYTHONHASHSEED="0")
        for door in (True, False)
    ]


def greeted(wire):
    """Wait for the hub's first message; return the head of its answer."""
    answer = wire.read_until(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101"), answer
    assert b"ServerAssignedData" in wire.frame()[1]
    return answer


def came_through_the_door(wire):
    """Whether the hub has heard what was sent EARLY: gunicorn reads it with the head, and there it
    ends."""
    wire.send(masked(9, b"late"))
    came = wire.frame() == (10, b"early")
    if came:
        assert wire.frame() == (10, b"late")
    return came


def answer_to(wire):
    """What the server says, but for the time."""
    head = wire.read_until(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    body = wire.take(int(length[1])) if length else b""
    return re.sub(rb"Date: .*", b"", head) + body


PLAIN = {
    "as ever": head(),
    "with a query": head(first="GET /?clientId=anna&x=?/:@ HTTP/1.1"),
    "names in small letters": head()
    .lower()
    .replace(b"get / http", b"GET / HTTP")
    .replace(KEY.lower().encode(), KEY.lower()[:17].encode() + KEY[17:].encode()),
    "a browser's": head(
        "Connection: keep-alive, Upgrade",
        "Origin: https://example.com",
        "Cookie: a=b; c=d",
        "Cache-Control: no-cache",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
        "Accept-Language: de,en-US;q=0.7",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        without="Connection",
    ),
    "a proxy's": head("X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https"),
    "no blanks": head().replace(b": ", b":"),
    "blanks at the ends": head("X-A:   b  "),
    "a port": head("Host: hub.example.com:8080", without="Host"),
    "an address of IPv6": head("Host: [::1]:8080", without="Host"),
}


@pytest.mark.parametrize("form", PLAIN)
def test_a_plain_upgrade_comes_through_the_door(form, servers, wire):
    answers = []
    for server in servers:
        client = wire(server)
        client.send(PLAIN[form] + EARLY)
        answers.append(greeted(client))
        assert came_through_the_door(client) is (server is servers[0])
    assert answers[0] == answers[1]


ODD = {
    # those that are let in, the other way
    "a header that comes twice": head("X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 1.1.1.2"),
    "a tab": head("X-A: b\tc"),
    "not ASCII": head("X-A: \xe4"),
    "a percent-encoded path": head(first="GET %2F HTTP/1.1"),
    "an absolute target": head(first="GET http://127.0.0.1/ HTTP/1.1"),
    "a fragment": head(first="GET /?x#y HTTP/1.1"),
    "a body of nothing": head("Content-Length: 0"),
    "an empty line before": b"\r\n" + head(),
    "a head of 9 KiB": head(*(f"X-{number}: {'x' * 1000}" for number in range(9))),
    "many lines": head(*(f"X-{number}: x" for number in range(80))),
    "a strange host": head("Host: a_b", without="Host"),
    # those that are refused
    "no host": head(without="Host"),
    "a folded header": head("X-A: b", " c"),
    "no colon": head("X-A"),
    "a blank before the colon": head("X-A : b"),
    "an underscore": head("X_A: b"),
    "two keys": head(KEY),
    "two hosts": head("Host: localhost"),
    "a host whose name is too long": head(f"Host: {'a' * 64}.example", without="Host"),
    "a host without a name": head("Host: a..example", without="Host"),
    "schemes that contradict": head("X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"),
    "a control character": head("X-A: b\x01"),
    "a bare line feed": head("X-A: b\nX-B: c"),
    "a bare carriage return": head("X-A: b\rX-B: c"),
    "a body": head("Content-Length: 5") + b"hello",
    "chunks": head("Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "an expectation": head("Expect: 200-ok"),
    "HTTP/1.0": head(first="GET / HTTP/1.0"),
    "HTTP/1.2": head(first="GET / HTTP/1.2"),
    "POST": head(first="POST / HTTP/1.1"),
    "get": head(first="get / HTTP/1.1"),
    "two blanks": head(first="GET  / HTTP/1.1"),
    "a line that is too long": head(first=f"GET /?{'x' * 5000} HTTP/1.1"),
    "another path": head(first="GET /nowhere HTTP/1.1"),
    "no upgrade": head(without="Upgrade"),
    "another upgrade": head("Upgrade: h2c", without="Upgrade"),
    "no connection": head(without="Connection"),
    "a plain page": PAGE,
    "not HTTP": b"hello\r\n\r\n",
    "no key": head(without="Sec-WebSocket-Key"),
    "a short key": head("Sec-WebSocket-Key: c2hvcnQ=", without="Sec-WebSocket-Key"),
    "version 8": head("Sec-WebSocket-Version: 8", without="Sec-WebSocket-Version"),
    "a long id": head(first=f"GET /?clientId={'x' * 129} HTTP/1.1"),
    "an id with a newline": head(first="GET /?clientId=a%0Ab HTTP/1.1"),
}


@pytest.mark.parametrize("form", ODD)
def test_what_is_odd_or_refused_is_answered_as_ever(form, servers, wire):
    answers = []
    for server in servers:
        client = wire(server)
        client.send(ODD[form])
        answers.append(answer_to(client))
    assert answers[0] == answers[1]
    if answers[0].startswith(b"HTTP/1.1 101"):
        client = wire(servers[0])
        client.send(ODD[form] + EARLY)
        greeted(client)
        assert not came_through_the_door(client)


def test_a_head_may_come_in_pieces(servers, wire):
    client = wire(servers[0])
    for piece in (head()[:60], head()[60:]):
        client.send(piece)
        gevent.sleep(20 * MS)  # so that the door, nearly always, sees the first by itself
    greeted(client)
    client.send(masked(9, b"x"))
    assert client.frame() == (10, b"x")


def test_an_upgrade_may_come_after_a_page(servers, wire):
    client = wire(servers[0])
    for _ in range(2):
        client.send(PAGE)
        assert answer_to(client).endswith(b"a page")
    client.send(head())
    greeted(client)


def test_a_limit_of_requests_which_is_not_used_does_not_shut_the_door(start, wire):
    client = wire(start(gunicorn("wsgi:app", "--max-requests", "1000")))
    client.send(head() + EARLY)
    greeted(client)
    assert came_through_the_door(client)


def test_what_operators_get_does_not_shut_the_door(start, wire):
    client = wire(start(gunicorn(), PIEHUB_ADMIN_TOKEN="an-admin-token-for-tests"))
    client.send(head() + EARLY)
    greeted(client)
    assert came_through_the_door(client)


def test_who_says_nothing_is_closed_without_a_word(start, wire):
    client = wire(start(gunicorn("wsgi:app", "--keep-alive", "1")))
    assert client.rest() == b""


def test_who_goes_without_a_word_leaves_nothing_in_the_log(start, wire):
    server = start()
    client = wire(server)
    client.close()
    broken_off = wire(server)
    broken_off.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    broken_off.close()
    last = wire(server)
    last.send(head() + EARLY)
    greeted(last)
    assert came_through_the_door(last)
    assert "Traceback" not in server.log


def test_a_full_hub_refuses_by_503_and_takes_the_next_once_there_is_space(start, clients, wire):
    server = start(PIEHUB_MAX_CLIENTS="1")
    first, second = clients(server.url), wire(server)
    second.send(head())
    answer = answer_to(second)
    assert answer.startswith(b"HTTP/1.1 503 SERVICE UNAVAILABLE")
    assert b"Retry-After: 30" in answer
    first.close()
    server.wait_for_line("client closed")
    third = wire(server)
    third.send(head() + EARLY)
    greeted(third)
    assert came_through_the_door(third)


def test_a_draining_hub_tells_who_came_through_the_door_and_refuses_the_next(start, wire):
    server = start(gunicorn("tests.e2e.apps:pages(door=True)"))
    first, page, next_one = wire(server), wire(server), wire(server)
    first.send(head() + EARLY)
    greeted(first)
    assert came_through_the_door(first)
    page.send(PAGE.replace(b"/ ", b"/drain "))
    assert first.frame() == (8, b"\x03\xf4the hub is restarting")
    next_one.send(head())
    answer = answer_to(next_one)
    assert answer.startswith(b"HTTP/1.1 503 SERVICE UNAVAILABLE")
    assert b"Retry-After: 5" in answer


def test_who_asks_once_the_worker_listens_no_more_is_let_go_of_without_a_traceback(start, wire):
    server = start()
    late, other = wire(server), wire(server)
    other.send(head())
    greeted(other)  # so the one before it has been accepted, too
    server.terminate()
    while is_listening(server.port):
        gevent.sleep(10 * MS)
    late.send(head())
    with suppress(ConnectionResetError):  # its head is unread
        assert late.rest() == b""
    assert server.wait(timeout=10) == 0
    assert "Traceback" not in server.log


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "app", [*(f"watched('{by}')" for by in WATCHERS if "once" not in by), "passed_off()"]
)
def test_an_app_with_something_of_its_own_is_asked_at_each_upgrade(app, start, clients):
    server = start(gunicorn(f"tests.e2e.apps:{app}"))
    for times in (1, 2):
        clients(server.url)
        server.wait_for_line(f"asked {times}")
    assert "Traceback" not in server.log


def test_an_app_that_serves_one_host_only_is_asked_which(start, wire):
    client = wire(start(gunicorn("tests.e2e.apps:named()")))
    client.send(head() + EARLY)
    greeted(client)
    assert not came_through_the_door(client)


def test_another_route_of_the_apps_on_the_same_path_stays_what_it_is(start, wire):
    client = wire(start(gunicorn("tests.e2e.apps:outvoted()")))
    client.send(head())
    assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101")
    assert client.frame() == (1, b"mine")


def test_who_asks_for_it_late_is_asked_from_then_on(start, clients, wire):
    server = start(gunicorn("tests.e2e.apps:watched('authorize, once a page was seen')"))
    clients(server.url)
    page = wire(server)
    page.send(PAGE)
    assert answer_to(page).endswith(b"from now on")
    assert "asked" not in server.log
    clients(server.url)
    server.wait_for_line("asked 1")


def test_what_gunicorn_is_told_for_all_requests_goes_for_upgrades(start, wire):
    client = wire(start(gunicorn("wsgi:app", "--limit-request-line", "100")))
    client.send(head() + EARLY)
    greeted(client)
    assert not came_through_the_door(client)


def test_beside_gunicorns_script_name_a_path_is_none_of_the_hubs(start, wire):
    client = wire(start(gunicorn("wsgi:app", "-e", "SCRIPT_NAME=/x")))
    client.send(head())
    assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 500")


def test_compression_is_agreed_on_through_the_door_too(start, wire):
    client = wire(start(PIEHUB_COMPRESSION="1"))
    client.send(head("Sec-WebSocket-Extensions: permessage-deflate") + EARLY)
    answer = client.read_until(b"\r\n\r\n")
    assert b"Sec-WebSocket-Extensions: permessage-deflate" in answer
    client.frame()
    assert came_through_the_door(client)


class UnixWire(Wire):
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.received = b""


@pytest.mark.parametrize("kind", ["IPv4", "IPv6", "UNIX socket"])
def test_a_clients_address_reads_the_same_both_ways(kind, start, tmp_path):
    path = str(tmp_path / "socket")
    binds = {"IPv4": "127.0.0.1:{port}", "IPv6": "[::1]:{port}", "UNIX socket": f"unix:{path}"}
    server = start(gunicorn("wsgi:app", "-b", binds[kind]))
    for before, way in ((b"", True), (b"\r\n", False)):
        url = f"ws://{binds[kind].format(port=server.port)}"
        with closing(
            UnixWire(path) if kind == "UNIX socket" else Wire(url, handshake=False)
        ) as client:
            client.send(before + head(first=f"GET /?clientId={way} HTTP/1.1") + EARLY)
            greeted(client)
            assert came_through_the_door(client) is way
            host, port, *_ = client.socket.getsockname() or ("", "")
            seen = server.wait_for_line(f"client opened id='{way}' address=(.*)")
            assert seen[1] == (f"{host}:{port}" if port else "")


def test_a_trusted_proxy_is_believed_through_the_door_too(start, wire):
    server = start(PIEHUB_TRUSTED_PROXIES="127.0.0.1", PIEHUB_MAX_CLIENTS_PER_ADDRESS="1")
    for way, host in (("door", "198.51.100.7"), ("gunicorn", "198.51.100.8")):
        client = wire(server)
        before = b"\r\n" if way == "gunicorn" else b""
        asked = head(f"X-Forwarded-For: {host}", first=f"GET /?clientId={way} HTTP/1.1")
        client.send(before + asked + EARLY)
        greeted(client)
        assert came_through_the_door(client) is (way == "door")
        assert server.wait_for_line(f"client opened id='{way}' address=(.*)")[1] == host
    one_more = wire(server)
    one_more.send(head("X-Forwarded-For: 198.51.100.8"))
    assert answer_to(one_more).startswith(b"HTTP/1.1 429 TOO MANY REQUESTS")


def test_a_strangers_page_does_not_come_through_the_door_either(start, wire):
    server = start(PIEHUB_ALLOWED_ORIGINS="https://example.com")
    for origin, status in (("https://evil.example", 403), ("https://example.com", 101)):
        asked = wire(server)
        asked.send(asked.request(Origin=origin))
        assert asked.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 %d" % status)


def test_a_fault_before_a_client_is_in_is_answered_and_logged(start, wire):
    server = start(gunicorn("tests.e2e.apps:confused()"))
    client = wire(server)
    client.send(head())
    assert answer_to(client).startswith(b"HTTP/1.1 500 INTERNAL SERVER ERROR")
    server.wait_for_line("TypeError: object of type 'NoneType' has no len")


def test_a_fault_of_the_hub_ends_the_socket_and_is_logged(start, wire):
    server = start(gunicorn("tests.e2e.apps:broken()"))
    client = wire(server)
    client.send(head())
    client.rest()
    server.wait_for_line("Error handling request /")
    server.wait_for_line("TypeError: 'NoneType' object is not callable")
    page = wire(server)
    page.send(PAGE)
    assert answer_to(page).startswith(b"HTTP/1.1 426")
