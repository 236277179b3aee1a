"""The API of a hub that is somewhere."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import click
from click import ClickException

from piehub.commands import http
from piehub.commands.target import Target
from piehub.commands.words import printable

_PAGE = 1000  # the most that a hub lists at once


def ask(
    target: Target,
    token: str | None,
    *segments: str,
    query: dict[str, Any] | None = None,
    body: Any = None,
) -> Any:
    """GET /api/..., or POST where there is a body; return what the JSON says.

    Raises ClickException, with a sentence, for whatever goes wrong.
    """
    path = "/".join(quote(segment, safe="") for segment in segments)
    url = f"{target.base}/api/{path}" + (f"?{urlencode(query)}" if query else "")
    headers = {"Authorization": f"Bearer {_checked(token)}", "Accept": "application/json"}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body, allow_nan=False).encode()
    _warn_of_plain(target)
    try:
        answer = http.fetch(
            target, url, method="GET" if data is None else "POST", headers=headers, body=data
        )
    except http.Unreachable as error:
        raise ClickException(f"no hub answers at {target.base}: {error}") from error
    told = _json(answer.body)
    if answer.status == 200 and told is not None:
        return told
    raise ClickException(printable(_complaint(target, answer, told)))


def rooms(target: Target, token: str | None, search: dict[str, str]) -> list[dict[str, Any]]:
    """All rooms that match, however many pages they take."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}  # rooms come and go between two pages
    offset = 0
    while True:
        page = ask(target, token, "rooms", query={**search, "limit": _PAGE, "offset": offset})
        try:
            listed = page["rooms"]
            found |= {(each["app"], each["version"], each["name"]): each for each in listed}
            offset += len(listed)
            if not listed or offset >= page["total"]:
                return list(found.values())
        except (KeyError, TypeError) as error:
            raise ClickException(f"what answers at {target.base} is no hub") from error


def _checked(token: str | None) -> str:
    if not token:
        raise ClickException(
            "no token: set PIEHUB_ADMIN_TOKEN, as the hub has it, or give it by --token"
        )
    if not re.fullmatch(r"[!-~]+", token):
        raise ClickException("the token has characters that no token has: it is ASCII, no blanks")
    return token


def _warn_of_plain(target: Target) -> None:
    if target.scheme == "http" and not target.is_loopback:
        click.echo(f"Warning: the token goes to {target.origin} without TLS", err=True)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _complaint(target: Target, answer: http.Answer, told: Any) -> str:
    if isinstance(told, dict) and isinstance(told.get("error"), str):
        wrong = " (this token is not the hub's)" if answer.status == 401 else ""
        return f"the hub says {answer.status}{wrong}: {told['error']}"
    if 300 <= answer.status < 400:
        return f"{target.base} is elsewhere: give --url {answer.headers.get('Location')}"
    if answer.status == 404:
        return (
            f"there is no API at {target.base}/api: the hub there has no PIEHUB_ADMIN_TOKEN, or "
            "its app has it under another path, which --url takes, too"
        )
    return f"what answers at {target.base} is no hub: {answer.status} {answer.text}".rstrip()
