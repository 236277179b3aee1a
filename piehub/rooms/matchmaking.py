"""Who waits for a match, first in, first out among those who want the same."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any, Generic, TypeVar

from piehub.protocol.incoming import Match

Player = TypeVar("Player")

_HOUR = 3600.0
_MAX_WAITS = 1000
_MAX_MATCHES = 50


class Matchmaking(Generic[Player]):
    """The queues, one for each app, version and match size. The caller holds the registry's lock.

    Times are monotonic, in seconds.
    """

    def __init__(self) -> None:
        self._queues: dict[Match, dict[Player, float]] = {}
        self._terms: dict[Player, Match] = {}
        self._waits: deque[tuple[float, float]] = deque(maxlen=_MAX_WAITS)  # (matched at, waited)
        self._matches = 0

    def enter(self, player: Player, terms: Match, now: float) -> list[Player]:
        """Queue `player`; return the players of the match that this completes, or none.

        Entering again with the same terms keeps the place, with other terms gives it up.
        """
        if self._terms.get(player) != terms:
            self.leave(player)
            self._terms[player] = terms
            self._queues.setdefault(terms, {})[player] = now
        queue = self._queues[terms]
        if len(queue) < terms.match_size:
            return []
        players = list(queue)
        for one in players:
            self._waits.append((now, now - queue[one]))
            self.leave(one)
        self._matches += 1
        return players

    def would_match(self, player: Player, terms: Match) -> bool:
        """Whether `enter` would complete a match."""
        queue = self._queues.get(terms, {})
        return len(queue) + (player not in queue) >= terms.match_size

    def leave(self, player: Player) -> None:
        """Stop waiting; nothing happens to a player who does not wait."""
        terms = self._terms.pop(player, None)
        if terms:
            queue = self._queues[terms]
            del queue[player]
            if not queue:
                del self._queues[terms]

    def stats(self, now: float) -> dict[str, Any]:
        """Queue lengths by `app::version`, the mean wait of the last hour, recent matches."""
        queues: Counter[str] = Counter()
        for terms, queue in self._queues.items():
            queues[f"{terms.app}::{terms.version}"] += len(queue)
        waits = [waited for at, waited in self._waits if now - at <= _HOUR]
        return {
            "queues": dict(queues),
            "averageWaitTimeMs": round(1000 * sum(waits) / len(waits)) if waits else 0,
            "recentMatches": min(self._matches, _MAX_MATCHES),
        }
