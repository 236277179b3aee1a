"""What clients see when the process is told to end, or ends without a word."""

import socket
from time import monotonic

import gevent
import pytest

from tests.e2e.test_starting import WAYS
from tests.support.peer import ROOM
from tests.support.process import free_port

GENTLE = ["gunicorn", "python -m piehub", "gevent-websocket's worker", "python wsgi.py"]


@pytest.mark.parametrize("way", GENTLE)
def test_sigterm_closes_every_client_with_1012_and_ends_within_ten_seconds(way, start, clients):
    server = start(WAYS[way])
    members = [clients(server.url) for _ in range(3)]
    for member in members:
        member.join()
    silent = clients.wire(server.url)  # never answers the close frame
    began = monotonic()
    server.terminate()
    assert [member.close_code() for member in members] == [1012] * 3
    assert silent.rest().endswith(b"\x88\x17\x03\xf4the hub is restarting")
    assert server.wait(timeout=10) == 0
    assert monotonic() - began < 10
    assert server.log.count("client closed") == 4  # all were waited for
    assert "Traceback" not in server.log


def test_a_room_survives_a_restart_under_connected_clients(start, clients):
    """As the published client does it: same id, the room's info as the hub once gave it."""
    port = free_port()
    first = start(port=port)
    room = {"name": "den", "password": "secret", "maxClients": 2, "togetherTimeoutMs": 700}
    ids = ["anna", "ben"]
    for client_id in ids:
        member = clients(first.url, clientId=client_id)
        info = member.join(**room)["data"]
    assert "password" not in info
    first.kill()
    assert member.close_code() is None

    second = start(port=port)
    members = [clients(second.url, clientId=client_id) for client_id in ids]
    answers = [member.join(make=False, **info, password="secret") for member in members]
    assert [answer["data"] for answer in answers] == [info, info]
    stranger = clients(second.url)
    assert "incorrect password" in stranger.join(make=False, name="den")["err"]
    members[0].say("Data", payload="still here")
    assert members[1].hear_type("Data")["payload"] == "still here"


def test_after_the_rejoin_window_a_lost_room_stays_lost(start, clients):
    server = start(PIEHUB_REJOIN_WINDOW="0")
    member = clients(server.url, clientId="anna")
    answer = member.join(make=False, **ROOM, isPasswordProtected=False)
    assert answer["err"] == "Cannot add client to non-existant room."


def test_a_hook_that_blocks_does_not_hold_up_the_end(start, clients):
    server = start(["gunicorn", "-k", "gevent", "tests.e2e.apps:stubborn"])
    peer, blocked = clients(server.url), clients(server.url)
    blocked.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    server.wait_for_line("on_join has begun")
    began = monotonic()
    server.terminate()
    assert peer.close_code() == 1012
    assert server.wait(timeout=12) == 0
    assert monotonic() - began < 10


def test_a_page_that_was_loaded_does_not_hold_up_the_end(start):
    server = start()
    # Browsers have connections in reserve, too.
    with connected(server) as browser, connected(server) as in_reserve:
        browser.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert browser.recv(12) == b"HTTP/1.1 200"
        began = monotonic()
        server.terminate()
        assert server.wait(timeout=10) == 0
        assert monotonic() - began < 4  # of the eight that gunicorn would wait
        assert in_reserve.recv(1) == b""
    assert "Traceback" not in server.log


def test_a_request_that_is_being_answered_is_read_and_answered_to_the_end(start):
    server = start(["gunicorn", "-k", "gevent", "tests.e2e.apps:hesitant"])
    with connected(server) as browser:
        browser.sendall(b"POST /slow HTTP/1.1\r\nHost: hub\r\nContent-Length: 4\r\n\r\nfi")
        server.wait_for_line("the view has begun")
        server.terminate()
        server.wait_for_line("the view has waited")
        browser.sendall(b"ve")
        with browser.makefile("rb") as answer:
            assert answer.read().endswith(b"five")
    assert server.wait(timeout=10) == 0


def connected(server):
    return socket.create_connection(("127.0.0.1", server.port))


def test_who_comes_in_while_the_hub_begins_to_drain_is_told_too(start, clients):
    server = start(["gunicorn", "-k", "gevent", "tests.e2e.apps:hesitant"])
    first = clients(server.url)
    late = gevent.spawn(clients.wire, server.url, "/?wait=1")
    server.wait_for_line("authorize has begun")
    server.terminate()
    assert first.close_code() == 1012
    assert late.get().rest() == b"\x88\x17\x03\xf4the hub is restarting"
    assert server.wait(timeout=12) == 0


def test_threads_take_leave_of_their_clients_too(start, clients):
    server = start(["gunicorn", "-k", "gthread", "--threads", "8", "wsgi:app"])
    members = [clients(server.url) for _ in range(3)]
    server.terminate()
    assert [member.close_code() for member in members] == [1012] * 3
    assert server.wait(timeout=12) == 0


@pytest.mark.parametrize("way", ["gunicorn", "python wsgi.py"])
def test_ctrl_c_takes_leave_too_and_prints_no_traceback(way, start, clients):
    server = start(WAYS[way])
    members = [clients(server.url) for _ in range(3)]
    server.interrupt()
    assert [member.close_code() for member in members] == [1012] * 3
    assert server.wait(timeout=10) == 0
    assert "Traceback" not in server.log
