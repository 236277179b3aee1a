"""One flush a loop turn: what was said in a turn leaves each client's socket in one send."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from piehub.net.outbox import CHUNK
from piehub.net.runtime import Recipient

if TYPE_CHECKING:
    from piehub.net.greenlet_outbox import GreenletOutbox

SEND_FLAGS = getattr(socket, "MSG_NOSIGNAL", 0)

log = logging.getLogger("piehub")


class Batch:
    """What one audience has been sent in this turn of the loop, while nobody in it was sent
    anything else: it is queued once for all of them, and joined once."""

    __slots__ = ("audience", "frames", "is_open", "size")

    def __init__(self, audience: Sequence[Recipient]) -> None:
        self.audience = audience
        self.frames: list[bytes] = []
        self.size = 0  # bytes
        self.is_open = True


class Flusher:
    """Knows the outboxes that have something to send, and empties them once the turn is over."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._is_due = False
        self._dirty: list[GreenletOutbox] = []
        # By the identity of the audience, which the batch keeps alive: a room has one tuple of its
        # members until somebody comes or goes.
        self._batches: dict[int, Batch] = {}

    def broadcast(self, audience: Sequence[Recipient], frame: bytes) -> None:
        """Queue a frame for many. `audience` must not change; the same object joins a batch."""
        batch = self._batches.get(id(audience))
        if batch is None or not batch.is_open:
            batch = self._begin(audience)
        batch.frames.append(frame)
        batch.size += len(frame)
        if batch.size > CHUNK:
            self._flush_batch(batch)

    def soon(self, outbox: GreenletOutbox) -> None:
        """Flush an outbox once this turn of the loop is over."""
        self._dirty.append(outbox)
        self._wake()

    def _begin(self, audience: Sequence[Recipient]) -> Batch:
        batch = Batch(audience)
        for recipient in audience:
            outbox = recipient.outbox
            if outbox.batch is not None:
                outbox.take_batch()  # it comes before this one
            if outbox.is_open:
                outbox.batch = batch
        self._batches[id(audience)] = batch
        self._wake()
        return batch

    def _wake(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.run_callback(self._flush)

    def _flush(self) -> None:
        self._is_due = False
        batches, self._batches = self._batches, {}
        dirty, self._dirty = self._dirty, []
        for batch in batches.values():
            self._flush_batch(batch)
        for outbox in dirty:
            try:
                outbox.flush()
            except Exception:
                _give_up(outbox)

    def _flush_batch(self, batch: Batch) -> None:
        """All that a delivery costs beside its system call is in this loop, so what happens nearly
        always is spelled out in it: nothing else waits, and the kernel takes everything."""
        batch.is_open = False
        self._batches.pop(id(batch.audience), None)
        frames, size = batch.frames, batch.size
        count = len(frames)
        data = b"".join(frames)
        for recipient in batch.audience:
            outbox = recipient.outbox
            if outbox.batch is not batch:
                continue  # something came behind it, and took it along
            try:
                if outbox.frames or outbox.send_now is None:
                    outbox.take_batch()
                    continue
                outbox.batch = None
                try:
                    taken = outbox.send_now(data, SEND_FLAGS)
                except (BlockingIOError, InterruptedError):
                    taken = 0
                if taken == size:
                    outbox.sent += count
                    outbox.written += size
                else:
                    outbox.keep_rest(batch, taken)
            except OSError:
                outbox.abandon()  # the reader sees the same end of the socket, and tells
            except Exception:
                _give_up(outbox)


def _give_up(outbox: GreenletOutbox) -> None:
    # A bug of ours with one client must not keep the others' frames back.
    log.exception("cannot flush an outbox")
    outbox.abandon()
