"""The rooms of a hub that is somewhere, as a table."""

from __future__ import annotations

import json
from typing import Any

import click

from piehub.commands import api, target
from piehub.commands.words import printable

_WORDS = {"hidden": "hidden", "isPasswordProtected": "protected"}
_HEAD = ("app", "name", "version", "clients", "most", "history", "is")


def show(url: str, token: str | None, search: dict[str, str], *, as_json: bool) -> None:
    """Print them. search: app, name and version, where they are to match."""
    found = api.rooms(target.read(url), token, search)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    rows = [_HEAD, *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    click.echo(f"{len(found)} rooms, {sum(room.get('clients', 0) for room in found)} clients")


def _row(room: dict[str, Any]) -> tuple[str, ...]:
    is_so = [word for key, word in _WORDS.items() if room.get(key)]
    figures = [str(room.get(key, "")) for key in ("clients", "maxClients", "history")]
    names = [printable(room[key]) for key in ("app", "name", "version")]
    return (*names, *figures, ", ".join(is_so))
