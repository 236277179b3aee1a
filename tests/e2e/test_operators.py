"""The operators' API on each server: what it makes of a path, a token, and a body."""

import json
import sys
from http.client import HTTPConnection

import pytest

from tests.support.operator import TOKEN, path_of
from tests.support.timing import PATIENCE

SERVERS = {
    "gunicorn": ["gunicorn", "-k", "gevent", "wsgi:app"],
    "gunicorn with threads": ["gunicorn", "-k", "gthread", "--threads", "8", "wsgi:app"],
    "gevent-websocket's worker": [
        "gunicorn",
        "-k",
        "geventwebsocket.gunicorn.workers.GeventWebSocketWorker",
        "wsgi:app",
    ],
    "python wsgi.py": [sys.executable, "wsgi.py"],
    "flask run": ["flask", "--app", "wsgi", "run", "--port", "{port}"],
}


def ask(server, method, path, body=None, token=TOKEN):
    """The status of the answer, and its JSON if it has some. body: text, or pieces of one."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request(method, f"/api{path}", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


@pytest.mark.parametrize("name", SERVERS)
def test_a_room_of_any_name_is_seen_told_and_closed_on(name, start, clients):
    server = start(SERVERS[name], PIEHUB_ADMIN_TOKEN=TOKEN)
    peer = clients(server.url)
    room = "/a%2Fb/ä"
    assert peer.join(name=room)["type"] == "ResolvePromise"
    path = path_of(name=room)
    assert ask(server, "GET", path)[1]["members"] == [peer.id]
    assert ask(server, "GET", f"/rooms?name={path.rpartition('/')[2]}")[1]["total"] == 1
    assert ask(server, "POST", f"{path}/messages", '{"payload": 1}') == (200, {"sent": 1})
    assert peer.hear_type("Data")["payload"] == 1
    in_pieces = [b'{"payload": ', b"2}"]
    assert ask(server, "POST", f"{path}/messages", in_pieces) == (200, {"sent": 1})
    assert peer.hear_type("Data")["payload"] == 2
    too_long = [b'{"payload": "', b"x" * 65_536, b'"}']
    assert ask(server, "POST", f"{path}/messages", too_long)[0] == 413
    assert ask(server, "DELETE", path) == (204, None)
    assert peer.hear_type("Err")
    assert ask(server, "DELETE", path)[0] == 404
    assert ask(server, "DELETE", f"/clients/{peer.id}") == (204, None)
    assert peer.close_code() == 1008
    assert ask(server, "GET", "/rooms", token="another-token-altogether")[0] == 401
    server.wait_for_line("wrong token address=127.0.0.1")
    assert TOKEN not in server.log
    assert "Traceback" not in server.log
