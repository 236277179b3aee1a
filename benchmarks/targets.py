"""What is asked of a row, and whether the rounds met it."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.forms import times as times_of
from benchmarks.results import Results

OWN = "piehub"
NAMES = {"original": "the original", "publish": "Bun publish"}
GROWTH = 1.5  # times that a delivery may cost of what it costs where it is cheapest


LEVEL = 0.95  # of the other's figure: the rounds of one run differ by that much


class Verdict(NamedTuple):
    """met: None where there was nothing to judge by. seen: what it was judged by."""

    asked: str
    met: bool | None
    seen: str


class Row(NamedTuple):
    """A line of the table: one figure of one exercise, for each server.

    form: writes the figure, with its unit. is_more_better: as with deliveries, not with seconds.
    """

    title: str
    exercise: str
    figure: str
    form: Callable[[float], str]
    is_more_better: bool
    targets: tuple["Target", ...] = ()


Target = Callable[[Results, Row], Verdict]


def level_with(other: str, times: float = 1) -> Target:
    """By the median of the rounds' ratios, `times` as good as the other, or better."""

    def judge(results: Results, row: Row) -> Verdict:
        asked = f"{times:g} x {NAMES[other]}" if times != 1 else f"level with {NAMES[other]}"
        pairs = results.ratios(row.exercise, OWN, other, row.figure)
        if not pairs:
            return _unjudged(asked, results, row, OWN, other)
        ratio = median(pairs)
        better = ratio if row.is_more_better else 1 / ratio
        return Verdict(asked, better >= (LEVEL if times == 1 else times), times_of(ratio))

    return judge


def at_least(limit: float) -> Target:
    """The median is `limit` or more."""
    return _limit("at least", limit, lambda value: value >= limit)


def under(limit: float) -> Target:
    """The median is less than `limit`."""
    return _limit("under", limit, lambda value: value < limit)


def _limit(word: str, limit: float, is_met: Callable[[float], bool]) -> Target:
    def judge(results: Results, row: Row) -> Verdict:
        asked = f"{word} {row.form(limit)}"
        values = results.values(row.exercise, OWN, row.figure)
        if not values:
            # Clients that were not in when their time was over missed the limit, whatever it is.
            met = False if row.exercise in results.rounds else None
            return _unjudged(asked, results, row, OWN)._replace(met=met)
        return Verdict(asked, is_met(median(values)), row.form(median(values)))

    return judge


def near_own_median(times: float, more_us: float) -> Target:
    """p99 is at most `times` the p50 of the same run, and `more_us` microseconds."""

    def judge(results: Results, row: Row) -> Verdict:
        asked = f"{times:g} x its p50 + {more_us / 1000:g} ms"
        p50 = results.values(row.exercise, OWN, "p50")
        p99 = results.values(row.exercise, OWN, "p99")
        if not p50:
            return _unjudged(asked, results, row, OWN)
        allowed = median(one * times + more_us for one in p50)
        return Verdict(asked, median(p99) <= allowed, f"{row.form(allowed)} allowed")

    return judge


def no_dearer_than(smaller: Sequence[str]) -> Target:
    """A delivery costs no more CPU than in the exercises with less to do, within `GROWTH`."""

    def judge(results: Results, row: Row) -> Verdict:
        asked = f"CPU a delivery: at most {GROWTH} x the cheapest smaller"
        costs = [results.values(one, OWN, "cpu_us") for one in smaller]
        own = results.values(row.exercise, OWN, "cpu_us")
        if not own or not any(costs):
            met = False if row.exercise in results.rounds and not own else None
            return _unjudged(asked, results, row, OWN)._replace(met=met)
        growth = median(own) / min(median(one) for one in costs if one)
        return Verdict(asked, growth <= GROWTH, times_of(growth))

    return judge


def _unjudged(asked: str, results: Results, row: Row, *keys: str) -> Verdict:
    reasons = [results.failure(row.exercise, key) for key in keys]
    return Verdict(asked, None, "; ".join(filter(None, reasons)) or "not measured")
