"""Both ends of a connection in process. What goes between them is what goes through a socket."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from piehub.net.outbox import Outbox
from piehub.net.runtime import COPIES_IN_HAND, NOT_LATE, AppCode, Done, Take, native_lock
from piehub.wire import close_codes, frames
from piehub.wire.frames import CLOSE, MASKED, PING, PONG

if TYPE_CHECKING:
    from piehub.testing.in_process import InProcess

_NO_MASK = b"\0\0\0\0"


class End:
    """The client's. It answers pings and the hub's close frame, as browsers do by themselves.

    messages: that have come, and nobody has taken. ended: code and reason, once it has.
    """

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.ended: tuple[int, str] | None = None
        self.link: InProcessLink  # the hub's end, once it has taken it

    def send(self, opcode: int, payload: bytes) -> None:
        """Put a message or a control frame on its way."""
        self.link.arrive(_masked(opcode, payload))

    def say_goodbye(self, code: int, reason: str) -> None:
        """Close, as a page does that is left."""
        self.send(CLOSE, frames.close(code, reason)[2:])
        self.ended = self.ended or (code, reason)

    def break_off(self) -> None:
        """End without a word, as a network does."""
        self.link.arrive(b"")
        self.close()

    def close(self) -> None:
        """Nothing comes any more."""
        self.ended = self.ended or (close_codes.ABNORMAL, "")

    def hear(self, data: bytes) -> None:
        """Take what the hub sends: the answer to the handshake, then a frame each time."""
        if data.startswith(b"HTTP/1.1 101 "):
            return
        opcode, payload = _opened(data)
        if opcode == CLOSE:
            self.ended = self.ended or frames.parse_close(payload)
            self.send(CLOSE, payload[:2])
        elif opcode == PING:
            self.send(PONG, payload)
        else:
            self.messages.append(json.loads(payload))


class InProcessLink:
    """The hub's end. The client takes all at once, so nothing waits in the outbox."""

    def __init__(self, runtime: InProcess, client: End, limit: int, last_words: bytes) -> None:
        self._runtime = runtime
        self._client = client
        self.outbox = Outbox(limit, last_words)
        self._lock = native_lock()  # guards the outbox, and the order in which it is emptied
        self._arrived: deque[bytes] = deque()
        self.is_listening = False
        self.held_up_since: float | None = None
        self.in_hand = 0
        self.late = NOT_LATE
        client.link = self

    def arrive(self, data: bytes) -> None:
        """Bytes from the client; none are its end."""
        self._arrived.append(data)
        self._runtime.spawn(self._read)

    def push(self, frame: bytes, /) -> None:
        with self._lock:
            if self.outbox.is_open:
                self.outbox.put(frame)
                self._empty()

    def push_last(self, frame: bytes, /) -> None:
        with self._lock:
            if self.outbox.is_open:
                self.outbox.finish(frame)
                self._empty()

    def relieve(self) -> None:
        """Nothing waits."""

    def overflow(self) -> None:
        with self._lock:
            self.outbox.overflow()
            self._empty()

    def _empty(self) -> None:
        data = bytes(self.outbox.chunk())
        self.outbox.taken(len(data))
        self._client.hear(data)

    def serve(self, take: Take, done: Done, app_code: AppCode) -> None:
        self._take, self._done = take, done
        self._listen()

    def _listen(self) -> None:
        self.is_listening = True
        self._runtime.spawn(self._read)

    def _read(self) -> None:
        if self.is_listening and self._arrived:
            self.is_listening = False
            data = self._arrived.popleft()
            self.in_hand = COPIES_IN_HAND * len(data)
            goes_on = self._take(data, self._runtime.clock.monotonic())
            self.in_hand = 0
            if goes_on:
                self._listen()
            else:
                self._runtime.spawn(self._done)

    def flush(self, timeout: float | None) -> None:
        """Nothing waits."""

    def linger(self, timeout: float) -> None:
        """The client has heard all that was sent."""

    def stop_receiving(self) -> None:
        self.arrive(b"")

    def shut_down(self) -> None:
        self.arrive(b"")

    def release(self) -> None:
        with self._lock:
            self.outbox.abandon()


def _opened(frame: bytes) -> tuple[int, bytes]:
    """The opcode and the payload of a frame that a server sends."""
    size = frame[1]
    return frame[0] & 15, frame[2 if size < 126 else 4 if size == 126 else 10 :]


def _masked(opcode: int, payload: bytes) -> bytes:
    """A frame as a client sends it."""
    head = frames.encode(opcode, payload)[: -len(payload) or None]
    return head[:1] + bytes((head[1] | MASKED,)) + head[2:] + _NO_MASK + payload
