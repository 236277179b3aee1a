"""One room: its settings, who is in it, and the way from it to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, Protocol

from piehub.protocol.incoming import RoomInfo
from piehub.rooms.presence import SMALL_ROOM, News
from piehub.rooms.together import Together


class Member(Protocol):
    """A client as rooms know it. origin: where it comes from, the same for all of one address;
    "" where that is not known."""

    id: str

    @property
    def origin(self) -> str: ...


Tell = Callable[[tuple[Member, ...], bytes], None]


class Emission(NamedTuple):
    """A message on its way to members of a room that has a host app."""

    # "room": to all, and the host app sees it first. "direct": past the host app. "answer": past it
    # too, and owed even to one who has left meanwhile.
    kind: Literal["room", "direct", "answer"]
    text: bytes
    audience: tuple[Member, ...]


class HostMailbox(Protocol):
    """Where a room with a host app puts its messages; it emits them in the same order."""

    def put(self, emission: Emission, /) -> None:
        """Queue it; never blocks."""

    def wait_for_space(self) -> None:
        """Wait until less is queued. Not to be called under the lock."""

    def close(self) -> None:
        """The room is gone."""


class Room:
    """Its settings, its members, and how they are told. The registry holds the rules, and its lock
    guards every field; every method is called under it.

    broadcast: (members, JSON text) -> None; tells all in the room. tell: the same, for a few.
    """

    __slots__ = (
        "_broadcast",
        "_tell",
        "audience",
        "cancel_cleanup",
        "host",
        "info",
        "is_match",
        "joins",
        "members",
        "news",
        "together",
    )

    def __init__(
        self, info: RoomInfo, broadcast: Tell, tell: Tell, *, is_match: bool = False
    ) -> None:
        self._broadcast = broadcast
        self._tell = tell
        self.info = info
        self.is_match = is_match
        self.joins = 0  # ever
        self.members: dict[str, Member] = {}  # by id, in order of joining
        # The same members as a tuple, made anew at each join and leave: who a message was meant for
        # stays known while a host app looks at it, and messages to the same tuple are sent as one.
        self.audience: tuple[Member, ...] = ()
        self.together = Together()
        self.news = News()
        self.host: HostMailbox | None = None
        self.cancel_cleanup: Callable[[], None] | None = None

    def add(self, member: Member) -> None:
        self.joins += 1
        self.members[member.id] = member
        self.audience = tuple(self.members.values())

    def remove(self, member: Member) -> None:
        del self.members[member.id]
        self.audience = tuple(self.members.values())

    def emit(self, text: bytes) -> None:
        """Send `text` to everyone: one frame, the same bytes for all."""
        if self.host:
            self.host.put(Emission("room", text, self.audience))
        else:
            self._broadcast(self.audience, text)

    def whisper(self, text: bytes, ids: Iterable[str]) -> int:
        """Send `text` to those who are named and here, once each; return how many they are."""
        named = dict.fromkeys(ids)
        audience = tuple(self.members[one] for one in named if one in self.members)
        if self.host:
            self.host.put(Emission("direct", text, audience))
        else:
            self._tell(audience, text)
        return len(audience)

    def answer(self, member: Member, text: bytes) -> None:
        """Send `text` to a member, behind what the room has already sent it."""
        if self.host:
            self.host.put(Emission("answer", text, (member,)))
        else:
            self._tell((member,), text)

    def deliver(self, emission: Emission) -> None:
        """The host app is done with a message: push it to those it was meant for.

        Who has left since hears no more of the room, but is owed its answers.
        """
        if emission.audience is self.audience:
            self._broadcast(self.audience, emission.text)
        elif emission.kind == "answer":
            self._tell(emission.audience, emission.text)
        else:
            members = self.members
            here = tuple(one for one in emission.audience if members.get(one.id) is one)
            self._tell(here, emission.text)

    @property
    def is_full(self) -> bool:
        most = self.info.max_clients
        return most is not None and len(self.members) >= most

    @property
    def is_small(self) -> bool:
        """Whether everybody hears of each who comes or goes; a host app does in any case."""
        return len(self.members) <= SMALL_ROOM or self.host is not None
