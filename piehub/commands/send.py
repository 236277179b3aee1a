"""A message to a room of a hub that is somewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click
from click import ClickException

from piehub.commands import api, target


def send(
    url: str, token: str | None, room: tuple[str, str, str], payload: str, to: Sequence[str]
) -> None:
    """Send it, and say how many hear it.

    room: app, version and name. payload: JSON, or - for standard input. to: ids of clients; none
        is all that are in the room.
    """
    body: dict[str, Any] = {"payload": _read(payload)}
    if to:
        body["to"] = list(to)
    told = api.ask(target.read(url), token, "rooms", *room, "messages", body=body)
    count = told.get("sent") if isinstance(told, dict) else None
    if not isinstance(count, int):
        raise ClickException(f"what answers at {url} is no hub")
    click.echo(f"{count} {'client hears' if count == 1 else 'clients hear'} it")


def _read(payload: str) -> Any:
    try:
        text = sys.stdin.buffer.read() if payload == "-" else payload
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ClickException(
            f"the payload is no JSON: {error}. Text has quotes of its own: '\"hello\"'"
        ) from error


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"there is no {word} in it")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if abs(number) != float("inf") else _refuse(digits)
