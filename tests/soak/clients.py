"""Clients so cheap that one process has thousands, and checks all that they hear."""

import socket
import struct

from gevent import get_hub
from gevent.event import Event

from tests.support.timing import PATIENCE

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
READ = 1  # libev names it so

_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close by a reset


def frame(text, head=TEXT):
    """As a client sends it: masked, by a key of zeros, which no server can tell from others."""
    size = len(text)
    if size < 126:
        return bytes((head, 0x80 | size, 0, 0, 0, 0)) + text
    return bytes((head, 0x80 | 126)) + size.to_bytes(2, "big") + bytes(4) + text


def split(data):
    """The hub's frames that `data` begins with, as (first byte, payload), and what is left."""
    found = []
    at, end = 0, len(data)
    while end - at >= 2:
        size, begin = data[at + 1], at + 2
        if size >= 126:
            wide = 2 if size == 126 else 8
            begin += wide
            if begin > end:
                break
            size = int.from_bytes(data[at + 2 : begin], "big")
        if begin + size > end:
            break
        found.append((data[at], data[begin : begin + size]))
        at = begin + size
    return found, data[at:]


def connect(port, path="/", *, patience=PATIENCE, is_far=False):
    """A socket whose handshake is answered, and what came behind that. Raises OSError.

    is_far: with as little room in the kernels as on a line across the internet; over loopback, they
        take megabytes.
    """
    opened = socket.socket()
    try:
        if is_far:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        opened.settimeout(patience)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.connect(("127.0.0.1", port))
        opened.sendall(_REQUEST.format(path=path).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            more = opened.recv(65536)
            if not more:
                raise ConnectionResetError("no answer to the handshake")
            data += more
        head, _, left = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionRefusedError(head.decode())
    except BaseException:
        opened.close()
        raise
    return opened, left


def reset(opened):
    """Close a socket so that the peer is told of an error."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    opened.close()


class Client:
    """A socket after its handshake, read by the loop itself.

    hear(text): called in the loop, which must not wait. answers: whether it says anything to pings
    and to the end. ended: set once the hub has ended it, or we have.
    """

    __slots__ = ("_answers", "_hear", "_left", "_raw", "_socket", "_watcher", "close_code", "ended")

    def __init__(self, opened, hear, *, answers=True):
        self._socket = opened
        self._raw = getattr(opened, "_sock", opened)  # below gevent's
        self._raw.setblocking(False)
        self._hear = hear
        self._left = b""
        self._answers = answers
        self.close_code = None
        self.ended = Event()
        self._watcher = get_hub().loop.io(self._raw.fileno(), READ)
        self._watcher.start(self._on_readable)

    def stop_reading(self):
        self._watcher.stop()

    def read_again(self):
        if not self.ended.is_set():
            self._watcher.start(self._on_readable)

    def send(self, data):
        """Send all of it at once; a hub that does not take it ends the connection."""
        if self.ended.is_set():
            return
        try:
            is_taken = self._raw.send(data) == len(data)
        except OSError:
            is_taken = False
        if not is_taken:
            self.reset()

    def close(self):
        self._end(self._socket.close)

    def reset(self):
        self._end(lambda: reset(self._socket))

    def _on_readable(self):
        try:
            data = self._raw.recv(262_144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        try:
            self.take(data)
        except Exception as error:  # of the soak's own: the loop would merely print it
            get_hub().handle_system_error(type(error), error)

    def take(self, data):
        """Deal with what has come."""
        found, self._left = split(self._left + data if self._left else data)
        for head, payload in found:
            if head == TEXT:
                self._hear(payload)
            elif head == CLOSE:
                self.close_code = int.from_bytes(payload[:2], "big")
            elif head not in (PING, PONG):
                raise ValueError(f"a frame that begins with {head:#x}: {payload!r}")
            if self._answers and head == PING:
                self.send(frame(payload, PONG))
            elif self._answers and head == CLOSE:
                self.send(frame(payload[:2], CLOSE))

    def _end(self, how):
        if not self.ended.is_set():
            self._watcher.stop()
            self._watcher.close()
            how()
            self.ended.set()
