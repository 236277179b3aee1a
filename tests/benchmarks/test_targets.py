"""What the benchmarks' table says of figures that are given here."""

import pytest

from benchmarks.forms import count, seconds
from benchmarks.results import Results, Spread, spread
from benchmarks.targets import (
    GROWTH,
    Row,
    at_least,
    level_with,
    near_own_median,
    no_dearer_than,
    under,
)


def results(**rounds):
    """Of one exercise: for each server a list with one figure a round, None where it failed."""
    told = {
        key: [None if value is None else {"x": value, "cpu_us": value} for value in values]
        for key, values in rounds.items()
    }
    return Results({"it": told}, {}, [], [], [])


def row(*, is_more_better=True):
    return Row("it", "it", "x", seconds, is_more_better)


def test_ratios_are_taken_round_by_round():
    # The medians alone would say 2.
    found = results(piehub=[10, 20, 90], original=[1, 10, 30]).ratios(
        "it", "piehub", "original", "x"
    )
    assert found == [10, 2, 3]


def test_a_round_in_which_one_failed_gives_no_ratio():
    found = results(piehub=[10, None, 90], original=[5, 10, None])
    assert found.ratios("it", "piehub", "original", "x") == [2]


def test_a_spread_is_median_least_and_most():
    assert spread([3, 1, 8]) == Spread(3, 1, 8)
    assert spread([]) is None


@pytest.mark.parametrize(
    ("own", "its", "is_more_better", "met"),
    [(20, 10, True, True), (19, 10, True, False), (5, 10, False, True), (6, 10, False, False)],
)
def test_twice_as_good_is_twice_as_much_or_half_as_long(own, its, is_more_better, met):
    found = results(piehub=[own], original=[its])
    assert level_with("original", 2)(found, row(is_more_better=is_more_better)).met is met


@pytest.mark.parametrize(
    ("own", "is_more_better", "met"),
    [(95, True, True), (94, True, False), (105, False, True), (106, False, False)],
)
def test_level_is_what_no_round_could_tell_apart(own, is_more_better, met):
    found = results(piehub=[own], original=[100])
    assert level_with("original")(found, row(is_more_better=is_more_better)).met is met


def test_without_the_other_there_is_nothing_to_judge():
    found = results(piehub=[1])
    found.fail("it", "original", "did not start")
    verdict = level_with("original")(found, row())
    assert verdict.met is None
    assert verdict.seen == "did not start"


def test_limits_are_held_against_the_median():
    found = results(piehub=[1, 2, 9])
    assert under(3)(found, row()).met
    assert not under(2)(found, row()).met
    assert at_least(2)(found, row()).met
    assert not at_least(3)(found, row()).met


def test_who_was_too_slow_missed_the_limit_and_who_was_not_asked_did_not():
    assert under(3)(results(piehub=[None]), row()).met is False
    assert under(3)(Results({}, {}, [], [], []), row()).met is None


@pytest.mark.parametrize(("p99", "met"), [(3000, True), (3001, False)])
def test_the_tail_is_held_against_the_median_of_the_same_rounds(p99, met):
    found = Results({"it": {"piehub": [{"p50": 1000, "p99": p99}]}}, {}, [], [], [])
    assert near_own_median(2, 1000)(found, row()).met is met


@pytest.mark.parametrize(("cost", "met"), [(GROWTH, True), (GROWTH + 0.1, False)])
def test_a_delivery_is_compared_with_the_cheapest_of_the_smaller(cost, met):
    found = results(piehub=[cost])
    for name, smaller in (("ten", 9), ("hundred", 1)):
        found.add(name, "piehub", {"cpu_us": smaller})
    assert no_dearer_than(["ten", "hundred"])(found, row()).met is met


@pytest.mark.parametrize(
    ("value", "text"), [(1_234_567, "1.23M"), (456_789, "457k"), (12_345, "12.3k"), (9, "9.00")]
)
def test_counts_are_written_with_three_digits(value, text):
    assert count(value) == text
