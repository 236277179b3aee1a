"""How many rooms there may be, how fast they may be made, and what else of them is bounded."""

from __future__ import annotations

from dataclasses import dataclass

from piehub.rooms.pace import Pace

_EVERYBODY = ""
_MINUTE = 60.0


@dataclass(frozen=True)
class RoomLimits:
    """Rates are rooms a second, and as many at once; 0 is any number.

    rooms: at once, of which the longest empty one gives way. rate: that are made by everybody.
    rate_per_client: by one client. members: in one room, whatever its own maxClients.
    password_attempts: wrong ones at once, and then so many a minute, by one client and from one
    network; 0 is any number.
    together_groups: that wait in one room. together_bytes: that wait in all of them.
    history_seconds: for which a message is kept.
    history_bytes: that all histories take.
    outbox_bytes: that may wait for one client. What it is sent at once takes a part of that.
    """

    rooms: int = 10_000
    rate: float = 50.0
    rate_per_client: float = 5.0
    members: int = 5_000
    password_attempts: int = 5
    together_groups: int = 32
    together_bytes: int = 268_435_456
    history_seconds: float = 120.0
    history_bytes: int = 67_108_864
    outbox_bytes: int = 1_048_576

    @property
    def room_history_bytes(self) -> int:
        """That one history takes: who is sent all of it can still be sent what is new."""
        return self.outbox_bytes // 2

    @property
    def room_together_bytes(self) -> int:
        """That may wait together in a room: one who leaves may set all of it free."""
        return self.outbox_bytes * 3 // 4

    @property
    def presence_bytes(self) -> int:
        """That the ids of a room take: who comes back hears them, and all of the history."""
        return self.outbox_bytes // 4


class Making:
    """Who may make a room now. The caller holds the registry's lock.

    Times are monotonic, in seconds.
    """

    def __init__(self, limits: RoomLimits) -> None:
        self._most = limits.rooms
        self._by_all = Pace(limits.rate, max(limits.rate, 1))
        self._by_client = Pace(limits.rate_per_client, max(limits.rate_per_client, 1))
        # A client was in one room only; whoever forges more of them is held to the pace of all.
        self._by_returner = Pace(1 / _MINUTE, 1)

    def refusal(self, client_id: str, rooms: int, now: float, *, returns: bool) -> str | None:
        """Why this client may not make a room, if it may not.

        rooms: that are in use. returns: it may bring back a room of a hub that was restarted, as
            everybody does at once. That takes nothing from those who make new ones.
        """
        if rooms >= self._most:
            return (
                f"This hub has {rooms} rooms, as many as it may; join one of them, or come back "
                "when others have gone"
            )
        if self._by_client.is_spent(client_id, now):
            return (
                "This client has made too many rooms: "
                f"{self._by_client.rate:g} a second are allowed; wait a moment"
            )
        if not self._brings_back(client_id, now, returns) and self._by_all.is_spent(
            _EVERYBODY, now
        ):
            return (
                f"Too many rooms are being made on this hub: {self._by_all.rate:g} a second are "
                "allowed; try again in a moment"
            )
        return None

    def made(self, client_id: str, now: float, *, returns: bool) -> None:
        """This client has made one."""
        if self._brings_back(client_id, now, returns):
            self._by_returner.spend(client_id, now)
        else:
            self._by_all.spend(_EVERYBODY, now)
        self._by_client.spend(client_id, now)

    def _brings_back(self, client_id: str, now: float, returns: bool) -> bool:
        return returns and not self._by_returner.is_spent(client_id, now)
