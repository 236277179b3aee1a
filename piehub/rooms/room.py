"""One room: its settings, who is in it, and the way from it to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from math import inf
from typing import Literal, NamedTuple, Protocol

from piehub.protocol import outgoing
from piehub.protocol.incoming import Recover, RoomInfo
from piehub.rooms.history import History, Key
from piehub.rooms.presence import SMALL_ROOM, News
from piehub.rooms.together import Together


class Member(Protocol):
    """A client as rooms know it. network: where it comes from, the same for all of one address;
    "" where that is not known."""

    id: str

    @property
    def network(self) -> str: ...


Tell = Callable[[tuple[Member, ...], bytes], None]


def listed(client_id: str) -> int:
    """Bytes of an id where the clients of a room are named."""
    return outgoing.length(client_id) + 1


class Emission(NamedTuple):
    """A message on its way to members of a room that has a host app."""

    # "room": to all, and the host app sees it first. The others go past it: "direct" to all,
    # "whisper" to some, "answer" to one, even if it has left meanwhile.
    kind: Literal["room", "direct", "whisper", "answer"]
    text: bytes  # empty once the host app wants nothing to be sent
    audience: tuple[Member, ...]
    key: Key | None = None  # of a Data that has a messageId
    late: Callable[[], Iterable[bytes]] | None = None  # in place of text: what to say by then
    joins: float = inf  # that the room had had by then; who has come since does not hear it
    is_presence: bool = False  # which the next one makes old


class HostMailbox(Protocol):
    """Where a room with a host app puts its messages; it emits them in the same order."""

    def put(self, emission: Emission, /) -> None:
        """Queue it; never blocks."""

    def space(self, check: Callable[[], None], /) -> AbstractContextManager[None]:
        """Wait until there is space for what is put within; whoever can wait does. `check` raises
        once it need not wait any longer. Not to be called under the lock."""

    def close(self) -> None:
        """The room is gone."""


class Room:
    """Its settings, its members, and how they are told. The registry holds the rules, and its lock
    guards every field; every method is called under it.

    broadcast: (members, JSON text) -> None; tells all in the room. tell: the same, for a few.
    """

    __slots__ = (
        "_broadcast",
        "_came",
        "_owed",
        "_tell",
        "audience",
        "cancel_cleanup",
        "history",
        "host",
        "ids_bytes",
        "info",
        "is_match",
        "joins",
        "members",
        "news",
        "together",
    )

    def __init__(
        self,
        info: RoomInfo,
        broadcast: Tell,
        tell: Tell,
        together: Together,
        *,
        history: History | None = None,
        is_match: bool = False,
    ) -> None:
        self._broadcast = broadcast
        self._tell = tell
        self.info = info
        self.is_match = is_match
        self.joins = 0  # ever
        self.members: dict[str, Member] = {}  # by id, in order of joining
        self.ids_bytes = 0  # of theirs, where all of them are named
        self._came: dict[str, int] = {}  # by id, where there is a host app: which join it was
        self._owed: dict[str, Recover | None] = {}  # by id: whose promise waits for the host app
        # The same members as a tuple, made anew at each join and leave: who a message was meant for
        # stays known while a host app looks at it, and messages to the same tuple are sent as one.
        self.audience: tuple[Member, ...] = ()
        self.together = together
        self.news = News()
        self.history = history
        self.host: HostMailbox | None = None
        self.cancel_cleanup: Callable[[], None] | None = None

    def add(self, member: Member) -> None:
        self.joins += 1
        self.members[member.id] = member
        self.ids_bytes += listed(member.id)
        if self.host:
            self._came[member.id] = self.joins
        self.audience = tuple(self.members.values())

    def remove(self, member: Member) -> None:
        del self.members[member.id]
        self.ids_bytes -= listed(member.id)
        self._came.pop(member.id, None)
        if member.id in self._owed:  # now, lest it take it for that of the room it joins next
            self._tell((member,), *self._welcome(self._owed.pop(member.id), None))
        self.audience = tuple(self.members.values())

    def emit(self, text: bytes) -> None:
        """Send `text`, which is presence, to everyone: one frame, the same bytes for all."""
        if self.host:
            emission = Emission("room", text, self.audience, joins=self.joins, is_presence=True)
            self.host.put(emission)
        else:
            self._broadcast(self.audience, text)

    def say(self, text: bytes, key: Key | None = None) -> None:
        """Send a Data to everyone, and keep it where there is a history.

        key: of its sender, if it gave a messageId.
        """
        if self.host:
            if self.history and key:
                self.history.expect(key)
            self.host.put(Emission("room", text, self.audience, key, joins=self.joins))
        else:
            if self.history:
                text = self.history.add(text, key)
            self._broadcast(self.audience, text)

    def whisper(self, text: bytes, ids: Iterable[str]) -> int:
        """Send `text` to those who are named and here, once each; return how many they are."""
        if self.history:
            text = outgoing.without_seq(text)  # who recovers goes by the room's numbers
        named = dict.fromkeys(ids)
        audience = tuple(self.members[one] for one in named if one in self.members)
        if self.host:
            self.host.put(Emission("whisper", text, audience, joins=self.joins))
        else:
            self._tell(audience, text)
        return len(audience)

    def answer(self, member: Member, text: bytes) -> None:
        """Send `text` to a member, behind what the room has already sent it."""
        if self.host:
            self.host.put(Emission("answer", text, (member,)))
        else:
            self._tell((member,), text)

    def welcome(self, member: Member, recover: Recover | None) -> None:
        """Tell `member` that it has joined, and what it has missed since `recover`."""
        if self.host:
            # What is still to come comes before it.
            self._owed[member.id] = recover
            late = partial(self._late_welcome, member, self.joins)
            self.host.put(Emission("answer", b"", (member,), late=late))
        else:
            for text in self._welcome(recover, self._missed(recover)):
                self.answer(member, text)

    def _late_welcome(self, member: Member, joins: int) -> Iterable[bytes]:
        if not self._is_here(member, joins):
            return ()  # it was told as it left
        recover = self._owed.pop(member.id)
        return self._welcome(recover, self._missed(recover))

    def _missed(self, recover: Recover | None) -> list[bytes] | None:
        return self.history.since(recover) if self.history and recover else None

    def _welcome(self, recover: Recover | None, missed: list[bytes] | None) -> Iterable[bytes]:
        data = outgoing.joined(self.info) | (self.history.position if self.history else {})
        if recover:
            data["recovered"] = missed is not None
        return outgoing.resolve("JoinRoom", data), *(missed or ())

    def acknowledge(self, member: Member, message_id: str) -> bool:
        """Send `member` once more what it has said with this id; return whether it has."""
        key = (member.id, message_id)
        if self.history is None or not self.history.knows(key):
            return False
        echo = partial(self.history.echo, key)
        if self.host:
            self.host.put(Emission("whisper", b"", (member,), late=echo, joins=self.joins))
        else:
            for text in echo():
                self._tell((member,), text)
        return True

    def deliver(self, emission: Emission) -> None:
        """The host app is done with a message: push it to those it was meant for.

        Who has left since hears no more of the room, but is owed its answers.
        """
        text = emission.text
        if self.history and emission.kind in ("room", "direct"):
            text = self._kept(self.history, emission)
        audience = emission.audience
        if audience is not self.audience and emission.kind != "answer":
            audience = tuple(one for one in audience if self._is_here(one, emission.joins))
        for each in emission.late() if emission.late else (text,) if text else ():
            if audience is self.audience:
                self._broadcast(audience, each)
            else:
                self._tell(audience, each)

    def _kept(self, history: History, emission: Emission) -> bytes:
        """What the host app has let through, numbered and kept if it was Data and still is."""
        text = emission.text
        if text and outgoing.is_data(text):
            if emission.is_presence:
                # A newcomer hears it before its promise, and is not to recover it behind that.
                return outgoing.without_seq(text)
            return history.add(text, emission.key)
        if emission.key:
            history.expect_no_more(emission.key)
        return text

    def _is_here(self, member: Member, joins: float) -> bool:
        """Whether it has been here since the room had had so many joins."""
        return self.members.get(member.id) is member and self._came.get(member.id, 0) <= joins

    @property
    def is_full(self) -> bool:
        most = self.info.max_clients
        return most is not None and len(self.members) >= most

    @property
    def is_small(self) -> bool:
        """Whether everybody hears of each who comes or goes; a host app does in any case."""
        return len(self.members) <= SMALL_ROOM or self.host is not None
