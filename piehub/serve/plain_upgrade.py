"""Recognise an upgrade in a socket's first bytes, if it is as plain as nearly all of them.

This is no reader of HTTP, and refuses nothing: what looks otherwise may be right or wrong, and is
gunicorn's to read. What is plain here, gunicorn by its default settings reads in the same way (RFC
9112), and Werkzeug routes as a WebSocket.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

MOST_BYTES = 8192  # of a head, and looked at
# Both less than gunicorn's own limits.
_MOST_FIELDS = 64
_LONGEST_LINE = 4000

# Labels and a port that are short enough for any name; others may be refused.
_HOST = re.compile(
    r"(?:(?:[a-z\d-]{1,50}\.)*[a-z\d-]{1,50}|\[[a-f\d:]{2,45}\])(?::\d{1,5})?", re.IGNORECASE
)
# These come with a body, or make gunicorn speak first.
_WITH_A_BODY = frozenset(
    ("HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_EXPECT", "HTTP_TRANSFER_ENCODING")
)
# gunicorn refuses a head in which two of these contradict each other.
_SCHEMES = ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_PROTOCOL", "HTTP_X_FORWARDED_SSL")


class PlainUpgrade(NamedTuple):
    """size: of its head, in bytes, with the empty line. environ: as gunicorn would have it, without
    what neither the hub nor Werkzeug's Request needs."""

    size: int
    environ: dict[str, Any]


def recognise(data: bytes, path: str, address: Any) -> PlainUpgrade | None:
    """The upgrade to a WebSocket on `path` whose whole head `data` begins with; None for all else.

    address: the client's, as `accept` gave it.
    """
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end or not head.isascii():
        return None
    request_line, *lines = head.decode().split("\r\n")
    query = _query(request_line, path)
    if query is None:
        return None
    environ = _fields(lines)
    if environ is None or not _upgrades(environ):
        return None
    environ["REQUEST_METHOD"] = "GET"
    environ["SERVER_PROTOCOL"] = "HTTP/1.1"
    environ["QUERY_STRING"] = query
    if isinstance(address, tuple):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = address[0], str(address[1])
    else:  # a UNIX socket's
        environ["REMOTE_ADDR"] = address.decode() if isinstance(address, bytes) else address
    return PlainUpgrade(len(head) + len(end), environ)


def _query(line: str, path: str) -> str | None:
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    asked, _, query = target.partition("?")
    is_plain = method == "GET" and asked == path and version == "HTTP/1.1" and "#" not in query
    return query if is_plain and line.isprintable() and len(line) <= _LONGEST_LINE else None


def _fields(lines: list[str]) -> dict[str, str] | None:
    """The header as an environ has it; None if a name comes twice, a line is folded, or odd."""
    fields = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.replace("-", "").isalnum() or not line.isprintable():
            return None
        fields["HTTP_" + name.upper().replace("-", "_")] = value.strip(" ")
    return fields if len(fields) == len(lines) <= _MOST_FIELDS else None


def _upgrades(fields: dict[str, str]) -> bool:
    """Whether Werkzeug routes this as a WebSocket, and nothing else in it is to be looked at."""
    tokens = fields.get("HTTP_CONNECTION", "").lower().split(",")
    return (
        fields.get("HTTP_UPGRADE", "").lower() == "websocket"
        and "upgrade" in [token.strip() for token in tokens]
        and _HOST.fullmatch(fields.get("HTTP_HOST", "")) is not None
        and _WITH_A_BODY.isdisjoint(fields)
        and sum(map(fields.__contains__, _SCHEMES)) < 2
    )
