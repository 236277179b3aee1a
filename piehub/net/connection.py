"""One client's socket as a WebSocket: messages in, frames out, pings, and how it ends."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from piehub.net.outbox import Outbox
from piehub.net.runtime import Event, Runtime
from piehub.wire import close_codes, frames
from piehub.wire.frames import BINARY, CLOSE, PING, TEXT, WireError
from piehub.wire.reader import Reader

_MESSAGES = (TEXT, BINARY)

CLOSE_TIMEOUT = 2.0  # seconds for the peer to answer a close frame
STALL_TIMEOUT = 10.0  # seconds without a byte taken, after which a full client is given up


@dataclass(frozen=True)
class Limits:
    """What one client may do.

    max_message_bytes, max_fragments: in one message. outbox_bytes: may wait to be sent to it.
    rate_limit: messages a second, 0 is any number. rate_burst: messages at once.
    """

    max_message_bytes: int
    outbox_bytes: int
    rate_limit: float
    rate_burst: float
    max_fragments: int = 1024


class Connection:
    """`serve` runs in the greenlet (or thread) of the request, within `with connection:`.

    Everything else may be called by anyone, from within the runtime.
    """

    __slots__ = (
        "_ended",
        "_limits",
        "_link",
        "_peer_has_closed",
        "_probes",
        "_reader",
        "_runtime",
        "_tokens",
        "_tokens_at",
        "closing_at",
        "heard_at",
        "outbox",
        "pinged_at",
        "push",
        "received",
    )

    def __init__(self, runtime: Runtime, client: socket.socket, limits: Limits) -> None:
        self._runtime = runtime
        self._limits = limits
        self._link = runtime.link(
            client,
            limits.outbox_bytes,
            frames.close(close_codes.TOO_SLOW, "too much was waiting for this client"),
        )
        self.push = self._link.push
        self.outbox: Outbox = self._link.outbox
        self._reader = Reader(
            max_message_bytes=limits.max_message_bytes, max_fragments=limits.max_fragments
        )
        self.received = 0  # messages
        self.heard_at = monotonic()  # when the last bytes came
        self.pinged_at: float | None = None  # when a ping was sent that nothing has answered
        self.closing_at: float | None = None  # when a close frame was sent
        self._peer_has_closed = False
        self._ended: tuple[int, str] | None = None  # code and reason, once it is known
        self._probes: list[Event] = []
        self._tokens = limits.rate_burst
        self._tokens_at = self.heard_at

    @property
    def sent(self) -> int:
        """Frames sent, control frames too."""
        return self.outbox.sent

    @property
    def waiting(self) -> int:
        """Bytes that wait to be sent."""
        return self.outbox.waiting

    @property
    def is_listening(self) -> bool:
        """Whether a pong would be read now, rather than after user code or a full outbox."""
        return self._link.is_listening

    @property
    def is_too_slow(self) -> bool:
        """Whether the outbox has overflowed."""
        return self.outbox.overflowed

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        """Send what still waits, end the socket, and let go of it."""
        try:
            self._link.flush(CLOSE_TIMEOUT)
            if self.closing_at is not None and not self._peer_has_closed:
                self._link.linger(CLOSE_TIMEOUT)
            self._link.shut_down()
        finally:
            self._link.release()  # in any case: a watcher must not outlive its socket

    def serve(self, on_message: Callable[[int, bytes], None]) -> None:
        """Read until the connection ends, handing over each message as (TEXT or BINARY, payload).

        An exception in `on_message` is the caller's bug; it closes the connection with 1011 and
        goes on to the caller.
        """
        try:
            self._read(on_message)
        except WireError as error:
            self.close(error.code, error.reason)
        except BaseException:
            self.close(close_codes.INTERNAL_ERROR, "internal error")
            raise

    def how_it_ended(self) -> tuple[int, str]:
        """The close code and reason: ours if we closed first, else the peer's; 1006 if neither."""
        if self.outbox.overflowed:
            return close_codes.TOO_SLOW, "too slow"
        return self._ended or (close_codes.ABNORMAL, "")

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, and nothing after it; take no more messages.

        The heartbeat ends a peer that never answers.
        """
        if self.closing_at is None:
            self.closing_at = monotonic()
            self._ended = self._ended or (code, reason)
            self._link.push_last(frames.close(code, reason))

    def give_up(self, code: int, reason: str) -> None:
        """Close without waiting for the peer's answer: `serve` returns at once."""
        self.close(code, reason)
        self._link.stop_receiving()

    def shut_down(self) -> None:
        """End the socket without further words."""
        self._link.shut_down()

    def ping(self) -> None:
        """Ask for a sign of life; whatever comes next is one."""
        self.pinged_at = monotonic()
        self.push(frames.encode(PING, b""))

    def answers(self, timeout: float) -> bool:
        """Ping, and say whether the peer gave a sign of life within `timeout` seconds.

        A client whose reader is busy with user code or a full outbox counts as alive.
        """
        if self.closing_at is not None or self.is_too_slow:
            return False
        if not self.is_listening:
            return True
        probe = self._runtime.event()
        self._probes.append(probe)
        self.ping()
        return probe.wait(timeout)

    def _read(self, on_message: Callable[[int, bytes], None]) -> None:
        link, outbox, feed = self._link, self.outbox, self._reader.feed
        rate, burst = self._limits.rate_limit, self._limits.rate_burst
        half_full = self._limits.outbox_bytes // 2
        while data := link.receive():
            self._heard()
            if rate:
                refilled = self._tokens + (self.heard_at - self._tokens_at) * rate
                self._tokens = refilled if refilled < burst else burst
                self._tokens_at = self.heard_at
            for opcode, payload in feed(data):
                if rate:
                    self._tokens -= 1
                    if self._tokens < 0:
                        raise WireError(close_codes.TOO_MANY_MESSAGES, "Rate limit exceeded")
                if opcode in _MESSAGES:
                    if self.closing_at is None:
                        self.received += 1
                        on_message(opcode, payload)
                elif opcode == PING:
                    self.push(frames.encode(frames.PONG, payload))
                elif opcode == CLOSE:
                    self._peer_closed(payload)
                    return
            if outbox.waiting > half_full:
                self._wait_for_outbox(half_full)

    def _wait_for_outbox(self, size: int) -> None:
        """Who does not read is not read from: what it sends would only fill its outbox."""
        outbox = self.outbox
        while outbox.waiting > size:
            written = outbox.written
            self._link.flush(STALL_TIMEOUT)
            if outbox.size and outbox.written == written:
                raise WireError(close_codes.TOO_SLOW, "nothing was read for too long")

    def _heard(self) -> None:
        self.heard_at = monotonic()
        self.pinged_at = None
        if self._probes:
            for probe in self._probes:
                probe.set()
            self._probes.clear()

    def _peer_closed(self, payload: bytes) -> None:
        code, reason = frames.parse_close(payload)
        self._ended = self._ended or (code, reason)
        if self.closing_at is None:
            self.closing_at = monotonic()
            # RFC 6455 section 5.5.1: answer with the code that came.
            self._link.push_last(frames.encode(CLOSE, payload[:2]))
        self._peer_has_closed = True
