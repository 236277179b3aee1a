"""Clients for the tests: one that speaks the hub's messages, one that speaks bytes."""

import base64
import json
import socket
from contextlib import ExitStack
from urllib.parse import urlencode, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.timing import A_WHILE, PATIENCE

ROOM = {"app": "chat", "name": "lobby", "version": "1.0.0"}


class Peer:
    """A client that has been told its id. how: to connect, beside what is said here."""

    def __init__(self, url, *, how=None, **query):
        address = f"{url}/?{urlencode(query)}" if query else f"{url}/"
        self._opened = ExitStack()
        self.socket = self._opened.enter_context(
            connect(
                address,
                compression=None,
                max_size=None,
                max_queue=None,  # else it stops reading, and gevent aborts when it is closed so
                proxy=None,
                open_timeout=PATIENCE,
                **(how or {}),
            )
        )
        self.hello = self.hear()
        self.id = self.hello.get("clientId")

    def send(self, text):
        self.socket.send(text)

    def say(self, kind, **fields):
        self.send(json.dumps({"type": kind, **fields}))

    def hear(self):
        """The next message."""
        return json.loads(self.socket.recv(PATIENCE))

    def hear_type(self, kind):
        """The next message of this type, passing over others."""
        while (message := self.hear())["type"] != kind:
            pass
        return message

    def hears_nothing(self):
        try:
            heard = self.socket.recv(A_WHILE)
        except TimeoutError:
            return True
        raise AssertionError(f"heard {heard!r}")

    def join(self, make=True, **info):
        """Join a room and return the promise's answer."""
        self.say("JoinRoom", roomInfo=ROOM | info, makeRoomIfNonExistant=make)
        while (message := self.hear())["type"] not in ("ResolvePromise", "RejectPromise"):
            pass
        return message

    def close_code(self):
        """Wait for the hub to close, and return its code."""
        try:
            while True:
                self.socket.recv(PATIENCE)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    def close(self):
        self._opened.close()


class Wire:
    """A client that sends what bytes it likes, and sees every byte that comes."""

    def __init__(self, url, path="/", handshake=True):
        self.address = urlsplit(url)
        self.socket = socket.create_connection(
            (self.address.hostname, self.address.port), timeout=PATIENCE
        )
        self.received = b""
        if handshake:
            self.socket.sendall(self.request(path))
            self.read_until(b"\r\n\r\n")

    def request(self, path="/", method="GET", version="HTTP/1.1", **changes):
        """An upgrade request; `changes` set headers (Sec_WebSocket_Key="x") or drop them (None)."""
        headers = {
            "Host": self.address.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
        }
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        lines = [f"{method} {path} {version}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join([*lines, "", ""]).encode()

    def send(self, data):
        self.socket.sendall(data)

    def read_until(self, mark):
        """Read up to and with `mark`, and return that; what came behind it waits."""
        while mark not in self.received:
            self.received += self._more()
        end = self.received.index(mark) + len(mark)
        taken, self.received = self.received[:end], self.received[end:]
        return taken

    def frame(self):
        """The next frame as (opcode, payload)."""
        head = self.take(2)
        size = head[1]
        if size == 126:
            size = int.from_bytes(self.take(2), "big")
        elif size == 127:
            size = int.from_bytes(self.take(8), "big")
        return head[0] & 15, self.take(size)

    def rest(self):
        """Everything up to the end of the stream."""
        while data := self.socket.recv(65536):
            self.received += data
        return self.received

    def take(self, count):
        """The next bytes."""
        while len(self.received) < count:
            self.received += self._more()
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the hub closed; unread: {self.received[:200]!r}")
        return data

    def close(self):
        self.socket.close()


def masked(opcode, payload, fin=True, mask=b"\x01\x02\x03\x04"):
    """A frame as a client sends it."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([(0x80 if fin else 0) | opcode]) + length + mask + body
