"""One flush a loop turn: what was said in a turn leaves each client's socket in one send."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from piehub.net.outbox import CHUNK
from piehub.net.runtime import Recipient
from piehub.wire import deflate, frames

if TYPE_CHECKING:
    from piehub.net.greenlet_outbox import GreenletOutbox

log = logging.getLogger("piehub")


class Audience:
    """A room's members, and what all of them have been told in this turn of the loop: queued once
    for them all, and joined once.

    It lasts until somebody comes or goes. Where some take messages deflated and others do not,
    there are two for a room, and each is the other's twin. What waits in it comes behind what waits
    in the members' own outboxes; before one of them is sent something else, it is scattered among
    those.
    """

    __slots__ = ("frames", "members", "outboxes", "size", "takes_deflated", "twin")

    def __init__(
        self, members: Sequence[Recipient], outboxes: Sequence[GreenletOutbox], takes_deflated: bool
    ) -> None:
        self.members = members
        self.outboxes = outboxes
        self.takes_deflated = takes_deflated
        self.twin: Audience | None = None
        self.frames: list[bytes] = []
        self.size = 0  # bytes
        for outbox in outboxes:
            if outbox.audience is not None:
                outbox.audience.dissolve()
            outbox.audience = self

    def scatter(self) -> None:
        """Queue the frames for each member by itself."""
        waiting, self.frames = self.frames, []
        size, self.size = self.size, 0
        for outbox in self.outboxes:
            outbox.put_all(waiting, size, 0)

    def dissolve(self) -> None:
        """Somebody came or went: there is another audience now."""
        if self.frames:
            self.scatter()
        self.members = self.outboxes = ()
        self.twin = None

    def flush(self, speaker: GreenletOutbox | None = None) -> None:
        """All that a delivery costs beside its system call is in this loop, so what happens nearly
        always is spelled out in it: nothing else waits, and the kernel takes everything.

        speaker: whose echo can wait, if that costs nothing. Where two talk, it is what makes the
        answer come a system call earlier.
        """
        waiting, self.frames = self.frames, []
        size, self.size = self.size, 0
        count = len(waiting)
        data = b"".join(waiting)
        outboxes = self.outboxes
        for outbox in reversed(outboxes) if outboxes[0] is speaker else outboxes:
            try:
                send = outbox.send_now
                taken = send(data)
                if taken == size:
                    outbox.sent += count
                else:
                    outbox.put_all(waiting, size, taken)
            except (BlockingIOError, InterruptedError):
                outbox.put_all(waiting, size, 0)
            except OSError:
                outbox.abandon()  # the reader sees the same end of the socket, and tells
            except Exception:
                _give_up(outbox)


class Flusher:
    """Knows what has been said in this turn of the loop, and sends it once the turn is over."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self.is_due = False  # a flush comes in this turn, whoever else asks for one
        self._dirty: list[GreenletOutbox] = []
        self._told: list[Audience] = []

    def broadcast(self, members: Sequence[Recipient], text: bytes) -> None:
        """Queue a text, in one frame, for all members of a room.

        members: must not change; the same object means that nobody has come or gone.
        """
        if not members:
            return
        audience = members[0].outbox.audience
        if audience is None or audience.members is not members:
            audience = _gather(members)
        frame = frames.text(text)
        if audience.twin is not None or audience.takes_deflated:
            deflated = deflate.text(text) or frame
            if audience.twin is not None:
                self._tell(audience.twin, frame if audience.takes_deflated else deflated)
            if audience.takes_deflated:
                frame = deflated
        self._tell(audience, frame)

    def _tell(self, audience: Audience, frame: bytes) -> None:
        if not audience.frames:
            self._told.append(audience)
            if not self.is_due:
                self.wake()
        audience.frames.append(frame)
        audience.size += len(frame)
        if audience.size > CHUNK:
            audience.flush()

    def soon(self, outbox: GreenletOutbox) -> None:
        """Flush an outbox once this turn of the loop is over."""
        self._dirty.append(outbox)
        if not self.is_due:
            self.wake()

    def flush(self, speaker: GreenletOutbox | None = None) -> None:
        """Send all that waits. speaker: who has said what is sent, if that is one client."""
        self.is_due = False
        if self._dirty:
            dirty, self._dirty = self._dirty, []
            for outbox in dirty:
                try:
                    outbox.flush()
                except Exception:
                    _give_up(outbox)
        if self._told:
            told, self._told = self._told, []
            for audience in told:
                try:
                    if audience.frames:
                        audience.flush(speaker)
                except Exception:  # nor may a room keep others'
                    log.exception("cannot flush what a room was told")

    def wake(self) -> None:
        """See to it that a flush comes at the end of this turn."""
        self.is_due = True
        self._loop.run_callback(self.flush)


def _gather(members: Sequence[Recipient]) -> Audience:
    """The audience of the first member, and its twin."""
    outboxes: tuple[GreenletOutbox, ...] = tuple(member.outbox for member in members)
    kinds = {outbox.takes_deflated: None for outbox in outboxes}  # the first member's comes first
    first, *others = (
        Audience(members, tuple(one for one in outboxes if one.takes_deflated is kind), kind)
        for kind in kinds
    )
    for other in others:
        first.twin, other.twin = other, first
    return first


def _give_up(outbox: GreenletOutbox) -> None:
    # A bug of ours with one client must not keep the others' frames back.
    log.exception("cannot flush an outbox")
    outbox.give_up()
