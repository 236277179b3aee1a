"""When a room is told who is in it.

A small room hears of each who comes or goes. In a big one that would cost the square of its size,
so who comes and goes together is told of together: the newcomer hears at once who is there, the
others when the time has come, or before the newcomer is first heard.
"""

from __future__ import annotations

from collections.abc import Callable

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
