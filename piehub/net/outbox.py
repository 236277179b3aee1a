"""What waits to be sent to one client, bounded in bytes."""

from __future__ import annotations

# Bytes handed to the kernel in one call: larger ones would be copied again and again for a
# socket that takes a little at a time.
CHUNK = 262_144
_COST = 64  # bytes, of a frame that waits, beyond its own: a pong may have two


class Outbox:
    """Frames in order; the first may be the rest of one that the kernel took in part.

    limit: bytes that may wait. Over it the client is too slow: what it has not begun to receive
        is dropped, `last_words` (a close frame) is queued in its place, and the outbox is shut.
    """

    __slots__ = (
        "_in_flight",
        "_last_words",
        "_sent",
        "_torn",
        "_written",
        "frames",
        "is_open",
        "limit",
        "overflowed",
        "size",
        "takes_deflated",
    )

    def __init__(self, limit: int, last_words: bytes) -> None:
        self.frames: list[bytes | memoryview] = []
        self.size = 0
        self._sent = 0
        self._written = 0
        self.limit = limit
        self.is_open = True
        self.overflowed = False
        self.takes_deflated = False  # the client has agreed to compressed messages
        self._last_words = last_words
        self._in_flight = False  # somebody is sending a chunk right now
        self._torn = False  # the first frame has been sent in part

    @property
    def sent(self) -> int:
        """Frames sent, whole."""
        return self._sent

    @property
    def written(self) -> int:
        """Bytes sent."""
        return self._written

    @property
    def waiting(self) -> int:
        """Bytes that wait to be sent."""
        return self.size

    @property
    def held(self) -> int:
        """The memory that its own frames take, in bytes."""
        return self.size + _COST * len(self.frames)

    def put(self, frame: bytes) -> None:
        """Queue a frame."""
        self.frames.append(frame)
        self.size += len(frame)

    def finish(self, frame: bytes) -> None:
        """Queue the last frame (RFC 6455 section 5.5.1: none after a close frame)."""
        self.put(frame)
        self.is_open = False

    def chunk(self) -> bytes | memoryview:
        """The next bytes for the kernel; `taken` must be told what came of them."""
        self._in_flight = True
        frames = self.frames
        if len(frames) == 1:
            return frames[0]
        if self.size <= CHUNK:
            return b"".join(frames)
        size = 0
        for count, frame in enumerate(frames, 1):
            size += len(frame)
            if size >= CHUNK:
                return b"".join(frames[:count])
        raise AssertionError("size is the sum of the frames' lengths")

    def taken(self, count: int) -> None:
        """The kernel has taken `count` bytes of the last chunk."""
        self._in_flight = False
        if not self.frames:  # abandoned meanwhile
            return
        self._written += count
        self.size -= count
        if not self.size:  # nearly always
            self._sent += len(self.frames)
            self.frames.clear()
            self._torn = False
        else:
            whole = 0
            while count >= len(self.frames[whole]):
                count -= len(self.frames[whole])
                whole += 1
            self._sent += whole
            del self.frames[:whole]
            if count:
                self.frames[0] = memoryview(self.frames[0])[count:]
            self._torn = bool(count) or (self._torn and not whole)
        if self.overflowed:
            self._cut()

    def relieve(self) -> None:
        """Overflow if what waits takes too much memory, however few bytes it is."""
        if self.held > self.limit:
            self.overflow()

    def overflow(self) -> None:
        """Too much waits: keep what is half sent, say why, and take nothing more."""
        self.is_open = False
        self.overflowed = True
        if not self._in_flight:
            self._cut()

    def _cut(self) -> None:
        if self._last_words:
            self.frames = [*self.frames[: 1 if self._torn else 0], self._last_words]
            self.size = sum(map(len, self.frames))
            self._last_words = b""

    def abandon(self) -> None:
        """The socket is gone: nothing can be sent any more."""
        self.is_open = False
        self.frames.clear()
        self.size = 0
