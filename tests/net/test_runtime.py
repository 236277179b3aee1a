"""What both runtimes do for a socket."""

import socket

import pytest
from gevent import monkey

from piehub.net.greenlets import Greenlets
from piehub.net.threads import Threads

NativeSocket = monkey.get_original("socket", "socket")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
@pytest.mark.parametrize(
    ("runtime", "make"),
    [(Greenlets, socket.socket), (Threads, NativeSocket)],
    ids=["gevent", "threads"],
)
def test_small_frames_do_not_wait_for_acknowledgements(runtime, make, family):
    with make(family) as client:
        runtime().link(client, 1000, b"").release()
        if family == socket.AF_INET:
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
