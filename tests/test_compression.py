"""permessage-deflate, as clients that offer it see it."""

import json
import zlib

import pytest
from geventwebsocket.handler import WebSocketHandler

from piehub.net import flusher
from tests.support.peer import ROOM, masked
from tests.support.timing import PATIENCE

OFFER = "permessage-deflate; client_max_window_bits"
LONG = "all work and no play " * 100
TEXT, CLOSE = 1, 8


@pytest.fixture
def url(service):
    return service.start(compression=True, room_cleanup_delay=0, max_message_bytes=10_000)


def client(service, url, offer=OFFER):
    """A client of bytes that has offered compression, and the hub's answer to that."""
    wire = service.wire(url, handshake=False)
    wire.send(wire.request(Sec_WebSocket_Extensions=offer))
    head = wire.read_until(b"\r\n\r\n").decode()
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
    wire.frame()
    return wire, headers.get("Sec-WebSocket-Extensions")


def deflated(message):
    stream = zlib.compressobj(wbits=-15)
    data = stream.compress(json.dumps(message).encode()) + stream.flush(zlib.Z_SYNC_FLUSH)
    return data[:-4]


def compressed(message):
    return bytes([masked(TEXT, b"")[0] | 0x40]) + masked(TEXT, deflated(message))[1:]


def hear(wire, kind):
    """The next message of a kind, and whether it came compressed."""
    while True:
        while len(wire.received) < 2:
            wire.received += wire.socket.recv(65536)
        is_compressed = bool(wire.received[0] & 0x40)
        opcode, payload = wire.frame()
        assert opcode == TEXT, payload
        if is_compressed:
            payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
        message = json.loads(payload)
        if message["type"] == kind:
            return message, is_compressed


def join(wire, **info):
    message = {"type": "JoinRoom", "roomInfo": ROOM | info, "makeRoomIfNonExistant": True}
    wire.send(masked(TEXT, json.dumps(message).encode()))
    hear(wire, "ResolvePromise")
    return wire


def test_nobody_gets_compression_unless_it_is_turned_on(service):
    _, agreed = client(service, service.start())
    assert agreed is None


def test_who_offers_compression_gets_it_with_nothing_carried_over(service, url):
    _, agreed = client(service, url)
    assert set(agreed.replace(" ", "").split(";")) >= {
        "permessage-deflate",
        "server_no_context_takeover",
        "client_no_context_takeover",
    }


def test_who_offers_none_gets_none(service, url):
    _, agreed = client(service, url, None)
    assert agreed is None


def test_a_long_message_is_deflated_once_for_all_who_take_it(service, url, monkeypatch):
    squeezed = []
    text = flusher.deflate.text
    monkeypatch.setattr(
        flusher.deflate, "text", lambda payload: (squeezed.append(payload), text(payload))[1]
    )
    wires = [join(client(service, url)[0]) for _ in range(5)]
    squeezed.clear()
    wires[0].send(compressed({"type": "Data", "payload": LONG}))
    for wire in wires:
        message, is_compressed = hear(wire, "Data")
        assert (message["payload"], is_compressed) == (LONG, True)
    assert len(squeezed) == 1


def test_those_who_take_it_and_those_who_do_not_hear_the_same_in_one_order(service, url):
    takes = [join(client(service, url)[0]) for _ in range(2)]
    plain = [join(client(service, url, None)[0]) for _ in range(2)]
    for number, payload in enumerate((LONG, "short", LONG, "short")):
        takes[number % 2].send(compressed({"type": "Data", "payload": [number, payload]}))
        plain[number % 2].send(
            masked(TEXT, json.dumps({"type": "Data", "payload": [number, payload]}).encode())
        )
    heard = [[hear(wire, "Data") for _ in range(8)] for wire in (*takes, *plain)]
    orders = [[message["payload"] for message, _ in messages] for messages in heard]
    assert orders[1:] == orders[:-1]
    assert [is_compressed for _, is_compressed in heard[2]] == [False] * 8
    assert sum(is_compressed for _, is_compressed in heard[0]) == 4


def test_a_short_message_stays_plain(service, url):
    wire = join(client(service, url)[0])
    wire.send(compressed({"type": "Data", "payload": "short"}))
    assert hear(wire, "Data")[1] is False


def test_a_long_answer_to_one_is_deflated_too(service, url):
    wires = [join(client(service, url)[0], name=f"room {number}") for number in range(20)]
    wires[0].send(compressed({"type": "GetRooms"}))
    message, is_compressed = hear(wires[0], "Rooms")
    assert (len(message["rooms"]), is_compressed) == (20, True)


def test_a_bomb_is_closed_with_1009(service, url):
    wire, _ = client(service, url)
    wire.send(compressed({"type": "Data", "payload": "x" * 5_000_000}))
    opcode, payload = wire.frame()
    assert (opcode, payload[:2]) == (CLOSE, (1009).to_bytes(2, "big"))


def test_a_published_implementation_understands_it_both_ways(service, url):
    from websockets.sync.client import connect

    with connect(url, max_queue=None, proxy=None) as socket:
        message = {"type": "JoinRoom", "roomInfo": ROOM, "makeRoomIfNonExistant": True}
        socket.send(json.dumps(message))
        socket.send(json.dumps({"type": "Data", "payload": LONG}))
        while (heard := json.loads(socket.recv(PATIENCE)))["type"] != "Data":
            pass
    assert heard["payload"] == LONG


def test_behind_gevent_websocket_there_is_none(service):
    _, agreed = client(service, service.start(compression=True, handler_class=WebSocketHandler))
    assert agreed is None
