"""What the rounds gave, by exercise and server; medians, spreads and ratios of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

Figures = dict[str, float]


class Spread(NamedTuple):
    """The median of some rounds, and the least and the most."""

    median: float
    least: float
    most: float


class Results(NamedTuple):
    """rounds: for each exercise and server one entry a round; what failed in a round is None.
    failures: why, by exercise and server. wrongs: those of piehub that are more than being slow.
    repeated: runs that were thrown away because something else had the cores. disturbed: that
    were kept nevertheless."""

    rounds: dict[str, dict[str, list[Figures | None]]]
    failures: dict[str, dict[str, str]]
    wrongs: list[str]
    repeated: list[str]
    disturbed: list[str]

    def add(self, exercise: str, key: str, figures: Figures | None) -> None:
        self.rounds.setdefault(exercise, {}).setdefault(key, []).append(figures)

    def fail(self, exercise: str, key: str, reason: str) -> None:
        self.failures.setdefault(exercise, {})[key] = reason

    def failure(self, exercise: str, key: str) -> str:
        """Why there is no figure, or nothing."""
        return self.failures.get(exercise, {}).get(key, "")

    def values(self, exercise: str, key: str, figure: str) -> list[float]:
        """A figure in all rounds that gave one."""
        rounds = self.rounds.get(exercise, {}).get(key, [])
        return [one[figure] for one in rounds if one]

    def ratios(self, exercise: str, key: str, other: str, figure: str) -> list[float]:
        """Round by round, how many times the other's figure it is, unless that is nothing."""
        rounds = self.rounds.get(exercise, {})
        pairs = zip(rounds.get(key, []), rounds.get(other, []), strict=False)
        return [own[figure] / its[figure] for own, its in pairs if own and its and its[figure]]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self._asdict(), indent=1))


def spread(values: Sequence[float]) -> Spread | None:
    """None when there are no values."""
    return Spread(median(values), min(values), max(values)) if values else None
