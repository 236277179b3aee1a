"""Every room of one hub, in memory, and what clients may do in them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from sys import maxsize
from typing import Any, Literal, NamedTuple

from piehub.protocol import outgoing, texts
from piehub.protocol.incoming import Join, Match, RoomInfo, Search
from piehub.rooms import listing
from piehub.rooms.entry import Entry, Refused
from piehub.rooms.history import Histories
from piehub.rooms.limits import RoomLimits
from piehub.rooms.listing import RoomView
from piehub.rooms.matchmaking import Matchmaking
from piehub.rooms.presence import Presence
from piehub.rooms.room import Emission, HostMailbox, Member, Room, Tell
from piehub.rooms.together import Group, Held, Together, TogetherFull, Waiting

RoomKey = tuple[str, str, str]  # app, name, version
Deliver = Callable[[Emission], None]
Send = Callable[[bytes, bool], None]
HostFactory = Callable[[RoomInfo, Deliver, Send], HostMailbox]


class Tally(NamedTuple):
    """What has happened since the start. recovered: who came back to a room and missed nothing;
    lost: whose room, or what it said meanwhile, was no longer there."""

    rooms_made: int
    wrong_passwords: int
    recovered: int
    lost: int


class Registry:
    """The rooms and the clients in them. Every public method may be called at any time.

    lock: guards all of the registry, its rooms and its queues. Nothing done under it may block
        or switch greenlets.
    call_later: (seconds, function) -> cancel; runs the function once, later even for 0 seconds, and
        without the lock.
    now_ms: wall clock, milliseconds since the Unix epoch, for `time`.
    monotonic: seconds, for waiting.
    broadcaster: asked when a room is made, as only then it is known who serves; returns (members,
        JSON text) -> None, which frames the text once and queues it for all members of a room,
        whose tuple is the same until somebody comes or goes. tell: the same, for a few. Called
        under the lock, so they neither block nor switch greenlets.
    host_for: (room's info, deliver, send) -> its host app's mailbox, if rooms have host apps.
        deliver(emission) pushes what the host app is done with; send(text, skip_host) is for
        what the host app itself says to the room.
    cleanup_delay: seconds that an empty room keeps its settings; 0 is none.
    limits: what is refused, with a text that says so.
    """

    def __init__(
        self,
        *,
        lock: AbstractContextManager[Any],
        call_later: Callable[[float, Callable[[], None]], Callable[[], None]],
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
        broadcaster: Callable[[], Tell],
        tell: Tell,
        host_for: HostFactory | None = None,
        cleanup_delay: float,
        limits: RoomLimits,
    ) -> None:
        self._lock = lock
        self._call_later = call_later
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._broadcaster = broadcaster
        self._tell = tell
        self._host_for = host_for
        self._cleanup_delay = cleanup_delay
        self._limits = limits
        self._entry = Entry(limits)
        self._together = Waiting(
            limits.together_groups,
            limits.room_together_bytes,
            limits.together_bytes,
            share=limits.together_bytes // limits.rooms,
        )
        self._histories = Histories(
            limits.history_seconds, limits.history_bytes, limits.room_history_bytes, monotonic
        )
        self._presence = Presence(lock, call_later, now_ms, monotonic)
        self._rooms: dict[RoomKey, Room] = {}
        self._empty: dict[Room, None] = {}  # those of them that are, the longest first
        self._clients: dict[str, Member] = {}
        self._places: dict[Member, Room] = {}  # who is in a room, and which
        self._matchmaking: Matchmaking[Member] = Matchmaking()
        self._life_time_clients = 0
        self._recovered = 0
        self._lost = 0
        self._started = monotonic()

    # Clients

    def enter(self, member: Member) -> Member | None:
        """Let `member` into the hub under its id; if that is taken, return who holds it."""
        with self._lock:
            holder = self._clients.setdefault(member.id, member)
            if holder is not member:
                return holder
            self._life_time_clients += 1
            return None

    def take_over(self, member: Member, holder: Member) -> tuple[bool, RoomInfo | None]:
        """Give the id of `holder` to `member`, with no moment in which it is free.

        Returns whether it did (not when `holder` has gone: `enter` again), and the room that
        `holder` has left with it.
        """
        with self._lock:
            if self._clients.get(member.id) is not holder:
                return False, None
            self._clients[member.id] = member
            self._life_time_clients += 1
            self._matchmaking.leave(holder)
            return True, self._leave(holder)

    def disconnect(self, member: Member) -> RoomInfo | None:
        """Take `member` out of hub, queue and room; return which room. Twice is harmless."""
        with self._lock:
            if self._clients.get(member.id) is member:
                del self._clients[member.id]
            self._matchmaking.leave(member)
            return self._leave(member)

    def _check_connected(self, member: Member) -> None:
        # A hook may have held it up for so long that its id has gone to another connection.
        if self._clients.get(member.id) is not member:
            raise Refused("This connection has ended")

    # Joining and leaving

    def check_join(self, member: Member, join: Join, *, may_remake: bool = False) -> None:
        """Raise Refused where `join` would, and do nothing else."""
        with self._lock:
            self._room_to_join(member, join, may_remake)

    def join(self, member: Member, join: Join, *, may_remake: bool = False) -> int:
        """Put `member` in a room: presence goes to all in it, then to `member` the promise, and
        what it has missed if it comes back. Where there are many, the others are told a little
        later. Returns how many bytes it has missed and is sent.

        may_remake: a join that names what only a hub's own answer could have told makes the room
            again (the rooms of a hub that was restarted). Raises Refused.
        """
        with self._lock:
            room = self._room_to_join(member, join, may_remake)
            room = room or self._make(join.room, member, returns=may_remake)
            self._matchmaking.leave(member)
            self._add(room, member)
            room.welcome(member, join.recover)
            if not join.recover:
                return 0
            missed = room.history.since(join.recover) if room.history else None
            if missed is None:
                self._lost += 1
                return 0
            self._recovered += 1
            return sum(map(len, missed))

    def leave(self, member: Member) -> RoomInfo | None:
        """Take `member` out of its room; return which that was."""
        with self._lock:
            return self._leave(member)

    def close(self, key: RoomKey, words: bytes) -> tuple[RoomInfo, tuple[Member, ...]] | None:
        """Take everybody out of a room, who are told so by `words`, and let it go with all that it
        keeps. Returns what it was and who was in it; None where there is no such room.
        """
        with self._lock:
            room = self._rooms.get(key)
            if room is None:
                return None
            members = room.audience
            for member in members:
                del self._places[member]
            room.dismiss(words)
            room.together.take_complete(room.members.keys())  # of nobody: all groups, unsent
            self._presence.tell(room, present=False)  # to its host app, if anybody
            self._remove(room)
            return room.info, members

    def _room_to_join(self, member: Member, join: Join, may_remake: bool) -> Room | None:
        self._check_connected(member)
        if member in self._places:
            raise Refused(texts.ALREADY_IN_ROOM)
        room = self._rooms.get(join.room.key)
        now = self._monotonic()
        if room:
            self._entry.check_joining(member, join, room, now)
        else:
            if not join.make and not (may_remake and join.from_hub):
                raise Refused(texts.NO_SUCH_ROOM)
            self._entry.check_making(member, self._in_use, now, returns=may_remake)
        return room

    def _make(
        self, info: RoomInfo, maker: Member, *, is_match: bool = False, returns: bool = False
    ) -> Room:
        if len(self._rooms) >= self._limits.rooms:
            self._remove(next(iter(self._empty)))
        self._entry.made(maker, self._monotonic(), returns=returns)
        history = self._histories.open(info.history) if info.history else None
        together = Together(self._together)
        room = Room(
            info, self._broadcaster(), self._tell, together, history=history, is_match=is_match
        )
        if self._host_for:
            room.host = self._host_for(
                info, partial(self._deliver, room), partial(self._send_from_host, room)
            )
        self._rooms[info.key] = room
        return room

    def _add(self, room: Room, member: Member) -> None:
        self._fill(room)
        self._places[member] = room
        room.add(member)
        self._presence.came(room, member)

    def _leave(self, member: Member) -> RoomInfo | None:
        room = self._places.pop(member, None)
        if room is None:
            return None
        room.remove(member)
        self._presence.went(room, member)
        for messages in room.together.take_complete(room.members.keys()):
            self._emit_together(room, messages)
        if not room.members:
            self._clean_later(room)
        return room.info

    def _clean_later(self, room: Room) -> None:
        if not self._cleanup_delay:
            self._remove(room)
            return
        self._empty[room] = None
        room.cancel_cleanup = self._call_later(
            self._cleanup_delay, partial(self._clean, room, room.joins)
        )

    def _clean(self, room: Room, joins: int) -> None:
        with self._lock:
            # Somebody may have come back while this waited for the lock, or it had to give way.
            if room in self._empty and room.joins == joins:
                self._remove(room)

    def _fill(self, room: Room) -> None:
        """It is not empty any more, or has gone."""
        if room.cancel_cleanup:
            room.cancel_cleanup()
            room.cancel_cleanup = None
            del self._empty[room]

    def _remove(self, room: Room) -> None:
        self._fill(room)
        del self._rooms[room.info.key]
        if room.host:
            room.host.close()
        if room.history:
            self._histories.close(room.history)

    # Messages

    def keeps_history(self, member: Member) -> bool:
        """Whether the member's room numbers its messages, and keeps them."""
        room = self._places.get(member)
        return room is not None and room.history is not None

    def acknowledge(self, member: Member, message_id: str) -> bool:
        """Whether the member's room has had this message from it already. If so, the member gets
        its echo again, and is not to `send` it."""
        with self._lock:
            room = self._places.get(member)
            return room is not None and room.acknowledge(member, message_id)

    def send(self, member: Member, head: bytes, message_id: str | None = None) -> None:
        """Send a Data to everyone in the member's room. `head` comes from outgoing.relay_head."""
        with self._lock:
            room = self._place_to_speak(member)
            key = (member.id, message_id) if message_id else None
            room.say(outgoing.relay(head, self._now_ms()), key)

    def whisper(self, member: Member, head: bytes, ids: Iterable[str]) -> None:
        """Send a Data to those clients among `ids` who are in the member's room, once each."""
        with self._lock:
            room = self._place_to_speak(member)
            room.whisper(outgoing.relay(head, self._now_ms()), ids)

    def together(
        self, member: Member, head: bytes, name: str | None, message_id: str | None = None
    ) -> None:
        """Hold a Data until everyone in the room has sent one to group `name`, or time is up."""
        with self._lock:
            room = self._place_to_speak(member)
            try:
                group, is_new = room.together.put(name, member.id, head, message_id)
            except TogetherFull as full:
                raise Refused(str(full)) from None
            timeout = room.info.together_timeout_ms
            if is_new and timeout is not None:
                group.cancel_timeout = self._call_later(
                    timeout / 1000, partial(self._together_timeout, room, name, group)
                )
            for messages in room.together.take_complete(room.members.keys()):
                self._emit_together(room, messages)

    def announce(self, key: RoomKey, text: bytes, to: Iterable[str] | None = None) -> int:
        """Send the server's own `text` to a room, or to the clients of it that `to` names.

        Returns to how many clients it goes; 0 where there is no such room.
        """
        with self._lock:
            room = self._rooms.get(key)
            if room is None:
                return 0
            if to is not None:
                return room.whisper(text, to)
            room.say(text)
            return len(room.audience)

    def place_of(self, member: Member) -> RoomInfo | None:
        """The room that `member` is in."""
        room = self._places.get(member)
        return room.info if room else None

    def host_of(self, member: Member) -> HostMailbox | None:
        """The mailbox of the host app in the member's room."""
        room = self._places.get(member)
        return room.host if room else None

    def host_in(self, key: RoomKey) -> HostMailbox | None:
        """The mailbox of the host app in this room, if there is such a room."""
        room = self._rooms.get(key)
        return room.host if room else None

    def _place_to_speak(self, member: Member) -> Room:
        room = self._places.get(member)
        if room is None:
            raise Refused(texts.NOT_IN_ROOM)
        if member.id in room.news.newcomers:
            # Nobody is heard before the others know of it.
            self._presence.tell(room, present=room.news.present)
        return room

    def _together_timeout(self, room: Room, name: str | None, group: Group) -> None:
        with self._lock:
            self._emit_together(room, room.together.take(name, group))

    def _emit_together(self, room: Room, messages: Iterable[tuple[str, Held]]) -> None:
        time = self._now_ms()
        for sender, (head, message_id) in messages:
            key = (sender, message_id) if message_id else None
            if not (key and room.history and room.history.knows(key)):  # said beside the group
                room.say(outgoing.relay(head, time), key)

    def _deliver(self, room: Room, emission: Emission) -> None:
        with self._lock:
            # Once the room has gone, there is nobody to hear it or to come back for it.
            if self._rooms.get(room.info.key) is room:
                room.deliver(emission)

    def _send_from_host(self, room: Room, text: bytes, skip_host: bool) -> None:
        with self._lock:
            if room.host and self._rooms.get(room.info.key) is room:
                kind: Literal["direct", "room"] = "direct" if skip_host else "room"
                room.host.put(Emission(kind, text, room.audience, joins=room.joins))

    # Matchmaking

    def enter_matchmaking(self, member: Member, terms: Match) -> list[Member]:
        """Queue `member` for a match, and make the match if it completes one.

        The promise goes to `member`; in a match everyone gets presence, then MatchFound. Returns
        the members matched. Raises Refused.
        """
        with self._lock:
            self._check_connected(member)
            if member in self._places:
                raise Refused(texts.MATCHMAKING_IN_ROOM)
            self._entry.check_match(member, terms.match_size)
            if self._matchmaking.would_match(member, terms):
                self._entry.check_making(member, self._in_use, self._monotonic())
            queued = outgoing.resolve("EnterMatchmaking", {"queued": True})
            self._tell((member,), queued)
            players = self._matchmaking.enter(member, terms, self._monotonic())
            if players:
                info = RoomInfo(terms.app, terms.version, f"match-{uuid.uuid4()}", hidden=True)
                room = self._make(info, member, is_match=True)
                for player in players:
                    self._add(room, player)
                if room.news.cancel:  # all of them are to know the others before the match begins
                    self._presence.tell(room, present=True)
                found = outgoing.match_found(info, [player.id for player in players])
                for player in players:
                    room.answer(player, found)
            return players

    @property
    def _in_use(self) -> int:
        """Rooms that somebody is in; the others give way."""
        return len(self._rooms) - len(self._empty)

    def leave_matchmaking(self, member: Member) -> None:
        """Stop waiting for a match."""
        with self._lock:
            self._matchmaking.leave(member)

    # Looking

    def search(self, search: Search, most: int = maxsize) -> dict[str, Any]:
        """The answer to GetRooms: what matches and is not hidden, in the order of making; where
        not all of it finds space in `most` bytes, rooms with members come before empty ones."""
        return listing.search(self._snapshot(), search, most)

    def stats(self, most: int = maxsize) -> dict[str, Any]:
        """The figures that GetStats answers with, in at most so many bytes."""
        with self._lock:
            matchmaking = self._matchmaking.stats(self._monotonic())
        return listing.stats(
            self._snapshot(),
            life_time_clients=self._life_time_clients,
            uptime=self._monotonic() - self._started,
            matchmaking=matchmaking,
            most=most,
        )

    def views(self) -> list[RoomView]:
        """Every room, hidden ones too, for the server's own code."""
        return [listing.view(room) for room in self._snapshot()]

    def view(self, key: RoomKey) -> RoomView | None:
        """One room, hidden or not, if there is such a room."""
        room = self._rooms.get(key)
        return listing.view(room) if room else None

    def page(
        self, search: Search, text: str, limit: int, offset: int
    ) -> tuple[list[RoomView], int]:
        """Of the rooms that match, hidden ones too, and have `text` in their app or name, `limit`
        behind the first `offset`; and how many there are of them in all."""
        return listing.page(self._snapshot(), search, text, limit, offset)

    def clients(self) -> list[Member]:
        """Everybody who is here, in a room or not."""
        with self._lock:
            return list(self._clients.values())

    def client(self, client_id: str) -> Member | None:
        """Who has this id."""
        return self._clients.get(client_id)

    def counts(self) -> tuple[int, int]:
        """How many rooms and clients there are."""
        return len(self._rooms), len(self._clients)

    def tally(self) -> Tally:
        """What has happened since the start."""
        entry = self._entry
        return Tally(entry.rooms_made, entry.wrong_passwords, self._recovered, self._lost)

    def _snapshot(self) -> list[Room]:
        with self._lock:
            return list(self._rooms.values())
