"""What was asked of the hub and has no answer yet."""

from __future__ import annotations

from collections import defaultdict, deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from piehub.client.answers import settle
from piehub.client.errors import NotConnected, PieError


@dataclass
class Ask:
    """answer: who waits for it; None for what the client asks by itself. is_left: the room that it
    asks to join was left since."""

    message: dict[str, Any]
    text: bytes
    answer: Future[Any] | None
    is_left: bool = False

    @property
    def is_given_up(self) -> bool:
        return self.answer is not None and self.answer.cancelled()

    def settle(self, value: Any = None, error: PieError | None = None) -> None:
        if self.answer:
            settle(self.answer, value, error)


class Asks:
    """The hub answers those of one kind in order. Of joins, only one is asked at a time: a refusal
    may overtake the promise of an earlier one, and names no room."""

    def __init__(self) -> None:
        self._asked: defaultdict[str, deque[Ask]] = defaultdict(deque)
        self._joins: deque[Ask] = deque()  # that wait until the one before is answered

    def add(self, ask: Ask) -> list[bytes]:
        """Returns what is to be sent now."""
        kind = ask.message["type"]
        if kind == "JoinRoom" and self._asked[kind]:
            self._joins = deque(one for one in (*self._joins, ask) if not one.is_given_up)
            return []
        self._asked[kind].append(ask)
        return [ask.text]

    def answered(self, kind: str) -> tuple[Ask | None, list[bytes]]:
        """What the next answer of a kind is for, and what is to be sent now."""
        asked = self._asked[kind]
        ask = asked.popleft() if asked else None
        while kind == "JoinRoom" and not asked and self._joins:
            if not (join := self._joins.popleft()).is_given_up:
                return ask, self.add(join)
        return ask, []

    def leave(self) -> None:
        """The room is left, and each that was to be joined."""
        while self._joins:
            error = PieError("leave_room() was called before the hub was asked")
            self._joins.popleft().settle(error=error)
        for join in self._asked["JoinRoom"]:
            join.is_left = True

    def fail(self) -> None:
        """No answer will come."""
        for asks in (*self._asked.values(), self._joins):
            while asks:
                error = NotConnected("The connection ended before the hub had answered")
                asks.popleft().settle(error=error)
