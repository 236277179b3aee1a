"""Together messages: held until everyone in the room has sent one (WebsocketPie, "Together")."""

from __future__ import annotations

from collections.abc import Callable, Collection, KeysView

Held = tuple[bytes, str | None]  # a message, and its messageId

# Of what may wait in a room: what a leaver queued stays, so it is not bounded by its members.
MAX_WAITING_BYTES = 4 * 1024 * 1024
_COST = 200  # bytes, of a message that waits, beyond its text


class TogetherFull(Exception):
    """Nothing more may wait; the text says of what there is too much."""


class Waiting:
    """What waits together in all rooms.

    groups: that may wait in one room. most: bytes that may wait in all of them. Once they do, a
        room has its share still, as if there were as many `rooms` as may be.
    """

    def __init__(self, groups: int, most: int, rooms: int) -> None:
        self.groups = groups
        self.most = most
        self.share = most // rooms
        self.size = 0  # bytes


class Group:
    """The messages that wait for the others, by sender, in order of first arrival."""

    __slots__ = ("cancel_timeout", "messages")

    def __init__(self) -> None:
        self.messages: dict[str, Held] = {}
        self.cancel_timeout: Callable[[], None] | None = None


class Together:
    """One room's waiting groups, by name. The caller holds the registry's lock."""

    __slots__ = ("_all", "_groups", "_size")

    def __init__(self, everybodys: Waiting) -> None:
        self._all = everybodys
        self._groups: dict[str | None, Group] = {}
        self._size = 0  # bytes, in all of them

    def put(
        self, name: str | None, sender: str, message: bytes, message_id: str | None
    ) -> tuple[Group, bool]:
        """Queue `message`; a second one from the same sender replaces its first, in place.

        Returns the group and whether it is new. Raises TogetherFull.
        """
        group = self._groups.get(name)
        is_new = group is None
        first = group.messages.get(sender) if group else None
        growth = len(message) - (len(first[0]) if first else -_COST)
        self._check_space(growth, 1 if is_new else 0)
        if group is None:
            group = self._groups[name] = Group()
        group.messages[sender] = message, message_id
        self._grow(growth)
        return group, is_new

    def _check_space(self, growth: int, groups: int) -> None:
        everybodys, size = self._all, self._size + growth
        if size > MAX_WAITING_BYTES or len(self._groups) + groups > everybodys.groups:
            raise TogetherFull(
                "Too much waits together in this room: at most "
                f"{everybodys.groups} groups and {MAX_WAITING_BYTES} bytes may"
            )
        if everybodys.size + growth > everybodys.most and size > everybodys.share:
            raise TogetherFull(
                "Too much waits together in the rooms of this hub; send this again in a moment"
            )

    def _grow(self, by: int) -> None:
        self._size += by
        self._all.size += by

    def take(self, name: str | None, group: Group) -> Collection[tuple[str, Held]]:
        """Take this very group out, and return its messages, each with its sender; none if it has
        gone already."""
        if self._groups.get(name) is not group:
            return ()
        del self._groups[name]
        self._grow(-sum(len(message) + _COST for message, _ in group.messages.values()))
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
