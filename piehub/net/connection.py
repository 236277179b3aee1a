"""One client's socket as a WebSocket: messages in, frames out, pings, and how it ends."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from piehub.net.outbox import Outbox
from piehub.net.runtime import NOT_LATE, AppCode, Done, Event, Runtime, latest
from piehub.wire import close_codes, frames
from piehub.wire.extensions import Agreement
from piehub.wire.frames import BINARY, CLOSE, PING, PONG, WireError
from piehub.wire.reader import Reader

_PING = frames.encode(PING, b"")
_TOO_SLOW = frames.close(close_codes.TOO_SLOW, "too much was waiting for this client")

CLOSE_TIMEOUT = 2.0  # seconds for the peer to answer a close frame
_A_MOMENT = 0.5  # seconds by which a loop that runs may be late


def _hears_nothing(opcode: int, payload: bytes) -> None:
    """For a connection that is not served, or no more."""


@dataclass
class Limits:
    """What one client may do.

    max_message_bytes, max_fragments: in one message. outbox_bytes: may wait to be sent to it.
    rate_limit: messages a second, 0 is any number. rate_burst: messages at once.
    stall_timeout: seconds without a byte taken, after which who is held up is given up.
    message_timeout: seconds in which a message that has begun must be here; 0 is any time.
    """

    max_message_bytes: int
    outbox_bytes: int
    rate_limit: float
    rate_burst: float
    max_fragments: int = 1024
    stall_timeout: float = 10.0
    message_timeout: float = 30.0

    def __post_init__(self) -> None:
        rate = self.rate_limit
        self.seconds_a_message = 1 / rate if rate else 0.0
        # How far a client may be ahead of its rate. Sums of fractions are not exact, hence the
        # microsecond.
        self.seconds_ahead = (self.rate_burst - 1) / rate + 1e-6 if rate else inf


class Connection:
    """`serve` once, and `end` when it says that nothing more comes.

    compression: what was agreed on in the handshake.

    Everything else may be called by anyone, from within the runtime.
    """

    __slots__ = (
        "_ended",
        "_feed",
        "_has_hung_up",
        "_limits",
        "_link",
        "_on_message",
        "_peer_has_closed",
        "_pings",
        "_probes",
        "_progress",
        "_runtime",
        "_spent_until",
        "closing_at",
        "failure",
        "heard_at",
        "outbox",
        "pinged_at",
        "push",
        "reader",
        "received",
    )

    def __init__(
        self,
        runtime: Runtime,
        client: socket.socket,
        limits: Limits,
        compression: Agreement | None = None,
    ) -> None:
        self._runtime = runtime
        self._limits = limits
        self._on_message: Callable[[int, bytes], None] = _hears_nothing
        self._link = runtime.link(
            client,
            limits.outbox_bytes,
            _TOO_SLOW,
        )
        self.push = self._link.push
        self.outbox: Outbox = self._link.outbox
        self.outbox.takes_deflated = compression is not None and compression.takes_deflated
        self.reader = Reader(
            max_message_bytes=limits.max_message_bytes,
            max_fragments=limits.max_fragments,
            inflates=compression is not None,
        )
        self._feed = self.reader.feed
        self.received = 0  # messages
        self.heard_at = self._now()  # when the last bytes came
        self.pinged_at: float | None = None  # when a ping was sent that nothing has answered
        self.closing_at: float | None = None  # when a close frame was sent
        self._peer_has_closed = False
        self._has_hung_up = False  # the socket has ended; who is told of that may not know yet
        self._ended: tuple[int, str] | None = None  # code and reason, once it is known
        self.failure: BaseException | None = None  # a bug that ended it
        self._probes: list[Event] | None = None
        self._pings = 0  # ours, whose pongs have not come
        self._progress = (0, 0.0)  # bytes written, and since when no more than that
        self._spent_until = 0.0  # to when its messages so far would have taken at its rate

    @property
    def sent(self) -> int:
        """Frames sent, control frames too."""
        return self.outbox.sent

    @property
    def waiting(self) -> int:
        """Bytes that wait to be sent."""
        return self.outbox.waiting

    @property
    def held(self) -> int:
        """Bytes that it takes for what waits to be sent, and for what has come and has not been
        dealt with."""
        message = self.reader.message
        return self.outbox.held + self._link.in_hand + (message.held if message else 0)

    @property
    def is_listening(self) -> bool:
        """Whether a pong would be read now, rather than after user code or a full outbox."""
        return self._link.is_listening

    @property
    def is_being_dealt_with(self) -> bool:
        """Whether the app's own code has, or waits for, what it said."""
        return bool(self._link.in_hand)

    @property
    def is_too_slow(self) -> bool:
        """Whether the outbox has overflowed."""
        return self.outbox.overflowed

    def serve(
        self, on_message: Callable[[int, bytes], None], done: Done, app_code: AppCode
    ) -> None:
        """Read until the connection ends, handing over each message as (TEXT or BINARY, payload).

        An exception in `on_message` is the caller's bug; it closes the connection with 1011, and
        is kept as `failure`. done, app_code: as for Link.serve.
        """
        self._on_message = on_message
        self._link.serve(self._take, done, app_code)

    def end(self) -> None:
        """Send what still waits, end the socket, and let go of it. Blocks for some seconds."""
        try:
            self._link.flush(CLOSE_TIMEOUT)
            if self.closing_at is not None and not self._peer_has_closed:
                self._link.linger(CLOSE_TIMEOUT)
            self._link.shut_down()
        finally:
            self._link.release()  # in any case: a watcher must not outlive its socket
            self._on_message = _hears_nothing  # which led to who holds us

    def abandon(self) -> None:
        """Let go of the socket at once: whoever accepted it is about to close it."""
        self._link.stop_receiving()
        self._link.release()

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
            self.closing_at = self._now()
            self._ended = self._ended or (code, reason)
            self._link.push_last(frames.close(code, reason))

    def give_up(self, code: int, reason: str) -> None:
        """Close, and read no more: the others need not wait for this peer's answer."""
        self.close(code, reason)
        self._link.stop_receiving()
        self.reader.forget()

    def drop(self) -> None:
        """Close, as too much waits for all clients together, and send nothing of what waits."""
        self._link.overflow()
        self.give_up(close_codes.TOO_SLOW, "too slow")

    def spend(self, messages: int) -> None:
        """Count so many more against the peer's rate, for what was much to answer.

        At most half of its burst: whatever the limits are, one answer alone is not to end it.
        """
        limits = self._limits
        most = min(messages, limits.rate_burst / 2)
        # From when the question came, as the messages behind it are judged by that.
        self._spent_until = max(self._spent_until, self.heard_at) + most * limits.seconds_a_message

    def shut_down(self) -> None:
        """End the socket without further words."""
        self._link.shut_down()

    def ping(self) -> None:
        """Ask for a sign of life; whatever comes next is one."""
        self.pinged_at = self._now()
        self._pings += 1
        self.push(_PING)

    def answers(self, timeout: float) -> bool:
        """Ping, and say whether the peer gave a sign of life within `timeout` seconds.

        A client whose reader is busy with user code or a full outbox counts as alive.
        """
        if self._has_hung_up or self.closing_at is not None or self.is_too_slow:
            return False
        if not self.is_listening:
            return True
        probe = self._runtime.event()
        self._probes = [*(self._probes or ()), probe]
        self.ping()
        began = self._now()
        while not probe.wait(timeout):
            now = self._now()
            if now - began < timeout + _A_MOMENT:
                return False
            began = now  # the hub itself stood still, and has not read what came meanwhile
        return True

    def is_stalled(self, now: float) -> bool:
        """Whether it is not read from because it does not read, and has not for too long."""
        held_up_since = self._link.held_up_since
        if held_up_since is None:
            return False
        written, since = self._progress
        if self.outbox.written != written or since < held_up_since:
            self._progress = self.outbox.written, now
            return False
        return now - since > self._limits.stall_timeout

    def is_overdue(self, now: float) -> bool:
        """Whether a message has been under way for too long, all of which could have been read."""
        message = self.reader.message
        if message is None:
            return False
        if message.since is None or not self.is_listening:
            message.since = now
        return now - message.since > (self._limits.message_timeout or inf)

    def excuse(self, seconds: float) -> None:
        """The hub itself has looked at nobody for so long."""
        if self.pinged_at is not None:
            self.pinged_at += seconds
        self._progress = self._progress[0], self._progress[1] + seconds
        message = self.reader.message
        if message and message.since is not None:
            message.since += seconds
        now = self._now()
        self._link.late = latest(self._link.late, now - seconds, now)

    def _now(self) -> float:
        return self._runtime.clock.monotonic()

    def _take(self, data: bytes, now: float) -> bool:
        """Deal with what has arrived; say whether to read on."""
        if not data:
            self._has_hung_up = True
            return False
        count = len(data)  # a call: between the two halves of what follows, a thread could come
        self._runtime.received += count
        self.heard_at = now
        if self.pinged_at is not None:
            self.pinged_at = None
            self._answer_probes()
        limits = self._limits
        try:
            for opcode, payload in self._feed(data):
                spent_until = self._spent_until
                if spent_until < now:
                    spent_until = now
                elif spent_until > now + limits.seconds_ahead and not (
                    opcode == PONG and self._pings
                ):
                    spent_until = self._make_up(spent_until, now)
                self._spent_until = spent_until + limits.seconds_a_message
                if opcode <= BINARY:  # the texts and binaries
                    if self.closing_at is None:
                        self.received += 1
                        self._on_message(opcode, payload)
                elif opcode == CLOSE:
                    self._peer_closed(payload)
                    return False
                else:
                    self._take_ping_or_pong(opcode, payload)
        except WireError as error:
            self.close(error.code, error.reason)
            return False
        except BaseException as failure:
            self.failure = failure
            self.close(close_codes.INTERNAL_ERROR, "internal error")
            return False
        return True

    def _make_up(self, spent_until: float, now: float) -> float:
        """To when it has spent its rate, if what piled up while the hub did not read is left out:
        as much again as may come at once, or the hub would not come to anything else.

        Raises WireError if that is too far ahead even so.
        """
        seconds, until = self._link.late
        if now <= until:
            spent_until -= min(seconds, self._limits.seconds_ahead)
            self._link.late = NOT_LATE
        if spent_until > now + self._limits.seconds_ahead:
            raise WireError(close_codes.TOO_MANY_MESSAGES, "Rate limit exceeded")
        return spent_until

    def _take_ping_or_pong(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.push(frames.encode(PONG, payload))
            if self.outbox.held > self._limits.outbox_bytes:
                self._link.relieve()
        elif self._pings:  # ours, perhaps for somebody who would like to have this client's id
            self._pings -= 1
            self._spent_until -= self._limits.seconds_a_message

    def _answer_probes(self) -> None:
        probes, self._probes = self._probes, None
        for probe in probes or ():
            probe.set()

    def _peer_closed(self, payload: bytes) -> None:
        code, reason = frames.parse_close(payload)
        self._ended = self._ended or (code, reason)
        if self.closing_at is None:
            self.closing_at = self._now()
            # RFC 6455 section 5.5.1: answer with the code that came.
            self._link.push_last(frames.encode(CLOSE, payload[:2]))
        self._peer_has_closed = True
