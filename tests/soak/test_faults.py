"""What the soak's proxy owes to both of its ends."""

import random
import socket

import pytest

from tests.soak.clients import reset
from tests.soak.faults import Fate, Proxy, half_close
from tests.support.timing import PATIENCE


@pytest.fixture
def ends(monkeypatch):
    """The two ends of a connection of which the hub is to be told that the client is done."""
    fate = Fate(half_close, 0, random.Random(0))
    monkeypatch.setattr(Proxy, "_fates", lambda proxy, chance: (fate, None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(listener.getsockname()[1], seed=0)
        client = socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE)
        hub, _ = listener.accept()
        hub.settimeout(PATIENCE)
        with client, hub:
            client.sendall(b"hello")
            yield client, hub
        proxy.stop()


def test_after_a_half_close_the_other_direction_goes_on(ends):
    client, hub = ends
    assert (hub.recv(5), hub.recv(1)) == (b"hello", b"")
    hub.sendall(b"goodbye")
    assert client.recv(7) == b"goodbye"


def test_a_client_hears_of_a_hub_that_died_after_a_half_close(ends):
    client, hub = ends
    assert (hub.recv(5), hub.recv(1)) == (b"hello", b"")
    reset(hub)
    assert client.recv(1) == b""
