"""What an upgrade request is answered with."""

import re

import flask
import gevent
import pytest
from flask import Flask
from geventwebsocket.handler import WebSocketHandler

from piehub import PieHub
from piehub.web import upgrade
from tests.support.peer import Wire, masked
from tests.support.timing import MS, PATIENCE


def answer(service, url, request):
    """Send a request; return the status and the body of the answer."""
    wire = service.wire(url, handshake=False)
    wire.send(request(wire))
    head = wire.read_until(b"\r\n\r\n").decode()
    status = int(head.split()[1])
    length = next(
        (
            int(line.split(":")[1])
            for line in head.splitlines()
            if "ontent-" in line and "ength" in line
        ),
        0,
    )
    while len(wire.received) < length:
        wire.received += wire.socket.recv(65536)
    return status, head, wire.received[:length].decode()


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        pytest.param({"Sec_WebSocket_Version": "12"}, 426, "version 13", id="version 12"),
        pytest.param({"Sec_WebSocket_Version": None}, 426, "version 13", id="no version"),
        pytest.param({"Sec_WebSocket_Key": None}, 400, "16 bytes", id="no key"),
        pytest.param({"Sec_WebSocket_Key": "c2hvcnQ="}, 400, "16 bytes", id="short key"),
        pytest.param({"Sec_WebSocket_Key": "***"}, 400, "16 bytes", id="key that is no base64"),
        pytest.param(
            {"Sec_WebSocket_Key": "MDEyMzQ1Njc4*OWFiY2RlZg=="},
            400,
            "16 bytes",
            id="key with a star",
        ),
        pytest.param({"method": "POST"}, 405, "", id="POST"),
        pytest.param({"version": "HTTP/1.0"}, 400, "HTTP/1.1", id="HTTP/1.0"),
        pytest.param({"path": "/?clientId=" + "x" * 129}, 400, "at most 128", id="long client id"),
        pytest.param({"path": "/?clientId=a%0Ab"}, 400, "control", id="client id with a newline"),
        pytest.param({"path": "/?clientId=a%E2%80%A8b"}, 400, "line ends", id="id with U+2028"),
        pytest.param(
            {"path": "/?clientId=a%E2%80%8Bb"}, 400, "control", id="client id with nothing to see"
        ),
        pytest.param({"path": "/nowhere"}, 404, "", id="another path"),
        pytest.param({"Host": None}, 400, "name its Host", id="no host"),
        pytest.param({"Host": ""}, 400, "name its Host", id="an empty host"),
        pytest.param({"Content_Length": "5"}, 400, "no body", id="a body"),
        pytest.param({"Transfer_Encoding": "chunked"}, 400, "no body", id="a body in chunks"),
    ],
)
def test_a_bad_handshake_is_refused_with_its_reason(changes, status, text, service):
    url = service.start()
    got, _, body = answer(service, url, lambda wire: wire.request(**changes))
    assert (got, text in body) == (status, True)
    assert service.peer(url).id


def test_who_is_refused_is_in_the_log_with_the_reason(service, capsys):
    url = service.start()
    answer(service, url, lambda wire: wire.request(Sec_WebSocket_Key="c2hvcnQ="))
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        r".* INFO client refused address=127\.0\.0\.1:\d+ status=400 "
        r"reason='Sec-WebSocket-Key must be 16 bytes in base64.'",
        line,
    )


@pytest.mark.parametrize(
    ("changes", "status", "headers"),
    [
        (
            {"Sec_WebSocket_Version": "8"},
            426,
            ["Sec-WebSocket-Version: 13", "Upgrade: websocket", "Connection: Upgrade"],
        ),
        ({"method": "OPTIONS"}, 405, ["Allow: GET"]),
        ({"Sec_WebSocket_Key": None}, 400, ["Content-Type: text/plain; charset=utf-8"]),
    ],
)
def test_a_refusal_says_in_its_headers_what_would_do(changes, status, headers, service):
    got, head, _ = answer(service, service.start(), lambda wire: wire.request(**changes))
    assert got == status
    assert [header for header in headers if header not in head.splitlines()] == []


def test_an_id_may_be_as_long_as_the_limit(service):
    client_id = "x" * 128
    assert service.peer(service.start(), clientId=client_id).id == client_id


def test_compression_is_not_agreed_to(service):
    wire = service.wire(service.start(), handshake=False)
    wire.send(wire.request(Sec_WebSocket_Extensions="permessage-deflate"))
    head = wire.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert b"xtensions" not in head


