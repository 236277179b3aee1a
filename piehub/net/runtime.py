"""What a hub runs on: gevent wherever it serves for real, plain threads under `flask run`.

Both offer the same few things. Which one it is, is settled by whether the process was monkey
patched, as gunicorn's gevent worker and wsgi.py do it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence, Sized
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeVar

from gevent import monkey

from piehub.net.outbox import Outbox

T = TypeVar("T")

Take = Callable[[bytes, float], bool]
Done = Callable[[], None]
AppCode = Sequence[Sized]

RECEIVE_BYTES = 65_536
COPIES_IN_HAND = 2  # of what has arrived: as it came, and its payloads
NOT_LATE = (0.0, 0.0)
USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
LINGER_BYTES = 16 * 1024 * 1024

# gevent's patching swaps these; a lock that is held for microseconds, never across a switch, and
# by threads as well as greenlets, is the interpreter's own.
native_lock: Callable[[], Any] = monkey.get_original("_thread", "allocate_lock")
native_ident: Callable[[], int] = monkey.get_original("_thread", "get_ident")


def now_ms() -> int:
    """The wall clock, milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class Clock(NamedTuple):
    """What a hub knows the time by.

    monotonic: seconds, for waiting. now_ms: milliseconds since the Unix epoch, for `time`.
    """

    monotonic: Callable[[], float]
    now_ms: Callable[[], int]


CLOCK = Clock(time.monotonic, now_ms)


class Event(Protocol):
    """threading.Event, or gevent's."""

    def is_set(self) -> bool: ...

    def set(self) -> None: ...

    def clear(self) -> None: ...

    def wait(self, timeout: float | None = None) -> bool: ...


class Link(Protocol):
    """One client's socket. `push` may be called by anyone from within the runtime."""

    is_listening: bool
    """Bytes that arrive would be taken now, rather than after user code or a full outbox."""

    held_up_since: float | None
    """Monotonic seconds; since then nothing is read, because the client's own outbox is more than
    half full."""

    in_hand: int
    """Bytes that are kept of what has arrived while the app's own code deals with it."""

    late: tuple[float, float]
    """Seconds for which nothing was read, through no fault of the peer's, and to when (monotonic)
    what has piled up meanwhile may still come."""

    @property
    def outbox(self) -> Outbox:
        """What waits to be sent, and what was; for reading only."""

    def push(self, frame: bytes, /) -> None:
        """Queue a frame. Neither blocks nor switches greenlets."""

    def push_last(self, frame: bytes, /) -> None:
        """Queue the last frame: nothing that is pushed after it is sent."""

    def relieve(self) -> None:
        """Overflow if what waits takes more memory than the limit."""

    def overflow(self) -> None:
        """Drop what waits, as if it were over the limit."""

    def serve(self, take: Take, done: Done, app_code: AppCode) -> None:
        """Hand over all that arrives, and say when no more will.

        take: gets bytes as they arrive, none when the peer has closed or the socket broke, and
            when that was (monotonic seconds); returns whether to read on, and raises nothing.
            done: called once after that, where it may block. app_code: registers of what `take`
            may run of the app's own code, and that may block; where all are empty, it does not.

        Returns at once where the loop does the reading; once `done` has returned elsewhere.
        """

    def flush(self, timeout: float | None) -> None:
        """Wait until all that was queued is sent, at most `timeout` seconds."""

    def linger(self, timeout: float) -> None:
        """Say that nothing more comes, and discard what the peer still sends, so that it gets to
        read the close frame: a socket closed with unread bytes resets the connection."""

    def stop_receiving(self) -> None:
        """Read no more, now and from here on. Anyone may call it."""

    def shut_down(self) -> None:
        """End both directions. Anyone may call it, twice too."""

    def release(self) -> None:
        """Let go of the socket, which whoever accepted it closes."""


class Recipient(Protocol):
    """Who a broadcast goes to: what owns a link, and shows its `push` and `outbox`."""

    @property
    def push(self) -> Callable[[bytes], None]: ...

    @property
    def outbox(self) -> Any: ...


class Runtime(Protocol):
    """Greenlets or Threads."""

    @property
    def clock(self) -> Clock: ...

    received: int
    """Bytes that have come from all clients."""

    def spawn(self, function: Callable[[], object]) -> None:
        """Run `function` beside the caller."""

    def call_later(self, seconds: float, function: Callable[[], None]) -> Callable[[], None]:
        """Run `function`, which must not block, once after `seconds`; returns what cancels it."""

    def repeat(self, seconds: float, function: Callable[[], object], until: Event) -> None:
        """Run `function` beside the caller, each time after `seconds`, until the event is set."""

    def run(self, function: Callable[[], T]) -> T:
        """Run `function`, which must not block, where links may be pushed to; return its result."""

    def sleep(self, seconds: float) -> None: ...

    def event(self) -> Event: ...

    def time_flush(self, tell: Callable[[float], None]) -> None:
        """Tell, once, how many seconds the next flush of what was said takes. With a thread for
        each client there is none."""

    def broadcast(self, members: Sequence[Any], text: bytes) -> None:
        """Push a text, in one frame, to all members of a room, which are Recipients. The same
        tuple means that nobody has come or gone since the last one."""

    def link(self, client: socket.socket, limit: int, last_words: bytes) -> Link:
        """Take over an accepted socket.

        limit: bytes that may wait. last_words: the frame sent when more did.
        """


def beat(seconds: float, function: Callable[[], object], until: Event) -> None:
    """`Runtime.repeat`, where it may wait in between."""
    while not until.wait(seconds):
        function()


def latest(late: tuple[float, float], since: float, now: float) -> tuple[float, float]:
    """`Link.late` from now on, after it was `late`, and nothing was read since then."""
    seconds = now - since
    return (seconds, now + seconds) if now > late[1] or seconds > late[0] else late


def prepare(client: socket.socket) -> None:
    """Let small frames leave as they come: a client that only listens acknowledges late, and by
    Nagle's algorithm the next frame would wait 40 ms for that. And let who is cut off for a while
    stay: the hub pings."""
    with suppress(OSError):  # a UNIX socket has no such delay
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if USER_TIMEOUT is not None:
            client.setsockopt(socket.IPPROTO_TCP, USER_TIMEOUT, 0)


def choose() -> Runtime:
    """A runtime for this process; a hub has one."""
    if monkey.is_module_patched("socket"):
        from piehub.net.greenlets import Greenlets

        return Greenlets()
    from piehub.net.threads import Threads

    return Threads()
