"""One flush a loop turn: what was said in a turn leaves each client's socket in one send."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from operator import length_hint
from time import monotonic
from typing import TYPE_CHECKING, Any

from piehub.net.outbox import CHUNK
from piehub.net.runtime import Recipient
from piehub.wire import deflate, frames

if TYPE_CHECKING:
    from piehub.net.greenlet_outbox import GreenletOutbox

Send = Callable[[bytes], int]

log = logging.getLogger("piehub")


class Audience:
    """A room's members, and what all of them have been told in this turn of the loop: queued once
    for them all, and joined once.

    It lasts until somebody comes or goes. Where some take messages deflated and others do not,
    there are two for a room, and each is the other's twin. What waits in it comes behind what waits
    in the members' own outboxes; before one of them is sent something else, it is scattered among
    those.

    sends: what takes each member's bytes, in the order of `outboxes`; they keep it true.
    sent, written: frames and bytes that every member has been sent, but for those of which it
        knows better.
    """

    __slots__ = (
        "frames",
        "members",
        "outboxes",
        "sends",
        "sent",
        "size",
        "takes_deflated",
        "twin",
        "written",
    )

    def __init__(
        self, members: Sequence[Recipient], outboxes: Sequence[GreenletOutbox], takes_deflated: bool
    ) -> None:
        self.members = members
        self.outboxes = outboxes
        self.takes_deflated = takes_deflated
        self.twin: Audience | None = None
        self.frames: list[bytes] = []
        self.size = 0  # bytes
        self.sent = 0
        self.written = 0
        self.sends: list[Send] = []
        for place, outbox in enumerate(outboxes):
            if outbox.audience is not None:
                outbox.audience.dissolve()
            outbox.enter(self, place)
            self.sends.append(outbox.send_now)

    def scatter(self) -> None:
        """Queue the frames for each member by itself."""
        waiting, self.frames = self.frames, []
        size, self.size = self.size, 0
        for outbox in self.outboxes:
            _put_all(outbox, waiting, size, 0)

    def dissolve(self) -> None:
        """Somebody came or went: there is another audience now."""
        if self.frames:
            self.scatter()
        for outbox in self.outboxes:
            if outbox.audience is self:
                outbox.leave()
        self.members = self.outboxes = ()
        self.twin = None

    def flush(self, speaker: GreenletOutbox | None = None) -> None:
        """Send what waits to every member.

        speaker: whose echo comes last where two talk: so the other's answer comes a system call
        earlier. (Among many, who hears itself early has its next message here in time.)
        """
        waiting, self.frames = self.frames, []
        size, self.size = self.size, 0
        self.sent += len(waiting)
        self.written += size
        data = b"".join(waiting)
        sends, first = self.sends, 0
        if len(sends) == 2 and self.outboxes[0] is speaker:
            sends, first = sends[::-1], 1
        rest = iter(sends)
        # All that a delivery costs beside its system call is in the inner loop, so it holds no more
        # than what happens nearly always: nothing else waits, and the kernel takes everything.
        while True:
            taken = 0
            try:
                for send in rest:
                    taken = send(data)
                    if taken != size:
                        break
                else:
                    return
            except OSError:
                taken = 0  # its own outbox meets the same error, and knows what to do
            except Exception:
                _give_up(self._straggler(rest, first, len(waiting), size))
                continue
            _put_all(self._straggler(rest, first, len(waiting), size), waiting, size, taken)

    def _straggler(self, rest: Iterator[Send], first: int, count: int, size: int) -> GreenletOutbox:
        """Whose `send` has come out of `rest` last, where that of the member `first` was first: it
        has not been sent all of the `count` frames, which have `size` bytes."""
        outbox = self.outboxes[(first - 1 - length_hint(rest)) % len(self.outboxes)]
        if outbox.audience is self:  # else it has gone, and counts by itself
            outbox.uncount(count, size)
        return outbox


class Flusher:
    """Knows what has been said in this turn of the loop, and sends it once the turn is over."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self.is_due = False  # a flush comes in this turn, whoever else asks for one
        self._dirty: list[GreenletOutbox] = []
        self._told: list[Audience] = []
        self.stopwatch: Callable[[float], None] | None = None  # is told how long the next one takes

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
        if self.stopwatch is not None:
            self._flush_and_tell(self.stopwatch, speaker)
            return
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

    def _flush_and_tell(
        self, tell: Callable[[float], None], speaker: GreenletOutbox | None
    ) -> None:
        self.stopwatch = None
        began = monotonic()
        self.flush(speaker)
        tell(monotonic() - began)

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


def _put_all(outbox: GreenletOutbox, frames: list[bytes], size: int, taken: int) -> None:
    try:
        outbox.put_all(frames, size, taken)
    except Exception:
        _give_up(outbox)


def _give_up(outbox: GreenletOutbox) -> None:
    # A bug of ours with one client must not keep the others' frames back.
    log.exception("cannot flush an outbox")
    outbox.give_up()
