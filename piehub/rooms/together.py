"""Together messages: held until everyone in the room has sent one (WebsocketPie, "Together")."""

from __future__ import annotations

from collections.abc import Callable, Collection, KeysView

MAX_GROUPS = 32  # waiting at once in a room


class TooManyGroups(Exception):
    """The room already has MAX_GROUPS groups that wait."""


class Group:
    """The messages that wait for the others, by sender, in order of first arrival."""

    __slots__ = ("cancel_timeout", "messages")

    def __init__(self) -> None:
        self.messages: dict[str, bytes] = {}
        self.cancel_timeout: Callable[[], None] | None = None


class Together:
    """One room's waiting groups, by name. The caller holds the registry's lock."""

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[str | None, Group] = {}

    def put(self, name: str | None, sender: str, message: bytes) -> tuple[Group, bool]:
        """Queue `message`; a second one from the same sender replaces its first, in place.

        Returns the group and whether it is new. Raises TooManyGroups.
        """
        group = self._groups.get(name)
        is_new = group is None
        if group is None:
            if len(self._groups) >= MAX_GROUPS:
                raise TooManyGroups
            group = self._groups[name] = Group()
        group.messages[sender] = message
        return group, is_new

    def take(self, name: str | None, group: Group) -> Collection[bytes]:
        """Take this very group out, and return its messages; none if it has gone already."""
        if self._groups.get(name) is not group:
            return ()
        del self._groups[name]
        if group.cancel_timeout:
            group.cancel_timeout()
        return group.messages.values()

    def take_complete(self, members: KeysView[str]) -> list[Collection[bytes]]:
        """Take out every group that all `members` (client ids) have sent to."""
        complete = [
            (name, group)
            for name, group in self._groups.items()
            if len(group.messages) >= len(members) and members <= group.messages.keys()
        ]
        return [self.take(name, group) for name, group in complete]
