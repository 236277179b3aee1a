"""The hub behind gunicorn's own TLS."""

import json
import ssl
import subprocess

import pytest
from websockets.sync.client import connect

from tests.support.peer import ROOM
from tests.support.timing import PATIENCE


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Paths of a certificate for localhost that signs itself, and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    names = folder / "cert.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-out", names[0], "-keyout", names[1]]
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            *subject,
            *files,
        ],
        check=True,
        capture_output=True,
    )
    return names


def test_clients_meet_and_part_over_tls(start, certificate):
    cert, key = certificate
    tls = ["--certfile", str(cert), "--keyfile", str(key)]
    server = start(["gunicorn", "-k", "gevent", *tls, "wsgi:app"])
    trust = ssl.create_default_context(cafile=cert)

    def client():
        return connect(
            f"wss://localhost:{server.port}/",
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
