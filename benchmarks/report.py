"""The table, on the terminal and as a page."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import rows
from benchmarks.forms import times
from benchmarks.method import page
from benchmarks.plans import Plan
from benchmarks.results import Results, spread
from benchmarks.rounds import TAKEN
from benchmarks.servers import Kind
from benchmarks.targets import OWN, Row, Verdict

Cells = list[str]
WORDS = {True: "met", False: "NOT MET", None: "not judged"}


def shown(plan: Plan) -> list[Row]:
    """The rows of what was run, in the table's order."""
    names = {exercise.name for exercise in plan.exercises}
    return [row for row in rows.ALL if row.exercise in names]


def terminal(plan: Plan, results: Results) -> str:
    """One table, in columns."""
    others = [kind for kind in plan.kinds if kind.key != OWN]
    head = ["", "piehub", "(spread)", *(kind.key for kind in others), "x original", "(spread)"]
    lines = [[*head, "targets"]]
    for row in shown(plan):
        values = [_cell(results, row, kind) for kind in others]
        verdicts = "; ".join(_told(one) for one in judged(results, row))
        own = [row.title, _median(results, row, OWN), _spread(results, row, OWN)]
        lines.append([*own, *values, *_ratio(results, row), verdicts])
    return _columns(lines)


def markdown(
    plan: Plan, results: Results, machine: Sequence[tuple[str, str]], plots: Sequence[Path]
) -> str:
    """The page for docs/, which shows the plots that are beside it."""
    head = ["", "piehub", "spread", "the original", "ratio", "spread", "target", ""]
    asked = [head]
    for row in shown(plan):
        own = [_median(results, row, OWN), _spread(results, row, OWN)]
        values = [row.title, *own, _median(results, row, "original"), *_ratio(results, row)]
        verdicts = judged(results, row)
        asked.append(
            [
                *values,
                "<br>".join(one.asked for one in verdicts),
                "<br>".join(f"**{WORDS[one.met]}** ({one.seen})" for one in verdicts),
            ]
        )
    everyone = [["", *(kind.title for kind in plan.kinds)]]
    for row in shown(plan):
        cells = [_cell_and_spread(results, row, kind) for kind in plan.kinds]
        everyone.append([row.title, *cells])
    return page(
        plan,
        _table(asked),
        _table(everyone),
        _table([["", ""], *map(list, machine)]),
        [*missing(plan, results)],
        plots,
    )


def judged(results: Results, row: Row) -> list[Verdict]:
    return [target(results, row) for target in row.targets]


def missing(plan: Plan, results: Results) -> Iterable[str]:
    """What there is no figure of, and why, one sentence each."""
    for kind in plan.kinds:
        if reason := kind.lacks():
            yield f"{kind.title} is missing: {reason}."
    if results.repeated:
        yield (
            f"{len(results.repeated)} runs were repeated because something else had a core for "
            f"more than {TAKEN:.0%} of the time; {len(results.disturbed)} were kept nevertheless."
        )
    for exercise, failures in results.failures.items():
        for key, reason in failures.items():
            title = next(kind.title for kind in plan.kinds if kind.key == key)
            yield f"{title} has no figure in `{exercise}`: {reason}."


def _median(results: Results, row: Row, key: str) -> str:
    found = spread(results.values(row.exercise, key, row.figure))
    if found:
        return row.form(found.median)
    return "failed" if results.failure(row.exercise, key) else "-"


def _cell(results: Results, row: Row, kind: Kind) -> str:
    return "missing" if kind.lacks() else _median(results, row, kind.key)


def _spread(results: Results, row: Row, key: str) -> str:
    found = spread(results.values(row.exercise, key, row.figure))
    if not found or found.least == found.most:
        return ""
    return f"{row.form(found.least).split(' ')[0]} - {row.form(found.most)}"


def _cell_and_spread(results: Results, row: Row, kind: Kind) -> str:
    told = _spread(results, row, kind.key)
    return _cell(results, row, kind) + (f"<br>({told})" if told else "")


def _ratio(results: Results, row: Row) -> Cells:
    found = spread(results.ratios(row.exercise, OWN, "original", row.figure))
    if not found:
        return ["", ""]
    if found.least == found.most:
        return [times(found.median), ""]
    return [times(found.median), f"{times(found.least)[:-2]} - {times(found.most)}"]


def _told(verdict: Verdict) -> str:
    return f"{WORDS[verdict.met]}: {verdict.asked} ({verdict.seen})"


def _columns(lines: Sequence[Cells]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at in (0, len(line) - 1) else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _table(lines: Sequence[Cells]) -> str:
    """The first line is the head."""
    rule = ["---"] * len(lines[0])
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
