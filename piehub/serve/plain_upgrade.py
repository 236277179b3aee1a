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
_WITH_A_BODY = frozenset(("CONTENT-LENGTH", "CONTENT-TYPE", "EXPECT", "TRANSFER-ENCODING"))
# gunicorn refuses a head in which two of these contradict each other.
_SCHEMES = frozenset(("X-FORWARDED-PROTO", "X-FORWARDED-PROTOCOL", "X-FORWARDED-SSL"))


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
    text = head.decode()
    request_line, *lines = text.split("\r\n")
    query, fields = _query(request_line, path), _fields(lines)
    if query is None or fields is None or not text.replace("\r\n", "").isprintable():
        return None
    environ = {
        **{"HTTP_" + name.replace("-", "_"): value for name, value in fields.items()},
        **_remote(address),
        "REQUEST_METHOD": "GET",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "QUERY_STRING": query,
    }
    return PlainUpgrade(len(head) + len(end), environ) if _upgrades(fields) else None


def _query(line: str, path: str) -> str | None:
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    asked, _, query = target.partition("?")
    is_plain = method == "GET" and asked == path and version == "HTTP/1.1" and "#" not in query
    return query if is_plain and len(line) <= _LONGEST_LINE else None


def _fields(lines: list[str]) -> dict[str, str] | None:
    """The header by its names in capitals; None if one comes twice, is folded, or is odd."""
    fields = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.replace("-", "").isalnum():
            return None
        fields[name.upper()] = value.strip(" ")
    return fields if len(fields) == len(lines) <= _MOST_FIELDS else None


def _upgrades(fields: dict[str, str]) -> bool:
    tokens = fields.get("CONNECTION", "").lower().split(",")
    return (
        fields.get("UPGRADE", "").lower() == "websocket"
        and any(token.strip() == "upgrade" for token in tokens)
        and _HOST.fullmatch(fields.get("HOST", "")) is not None
        and _WITH_A_BODY.isdisjoint(fields)
        and len(_SCHEMES & fields.keys()) < 2
    )


def _remote(address: Any) -> dict[str, str]:
    if isinstance(address, tuple):
        return {"REMOTE_ADDR": address[0], "REMOTE_PORT": str(address[1])}
    return {"REMOTE_ADDR": address.decode() if isinstance(address, bytes) else address}
