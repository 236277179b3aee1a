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
    # "whisper" to some.
    kind: Literal["room", "direct", "whisper"]
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
        # By id, while the host app is busy: the answer to its coming, its promise or MatchFound.
        self._owed: dict[str, Callable[[], Iterable[bytes]]] = {}
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
        if owed := self._owed.pop(member.id, None):  # now, lest it comes behind the next room's
            self._tell_each((member,), owed())
        self.audience = tuple(self.members.values())

    def dismiss(self, words: bytes) -> None:
        """Take everybody out, and tell them so, behind what they are owed."""
        audience, owed = self.audience, self._owed
        self.members, self._came, self._owed = {}, {}, {}
        self.ids_bytes, self.audience = 0, ()
        for member in audience:
            if words_owed := owed.get(member.id):
                self._tell_each((member,), words_owed())
        self._broadcast(audience, words)

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
        """Send `text` to a member, behind what the room has already sent it, or as it leaves."""
        self._answer(member, lambda: (text,))

    def welcome(self, member: Member, recover: Recover | None) -> None:
        """Tell `member` that it has joined, and what it has missed since `recover`."""
        self._answer(member, partial(self._welcome, member, recover))

    def _answer(self, member: Member, words: Callable[[], Iterable[bytes]]) -> None:
        if self.host:
            self._owed[member.id] = words
            late = partial(self._pay, member)
            self.host.put(Emission("whisper", b"", (member,), late=late, joins=self.joins))
        else:
            self._tell_each((member,), words())

    def _pay(self, member: Member) -> Iterable[bytes]:
        return self._owed.pop(member.id)()

    def _welcome(self, member: Member, recover: Recover | None) -> Iterable[bytes]:
        history = self.history
        data = outgoing.joined(self.info) | (history.position if history else {})
        missed = None
        if recover:
            if history and member.id in self.members:  # who leaves could not be sent what is new
                missed = history.since(recover)
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
            self._tell_each((member,), echo())
        return True

    def deliver(self, emission: Emission) -> None:
        """The host app is done with a message: push it to those it was meant for.

        Who has left since hears no more of the room.
        """
        text = emission.text
        if self.history and emission.kind != "whisper":
            text = self._kept(self.history, emission)
        audience = emission.audience
        if audience is not self.audience:
            audience = tuple(one for one in audience if self._is_here(one, emission.joins))
        if audience:
            self._tell_each(audience, emission.late() if emission.late else (text,) if text else ())

    def _tell_each(self, audience: tuple[Member, ...], each: Iterable[bytes]) -> None:
        tell = self._broadcast if audience is self.audience else self._tell
        for text in each:
            tell(audience, text)

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