def test_the_handshake_answers_the_key(service):
    wire = service.wire(service.start(), handshake=False)
    wire.send(wire.request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ=="))  # RFC 6455, section 1.3
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in wire.read_until(b"\r\n\r\n")


def test_behind_gevent_websocket_a_refusal_is_a_close_frame(service):
    """It has answered the handshake before the app is called."""
    pie = PieHub()
    app = Flask(__name__)
    app.config["PIEHUB_SECRET_KEY"] = "for tests"
    pie.init_app(app)
    pie.authorize(lambda: False)
    wire = service.wire(service.start(app, handler_class=WebSocketHandler))
    opcode, payload = wire.frame()
    assert (opcode, payload) == (8, (1008).to_bytes(2, "big") + b"403 Forbidden")
    wire.close()


def test_behind_gevent_websocket_a_draining_hub_closes_with_1012(service):
    url = service.start(handler_class=WebSocketHandler)
    service.hub.drain()
    opcode, payload = service.wire(url).frame()
    assert (opcode, payload[:2]) == (8, (1012).to_bytes(2, "big"))
    assert payload[2:] == b"The hub is restarting; come back in a moment."


def test_behind_gevent_websocket_a_close_frame_is_answered_once(service):
    url = service.start(handler_class=WebSocketHandler)
    wire = service.wire(url)
    wire.frame()
    wire.send(masked(8, b"\x03\xe8"))
    assert wire.rest() == b"\x88\x02\x03\xe8"


def test_a_draining_hub_takes_nobody_new(service):
    url = service.start()
    service.peer(url)
    service.hub.is_draining = True
    status, head, body = answer(service, url, Wire.request)
    assert (status, "Retry-After: 5\r\n" in head) == (503, True)
    assert "restarting" in body


def test_behind_gevent_websocket_an_authorize_that_fails_closes_with_1011(service, caplog):
    pie = PieHub()
    app = Flask(__name__)
    app.config["PIEHUB_SECRET_KEY"] = "for tests"
    pie.init_app(app)
    pie.authorize(lambda: 1 / 0)
    wire = service.wire(service.start(app, handler_class=WebSocketHandler))
    assert wire.frame() == (8, (1011).to_bytes(2, "big") + b"internal error")
    assert "ZeroDivisionError" in caplog.text
    wire.close()


def test_a_full_hub_refuses_the_next_until_somebody_has_gone(service):
    url = service.start(max_clients=2)
    first, _ = service.peer(url), service.peer(url)
    status, head, body = answer(service, url, Wire.request)
    assert (status, "Retry-After: 30\r\n" in head) == (503, True)
    assert "full" in body
    first.close()
    with gevent.Timeout(PATIENCE):
        while len(service.hub.heartbeat) > 1:
            gevent.sleep(MS)
    assert service.peer(url).id


def test_an_address_with_enough_clients_gets_no_more_until_one_has_gone(service):
    url = service.start(max_clients_per_address=2)
    first, _ = service.peer(url), service.peer(url)
    status, head, body = answer(service, url, Wire.request)
    assert (status, "Retry-After: 30\r\n" in head) == (429, True)
    assert body.startswith("This address has 2 clients here, as many as this hub allows")
    first.close()
    with gevent.Timeout(PATIENCE):
        while service.hub.has_enough_from("127.0.0.1"):
            gevent.sleep(MS)
    assert service.peer(url).id


def test_nothing_is_kept_of_where_clients_came_from_once_they_have_gone(service):
    url = service.start(max_clients_per_address=1)
    service.peer(url).close()
    with gevent.Timeout(PATIENCE):
        while service.hub.has_enough_from("127.0.0.1"):
            gevent.sleep(MS)
    assert not service.hub._clients_from


def test_behind_a_trusted_proxy_each_client_is_counted_and_named_by_its_own_address(
    service, capsys
):
    url = service.start(max_clients_per_address=1, trusted_proxies="127.0.0.0/8")
    for host in ("198.51.100.7", "198.51.100.8"):
        client = service.wire(url, handshake=False)
        client.send(client.request(X_Forwarded_For=f"203.0.113.1, {host}"))
        assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101")
        client.frame()
        assert capsys.readouterr().err.endswith(f" address={host}\n")
    again = answer(service, url, lambda wire: wire.request(X_Forwarded_For="198.51.100.7"))
    assert again[0] == 429
    assert " client refused address=198.51.100.7 status=429 " in capsys.readouterr().err


def test_who_is_no_trusted_proxy_cannot_say_where_it_comes_from(service):
    url = service.start(max_clients_per_address=1)
    service.peer(url)
    status, *_ = answer(service, url, lambda wire: wire.request(X_Forwarded_For="198.51.100.7"))
    assert status == 429


def test_behind_gevent_websocket_an_address_with_enough_clients_is_closed_with_1013(service):
    url = service.start(handler_class=WebSocketHandler, max_clients_per_address=1)
    service.peer(url)
    opcode, payload = service.wire(url).frame()
    assert (opcode, payload[:2]) == (8, (1013).to_bytes(2, "big"))
    assert payload[2:].startswith(b"This address has 1 clients here")


def test_who_was_asked_about_for_so_long_that_the_hub_is_full_is_refused(service):
    pie, may_go_on = PieHub(), gevent.event.Event()
    app = Flask(__name__)
    app.config.update(PIEHUB_SECRET_KEY="for tests", PIEHUB_MAX_CLIENTS=1)
    pie.init_app(app)
    pie.authorize(lambda: may_go_on.wait(PATIENCE) if "slow" in flask.request.args else None)
    url = service.start(app)
    slow = gevent.spawn(answer, service, url, lambda wire: wire.request("/?slow=1"))
    gevent.sleep(20 * MS)
    assert service.peer(url).id
    may_go_on.set()
    assert slow.get()[0] == 503


def test_a_request_that_its_server_ends_takes_its_client_along(service, monkeypatch):
    """And lets go of the socket at once: libev aborts over a watcher that outlives it."""
    url = service.start(room_cleanup_delay=0)
    requests = []
    serve = upgrade._serve
    monkeypatch.setattr(
        upgrade, "_serve", lambda *of: (requests.append(gevent.getcurrent()), serve(*of))
    )
    witness, peer = service.peer(url), service.peer(url)
    witness.join()
    peer.join()
    witness.hear_type("ClientPresenceChanged")
    (connection,) = [one for one in service.hub.heartbeat if one.received and one.sent == 3]
    requests[1].kill()
    assert not connection._link._readable.active
    assert witness.hear_type("ClientPresenceChanged")["clients"] == [witness.id]


def test_behind_gevent_websocket_a_full_hub_closes_with_1013(service):
    url = service.start(handler_class=WebSocketHandler, max_clients=1)
    service.peer(url)
    assert service.wire(url).frame() == (
        8,
        (1013).to_bytes(2, "big") + b"The hub is full; come back later.",
    )
