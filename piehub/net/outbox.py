"""What waits to be sent to one client, bounded in bytes."""

from __future__ import annotations

# Bytes handed to the kernel in one call: larger ones would be copied again and again for a
# socket that takes a little at a time.
CHUNK = 262_144


class Outbox:
    """Frames in order; the first may be the rest of one that the kernel took in part.

    limit: bytes that may wait. Over it the client is too slow: what it has not begun to receive
        is dropped, `last_words` (a close frame) is queued in its place, and the outbox is shut.
    """

    __slots__ = ("_last_words", "_torn", "frames", "is_open", "limit", "overflowed", "sent", "size")

    def __init__(self, limit: int, last_words: bytes) -> None:
        self.frames: list[bytes | memoryview] = []
        self.size = 0
        self.sent = 0
        self.limit = limit
        self.is_open = True
        self.overflowed = False
        self._last_words = last_words
        self._torn = False  # the first frame has been sent in part

    def chunk(self) -> bytes | memoryview:
        """The next bytes for the kernel."""
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
        self.size -= count
        if not self.size:  # nearly always
            self.sent += len(self.frames)
            self.frames.clear()
            self._torn = False
            return
        whole = 0
        while count >= len(self.frames[whole]):
            count -= len(self.frames[whole])
            whole += 1
        self.sent += whole
        del self.frames[:whole]
        if count:
            self.frames[0] = memoryview(self.frames[0])[count:]
        self._torn = bool(count) or (self._torn and not whole)

    def overflow(self) -> None:
        """Too much waits: keep what is half sent, say why, and take nothing more."""
        self.is_open = False
        self.overflowed = True
        self.frames = [*self.frames[: 1 if self._torn else 0], self._last_words]
        self.size = sum(map(len, self.frames))

    def abandon(self) -> None:
        """The socket is gone: nothing can be sent any more."""
        self.is_open = False
        self.frames.clear()
        self.size = 0
