"""Together messages: held until everyone in the room has sent one (WebsocketPie, "Together")."""

from __future__ import annotations

from collections.abc import Callable, Collection, KeysView
from dataclasses import dataclass
from sys import getsizeof

Held = tuple[bytes, str | None]  # a message, and its messageId

# Bytes, measured by tests/rooms/test_together.py.
_GROWTH = 45  # of a message, when it is sent: its time, its number, a frame's header
_COST = 200  # what it takes to keep one, beyond its texts
_COST_OF_GROUP = 600  # with its timer


class TogetherFull(Exception):
    """Nothing more may wait; the text says of what there is too much."""


@dataclass
class Waiting:
    """What waits together in all rooms.

    groups: that may wait in one room. told: bytes that they may be sent as, all of them at once:
        what a leaver queued stays, so it is not bounded by the members. most: bytes of memory that
        may wait in all rooms. Once they do, a room has its `share` still.
    """

    groups: int
    told: int
    most: int
    share: int
    size: int = 0  # bytes of memory, so far


class Group:
    """The messages that wait for the others, by sender, in order of first arrival."""

    __slots__ = ("cancel_timeout", "cost", "messages", "told")

    def __init__(self, name: str | None) -> None:
        self.messages: dict[str, Held] = {}
        self.cancel_timeout: Callable[[], None] | None = None
        self.told = 0  # bytes that it is sent as
        self.cost = _COST_OF_GROUP + getsizeof(name)  # bytes of memory


class Together:
    """One room's waiting groups, by name. The caller holds the registry's lock."""

    __slots__ = ("_all", "_cost", "_groups", "_told")

    def __init__(self, everybodys: Waiting) -> None:
        self._all = everybodys
        self._groups: dict[str | None, Group] = {}
        self._told = 0  # bytes, of all groups
        self._cost = 0

    def put(
        self, name: str | None, sender: str, message: bytes, message_id: str | None
    ) -> tuple[Group, bool]:
        """Queue `message`; a second one from the same sender replaces its first, in place.

        Returns the group and whether it is new. Raises TogetherFull.
        """
        waiting = self._groups.get(name)
        group = waiting or Group(name)
        told, cost = _size(sender, (message, message_id))
        if first := group.messages.get(sender):
            told_first, cost_first = _size(sender, first)
            told, cost = told - told_first, cost - cost_first
        self._check_space(told, cost if waiting else cost + group.cost, waiting is None)
        if waiting is None:
            self._groups[name] = group
            self._grow(0, group.cost)
        group.messages[sender] = message, message_id
        group.told += told
        group.cost += cost
        self._grow(told, cost)
        return group, waiting is None

    def _check_space(self, told: int, cost: int, is_new: bool) -> None:
        everybodys = self._all
        if self._told + told > everybodys.told or len(self._groups) + is_new > everybodys.groups:
            raise TogetherFull(
                "Too much waits together in this room: at most "
                f"{everybodys.groups} groups and {everybodys.told} bytes may"
            )
        if everybodys.size + cost > everybodys.most and self._cost + cost > everybodys.share:
            raise TogetherFull(
                "Too much waits together in the rooms of this hub; send this again in a moment"
            )

    def _grow(self, told: int, cost: int) -> None:
        self._told += told
        self._cost += cost
        self._all.size += cost

    def take(self, name: str | None, group: Group) -> Collection[tuple[str, Held]]:
        """Take this very group out, and return its messages, each with its sender; none if it has
        gone already."""
        if self._groups.get(name) is not group:
            return ()
        del self._groups[name]
        self._grow(-group.told, -group.cost)
        if group.cancel_timeout:
            group.cancel_timeout()
        return group.messages.items()

    def take_complete(self, members: KeysView[str]) -> list[Collection[tuple[str, Held]]]:
        """Take out every group that all `members` (client ids) have sent to."""
        complete = [
            (name, group)
            for name, group in self._groups.items()
            if len(group.messages) >= len(members) and members <= group.messages.keys()
        ]
        return [self.take(name, group) for name, group in complete]


def _size(sender: str, held: Held) -> tuple[int, int]:
    """The bytes that a message is sent as, and those that it takes while it waits."""
    message, message_id = held
    return len(message) + _GROWTH, len(message) + _COST + getsizeof(sender) + getsizeof(message_id)
