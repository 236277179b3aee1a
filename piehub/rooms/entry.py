"""Who may come into a room, and who may make one."""

from __future__ import annotations

from piehub.protocol import texts
from piehub.protocol.incoming import Join
from piehub.rooms.limits import Making, RoomLimits
from piehub.rooms.passwords import Passwords
from piehub.rooms.room import Member, Room, listed


class Refused(Exception):
    """What the client asked for cannot be done; the text says why."""


class Entry:
    """Says no where a room or the hub does. The caller holds the registry's lock.

    Times are monotonic, in seconds.
    """

    def __init__(self, limits: RoomLimits) -> None:
        self._limits = limits
        self._making = Making(limits)
        self._passwords = Passwords(limits.password_attempts)
        self.rooms_made = 0

    @property
    def wrong_passwords(self) -> int:
        """That have been given so far."""
        return self._passwords.wrong

    def check_joining(self, member: Member, join: Join, room: Room, now: float) -> None:
        """Raise Refused if `member` may not come into this room."""
        if refusal := self._passwords.refusal(
            member.id, member.network, join.room.password, room.info.password, now
        ):
            raise Refused(refusal)
        if room.is_full:
            raise Refused(texts.ROOM_FULL)
        if len(room.members) >= self._limits.members:
            raise Refused(
                f"This room has {len(room.members)} clients, as many as this hub allows in one; "
                "join another"
            )
        size, most = room.ids_bytes + listed(member.id), self._limits.presence_bytes
        if size > most:
            raise Refused(
                f"With this client, the ids of this room's clients would take {size} bytes, of the "
                f"{most} that this hub allows; join another, or come with a shorter id"
            )

    def check_match(self, member: Member, players: int) -> None:
        """Raise Refused if no match of so many players can have `member` in it."""
        limits = self._limits
        if players > limits.members:
            raise Refused(
                f"matchSize is {players}; this hub allows at most {limits.members} clients in a "
                "room"
            )
        if players * listed(member.id) > limits.presence_bytes:
            raise Refused(
                f"This client's id is too long for a match of {players}: at most "
                f"{limits.presence_bytes // players - 3} bytes; come with a shorter one, or ask "
                "for a smaller match"
            )

    def check_making(
        self, member: Member, rooms: int, now: float, *, returns: bool = False
    ) -> None:
        """Raise Refused if `member` may not make a room; there are `rooms` in use already.

        returns: it may bring back a room of a hub that was restarted.
        """
        if refusal := self._making.refusal(member.id, rooms, now, returns=returns):
            raise Refused(refusal)

    def made(self, member: Member, now: float, *, returns: bool = False) -> None:
        """`member` has made a room."""
        self.rooms_made += 1
        self._making.made(member.id, now, returns=returns)
