"""Together messages: held until everyone in the room has sent one (WebsocketPie, "Together")."""

from __future__ import annotations

from collections.abc import Callable, Collection, KeysView

Held = tuple[bytes, str | None]  # a message, and its messageId

# Of what may wait in a room: what a leaver queued stays, so it is not bounded by its members.
MAX_WAITING_BYTES = 4 * 1024 * 1024


class TogetherFull(Exception):
    """So many groups as may, or MAX_WAITING_BYTES bytes, wait in the room already."""


class Group:
    """The messages that wait for the others, by sender, in order of first arrival."""

    __slots__ = ("cancel_timeout", "messages")

    def __init__(self) -> None:
        self.messages: dict[str, Held] = {}
        self.cancel_timeout: Callable[[], None] | None = None


class Together:
    """One room's waiting groups, by name. The caller holds the registry's lock."""

    __slots__ = ("_groups", "_size")

    def __init__(self) -> None:
        self._groups: dict[str | None, Group] = {}
        self._size = 0  # bytes, in all of them

    def put(
        self, name: str | None, sender: str, message: bytes, message_id: str | None, most: int
    ) -> tuple[Group, bool]:
        """Queue `message`; a second one from the same sender replaces its first, in place. There
        may be `most` groups.

        Returns the group and whether it is new. Raises TogetherFull.
        """
        group = self._groups.get(name)
        is_new = group is None
        first = group.messages.get(sender) if group else None
        growth = len(message) - (len(first[0]) if first else 0)
        if self._size + growth > MAX_WAITING_BYTES or (is_new and len(self._groups) >= most):
            raise TogetherFull
        if group is None:
            group = self._groups[name] = Group()
        group.messages[sender] = message, message_id
        self._size += growth
        return group, is_new

    def take(self, name: str | None, group: Group) -> Collection[tuple[str, Held]]:
        """Take this very group out, and return its messages, each with its sender; none if it has
        gone already."""
        if self._groups.get(name) is not group:
            return ()
        del self._groups[name]
        self._size -= sum(len(message) for message, _ in group.messages.values())
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
