"""The hub behind gunicorn's own TLS."""

import json
import os
import socket
import ssl
import struct
from contextlib import ExitStack

import pytest
import trustme
from websockets.sync.client import connect

from tests.support.peer import ROOM, masked
from tests.support.process import descendants
from tests.support.timing import PATIENCE

WORKERS = {
    "gunicorn": "gevent",
    "gevent-websocket's worker": "geventwebsocket.gunicorn.workers.GeventWebSocketWorker",
}
TEXT = 1
RESETS = 10
HALF_A_HANDSHAKE = bytes.fromhex("16 0301 0200 01 0001fc 0303")  # how a client's hello begins


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority, tmp_path_factory):
    """The path of a certificate for loopback, with its key."""
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def secure(start, certificate):
    """Start a hub behind TLS."""

    def start_secure(worker="gevent", *options, **settings):
        tls = ["--certfile", certificate, "--keyfile", certificate]
        return start(["gunicorn", "-k", worker, *tls, *options, "wsgi:app"], **settings)

    return start_secure


@pytest.fixture
def client(authority):
    """Connect to a hub whose certificate is trusted."""
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    def connect_securely(server):
        return connect(
            f"wss://127.0.0.1:{server.port}/",
            ssl=trust,
            compression=None,
            max_queue=None,
            proxy=None,
        )

    return connect_securely


def hear(socket, kind):
    while (message := json.loads(socket.recv(PATIENCE)))["type"] != kind:
        pass
    return message


def join(socket, **info):
    room = ROOM | info
    socket.send(json.dumps({"type": "JoinRoom", "roomInfo": room, "makeRoomIfNonExistant": True}))
    hear(socket, "ResolvePromise")


def test_clients_meet_and_part_over_tls(secure, client):
    server = secure()
    with client(server) as a, client(server) as b:
        for each in (a, b):
            join(each)
        for number in range(30):
            a.send(json.dumps({"type": "Data", "payload": [number, "x" * 60_000]}))
        assert [hear(b, "Data")["payload"][0] for _ in range(30)] == list(range(30))
        assert [hear(a, "Data")["payload"][0] for _ in range(30)] == list(range(30))
    server.wait_for_line("client closed .*code=1000")
    assert "Traceback" not in server.log


def test_who_asks_much_at_once_gets_as_much_as_finds_space(secure, client):
    """Under TLS nothing leaves before all of them have been answered."""
    server = secure(
        PIEHUB_OUTBOX_BYTES="16000", PIEHUB_MAX_MESSAGE_BYTES="2000", PIEHUB_MAX_MEMBERS="50"
    )
    with ExitStack() as opened:
        for number in range(20):
            member = opened.enter_context(client(server))
            join(member, name=f"{number:02}", app="a" * 200, version="1" * 200)
        asker = opened.enter_context(client(server))
        asker.socket.sendall(masked(TEXT, b'{"type": "GetRooms"}') * 5)
        answers = [hear(asker, "Rooms") for _ in range(5)]
        assert all(answer["more"] for answer in answers)
        counts = [len(answer["rooms"]) for answer in answers]
        assert counts[0] > 2 * counts[2] > 2 * counts[4] > 0
        join(asker)


@pytest.mark.parametrize("worker", WORKERS.values(), ids=WORKERS)
def test_who_does_not_come_to_the_end_of_its_tls_handshake_is_closed(
    worker, secure, client, clients
):
    server = secure(worker, "--log-level", "debug", PIEHUB_HEADER_TIMEOUT="1")
    with client(server) as healthy:
        silent = clients.wire(server.url, handshake=False)
        slow = clients.wire(server.url, handshake=False)
        slow.send(HALF_A_HANDSHAKE)
        assert silent.rest() == slow.rest() == b""
        server.wait_for_line("piehub: a TLS handshake failed: it took too long")
        join(healthy)


@pytest.mark.parametrize("worker", WORKERS.values(), ids=WORKERS)
def test_a_tls_handshake_that_fails_leaves_neither_a_traceback_nor_a_file(
    worker, secure, client, clients
):
    server = secure(worker, "--log-level", "debug")
    with client(server) as healthy:
        files = f"/proc/{descendants(server.pid)[-1]}/fd"
        before = len(os.listdir(files))
        for _ in range(RESETS):
            gone = clients.wire(server.url, handshake=False)
            gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.close()
        plain = clients.wire(server.url, handshake=False)
        plain.send(plain.request())
        with pytest.raises(ConnectionResetError):
            plain.rest()
        server.wait_for_line(r"piehub: a TLS handshake failed: .*http request")
        join(healthy)
        assert server.log.count("a TLS handshake failed") == RESETS + 1
        assert len(os.listdir(files)) == before
    assert "Traceback" not in server.log
