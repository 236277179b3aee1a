"""Who knows a room's password, and how often somebody may be wrong about it."""

from __future__ import annotations

import hmac

from piehub.protocol import texts
from piehub.rooms.pace import Pace

_MINUTE = 60.0


class Passwords:
    """Looks at every password that is given. The caller holds the registry's lock.

    attempts: wrong ones at once, and then so many a minute, by one client and from one network,
        where that is known ("" is not); 0 is any number. Only wrong ones count; but then the right
        one is refused, too, or it could be told from them.
    """

    def __init__(self, attempts: int) -> None:
        self.wrong = 0  # that have been given so far
        self._by_client = Pace(attempts / _MINUTE, attempts)
        self._by_network = Pace(attempts / _MINUTE, attempts)

    def refusal(
        self, client_id: str, network: str, given: str | None, kept: str | None, now: float
    ) -> str | None:
        """Why this client may not come in, if it may not.

        given: the password it says, if any. kept: the room's, if it has one. now: monotonic,
        seconds.
        """
        if kept is None:
            return None if given is None else texts.WRONG_PASSWORD
        paces = [(self._by_client, client_id)]
        if network:  # else one who guesses behind an unnamed proxy would shut out everybody else
            paces.append((self._by_network, network))
        if any(pace.is_spent(key, now) for pace, key in paces):
            return (
                "Too many wrong passwords have come from this client or its address; wait a minute"
            )
        if given is None:
            return texts.WRONG_PASSWORD
        if hmac.compare_digest(given.encode(), kept.encode()):
            return None
        self.wrong += 1
        for pace, key in paces:
            pace.spend(key, now)
        return texts.WRONG_PASSWORD
