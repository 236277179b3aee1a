"""A hub that may open fewer files than clients come."""

import shlex
import sys
from contextlib import ExitStack

import pytest

from tests.support.peer import Wire

FILES = 128  # of which 64 are the process's own, and 16 for requests
WEBSOCKET_WORKER = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"

WAYS = {
    "gunicorn": ["gunicorn", "-k", "gevent", "wsgi:app"],
    "gevent-websocket's worker": ["gunicorn", "-k", WEBSOCKET_WORKER, "wsgi:app"],
    "python wsgi.py": [sys.executable, "wsgi.py"],
    "gevent_pywsgi": ["gunicorn", "-k", "gevent_pywsgi", "wsgi:app"],
}
# How many clients find space, and what it takes for 20,000.
FIGURES = dict.fromkeys(WAYS, (48, 26731)) | {"gevent_pywsgi": (24, 53398)}


@pytest.mark.parametrize("way", WAYS)
def test_who_comes_when_the_files_are_used_up_is_refused_and_the_others_live(way, start, clients):
    server = start(["sh", "-c", f"ulimit -n {FILES} && exec {shlex.join(WAYS[way])}"])
    space, files = FIGURES[way]
    server.wait_for_line(
        f"may open 128 files, which is enough for {space} clients; those beyond are refused, "
        f"although PIEHUB_MAX_CLIENTS is 20000. Raise the limit to {files} "
        r"\(ulimit -n, or LimitNOFILE="
    )
    peers = [clients(server.url) for _ in range(space)]
    for peer in peers[:2]:
        assert peer.join()["type"] == "ResolvePromise"
    refuses_who_comes(server, way, clients)
    with ExitStack() as idle:
        for _ in range(FILES):
            idle.callback(Wire(server.url, handshake=False).close)
        for number in range(20):
            peers[0].say("Data", payload=number)
            assert peers[1].hear_type("Data")["payload"] == number
    refuses_who_comes(server, way, clients)
    peers[-1].close()
    server.wait_for_line(f"client closed id='{peers[-1].id}'")
    assert clients(server.url).join()["type"] == "ResolvePromise"
    assert "Traceback" not in server.log
    assert "Too many open files" not in server.log


def refuses_who_comes(server, way, clients):
    newcomer = clients.wire(server.url, handshake=False)
    newcomer.send(newcomer.request())
    if way in ("gunicorn", "gevent_pywsgi"):
        answer = newcomer.read_until(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 30\r\n" in answer
    else:  # answered before anybody asked the hub
        newcomer.read_until(b"The hub is full; come back later.")
    newcomer.close()
