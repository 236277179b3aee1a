"""What a doctor finds, and how it is shown."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from piehub.commands.words import printable

OK = "ok"
WARNING = "warning"
ERROR = "error"

_COLOURS = {OK: "green", WARNING: "yellow", ERROR: "red"}
_LEVEL = 9  # columns
_WHAT = 11
_WIDEST = 100


class Finding(NamedTuple):
    """what: that was looked at. level: OK, WARNING or ERROR. text: what is so. advice: what to do,
    where that is not well."""

    what: str
    level: str
    text: str
    advice: str = ""


def show(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print them: aligned for people, or as a list of objects for machines."""
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
        return
    for what, level, text, advice in findings:
        click.secho(f"{level:<{_LEVEL}}", fg=_COLOURS[level], nl=False)
        for at, words in enumerate([text, advice] if advice else [text]):
            margin = " " * (_LEVEL + _WHAT)
            click.echo(f"{what:<{_WHAT}}" if not at else margin, nl=False)
            click.echo(_wrapped(printable(words), margin))


def is_well(findings: Sequence[Finding]) -> bool:
    """Whether none of them is an error."""
    return all(finding.level != ERROR for finding in findings)


def _wrapped(words: str, margin: str) -> str:
    if not sys.stdout.isatty():  # who reads it by lines
        return words
    width = min(shutil.get_terminal_size().columns, _WIDEST) - len(margin)
    return click.wrap_text(words, max(width, 20)).replace("\n", f"\n{margin}")
