"""When a room is told who is in it.

A small room hears of each who comes or goes. In a big one that would cost the square of its size,
so who comes and goes together is told of together: the newcomer hears at once who is there, the
others when the time has come, or before the newcomer is first heard.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from piehub.protocol import outgoing

if TYPE_CHECKING:
    from piehub.rooms.room import Member, Room

SMALL_ROOM = 50  # members; up to that, each join and leave is told
PAUSE = 0.0001  # seconds for each member, from one telling of a big room to the next


class News:
    """What a big room has not been told yet. The registry's lock guards it."""

    __slots__ = ("cancel", "newcomers", "present", "told_at")

    def __init__(self) -> None:
        self.newcomers: set[str] = set()  # ids
        self.present = True  # whether the last change was somebody's coming
        self.told_at = float("-inf")  # monotonic, seconds
        self.cancel: Callable[[], None] | None = None  # the timer, while there is news

    def delay(self, members: int, now: float) -> float:
        """Seconds until a room of that size may be told."""
        return max(0.0, self.told_at + members * PAUSE - now)

    def told(self, now: float) -> None:
        """Everybody has been told."""
        self.newcomers.clear()
        self.told_at = now
        if self.cancel:
            self.cancel()
            self.cancel = None


class Presence:
    """Tells rooms who is in them. The caller holds the registry's lock.

    lock, call_later, now_ms, monotonic: the registry's.
    """

    def __init__(
        self,
        lock: AbstractContextManager[Any],
        call_later: Callable[[float, Callable[[], None]], Callable[[], None]],
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._lock = lock
        self._call_later = call_later
        self._now_ms = now_ms
        self._monotonic = monotonic

    def came(self, room: Room, member: Member) -> None:
        """`member` is in the room now, and hears at once who else is."""
        if room.is_small:
            self.tell(room, present=True)
        else:
            room.answer(member, outgoing.presence(room.members, self._now_ms(), present=True))
            room.news.newcomers.add(member.id)
            self._soon(room, present=True)

    def went(self, room: Room, member: Member) -> None:
        """`member` is in the room no more."""
        if room.is_small:
            self.tell(room, present=False)
        else:
            room.news.newcomers.discard(member.id)
            self._soon(room, present=False)

    def tell(self, room: Room, *, present: bool) -> None:
        """Tell all of the room now."""
        room.news.told(self._monotonic())
        room.emit(outgoing.presence(room.members, self._now_ms(), present=present))

    def _soon(self, room: Room, *, present: bool) -> None:
        news = room.news
        news.present = present
        if news.cancel is None:
            delay = news.delay(len(room.members), self._monotonic())
            news.cancel = self._call_later(delay, partial(self._tell_news, room))

    def _tell_news(self, room: Room) -> None:
        with self._lock:
            if room.news.cancel is not None:  # it was not told while this waited for the lock
                self.tell(room, present=room.news.present)
