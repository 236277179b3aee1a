"""What was said in a room with a history, until it comes back as an echo."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

MOST = 1000  # that may wait for their echo
AT_ONCE = 50  # and then so many a second: under the hub's rate limit


@dataclass(frozen=True)
class Said:
    """group: that of a together message, as text; None for other messages."""

    text: bytes
    group: str | None


class Unconfirmed:
    """Messages by their messageId, the oldest first. Those that are unsent have yet to be sent on
    the connection that there is."""

    def __init__(self) -> None:
        self._waiting: dict[str, Said] = {}
        self._unsent: deque[str] = deque()  # some may have been confirmed meanwhile
        self._not_before = 0.0
        self._is_full = False

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, message_id: str, said: Said) -> bool:
        """Returns False where the oldest has to give way from now on, once."""
        if said.group is not None:
            # It takes the place of the one before, of which no echo will come.
            for other in [one for one, of in self._waiting.items() if of.group == said.group]:
                del self._waiting[other]
        self._waiting[message_id] = said
        self._unsent.append(message_id)
        if len(self._waiting) <= MOST:
            return True
        del self._waiting[next(iter(self._waiting))]
        was_full, self._is_full = self._is_full, True
        return was_full

    def confirm(self, message_id: object) -> bool:
        """Whether this echo is the first of one of ours.

        What was sent before it and has no echo by now has been taken out by the hub's own code, a
        host app's or a hook's. Those of a together group come late.
        """
        if message_id not in self._waiting:
            return False
        if self._waiting[str(message_id)].group is None:
            for other in list(self._before(message_id)):
                del self._waiting[other]
        del self._waiting[str(message_id)]
        self._is_full = False
        return True

    def _before(self, message_id: object) -> Iterator[str]:
        for other, said in self._waiting.items():
            if other == message_id:
                return
            if said.group is None:
                yield other

    def due(self, now: float) -> list[bytes]:
        """What to send, which counts as sent from now on. now: seconds."""
        if now < self._not_before:
            return []
        found: list[bytes] = []
        while self._unsent and len(found) < AT_ONCE:
            if said := self._waiting.get(self._unsent.popleft()):
                found.append(said.text)
        if self._unsent:
            self._not_before = now + 1
        return found

    def due_at(self) -> float | None:
        """When more is to be sent, in the same seconds; None for never."""
        return self._not_before if self._unsent else None

    def unsend(self) -> None:
        """The connection has ended: all is to be sent again, on the next."""
        self._unsent = deque(self._waiting)
        self._not_before = 0.0

    def unsent(self) -> int:
        return sum(one in self._waiting for one in self._unsent)

    def clear(self) -> None:
        self._waiting.clear()
        self._unsent.clear()
        self._not_before = 0.0
        self._is_full = False
