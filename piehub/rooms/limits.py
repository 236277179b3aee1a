"""How many rooms there may be, how fast they may be made, and how many may be in one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RoomLimits:
    """Rates are rooms a second, and as many at once; 0 is any number.

    rooms: at once, empty ones that keep their settings too. rate: that are made by everybody.
    rate_per_client: by one client. members: in one room, whatever its own maxClients.
    """

    rooms: int = 10_000
    rate: float = 50.0
    rate_per_client: float = 5.0
    members: int = 5_000


class Making:
    """Who may make a room now. The caller holds the registry's lock.

    Times are monotonic, in seconds.
    """

    def __init__(self, limits: RoomLimits) -> None:
        self._limits = limits
        # To when the rooms that were made so far would have taken at the rate.
        self._spent_until = 0.0
        self._spent_until_by: dict[str, float] = {}  # by client

    def refusal(self, client_id: str, rooms: int, now: float, *, returns: bool) -> str | None:
        """Why this client may not make a room, if it may not.

        rooms: that there are. returns: it brings back a room of a hub that was restarted, as
            everybody does at once.
        """
        limits = self._limits
        if rooms >= limits.rooms:
            return (
                f"This hub has {rooms} rooms, as many as it may; join one of them, or come back "
                "when others have gone"
            )
        if _is_spent(self._spent_until_by.get(client_id, 0.0), limits.rate_per_client, now):
            return (
                "This client has made too many rooms: "
                f"{limits.rate_per_client:g} a second are allowed; wait a moment"
            )
        if not returns and _is_spent(self._spent_until, limits.rate, now):
            return (
                f"Too many rooms are being made on this hub: {limits.rate:g} a second are "
                "allowed; try again in a moment"
            )
        return None

    def made(self, client_id: str, now: float) -> None:
        """This client has made one."""
        limits = self._limits
        if limits.rate:
            self._spent_until = max(self._spent_until, now) + 1 / limits.rate
        if limits.rate_per_client:
            spent_until = max(self._spent_until_by.get(client_id, 0.0), now)
            self._spent_until_by[client_id] = spent_until + 1 / limits.rate_per_client

    def forget(self, client_id: str) -> None:
        """This client has gone."""
        self._spent_until_by.pop(client_id, None)


def _is_spent(until: float, rate: float, now: float) -> bool:
    if not rate:
        return False
    # The microsecond, because sums of fractions are not exact.
    return until > now + (max(rate, 1) - 1) / rate + 1e-6
