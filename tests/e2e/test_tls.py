"""The hub behind gunicorn's own TLS."""

import json
import ssl

import pytest
import trustme
from websockets.sync.client import connect

from tests.support.peer import ROOM
from tests.support.timing import PATIENCE


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority, tmp_path_factory):
    """The path of a certificate for loopback, with its key."""
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


def test_clients_meet_and_part_over_tls(start, authority, certificate):
    tls = ["--certfile", certificate, "--keyfile", certificate]
    server = start(["gunicorn", "-k", "gevent", *tls, "wsgi:app"])
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    def client():
        return connect(
            f"wss://127.0.0.1:{server.port}/",
            ssl=trust,
            compression=None,
            max_queue=None,
            proxy=None,
        )

    def hear(socket, kind):
        while (message := json.loads(socket.recv(PATIENCE)))["type"] != kind:
            pass
        return message

    with client() as a, client() as b:
        for socket in (a, b):
            join = {"type": "JoinRoom", "roomInfo": ROOM, "makeRoomIfNonExistant": True}
            socket.send(json.dumps(join))
            hear(socket, "ResolvePromise")
        for number in range(30):
            a.send(json.dumps({"type": "Data", "payload": [number, "x" * 60_000]}))
        assert [hear(b, "Data")["payload"][0] for _ in range(30)] == list(range(30))
        assert [hear(a, "Data")["payload"][0] for _ in range(30)] == list(range(30))
    server.wait_for_line("client closed .*code=1000")
    assert "Traceback" not in server.log
