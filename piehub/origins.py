"""Whose pages may open a WebSocket: the Origin that a browser says (RFC 6455 section 10.2).

A browser sends its cookies along whatever page it shows, so where clients are told by cookies, a
stranger's page could speak for them. Who is no browser says no Origin, or what it likes.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_ORIGIN = re.compile(r"[a-z][a-z\d+.-]*://[^/\s?#@*]+|null|same|\*")


class Origins(NamedTuple):
    """named: as browsers write them, in small letters; `*` is any, `same` is the hub's own host.
    Empty: nobody has said."""

    named: frozenset[str] = frozenset()


ANY = Origins(frozenset("*"))
SAME = Origins(frozenset({"same"}))


def origins(value: Any) -> Origins | None:
    """Read a list such as "https://example.com, same"; None for what is none."""
    if isinstance(value, Origins):
        return value
    if not isinstance(value, str):
        return None
    named = frozenset(map(_as_browsers_write, value.lower().replace(",", " ").split()))
    is_list = value.isascii() and (named or not value.strip())
    return Origins(named) if is_list and all(map(_ORIGIN.fullmatch, named)) else None


def may_connect(origin: str | None, host: str, allowed: Origins) -> bool:
    """Whether a page of this origin, if there is a page, may open a WebSocket on this host.

    host: the request's Host, to which browsers always write the name that they went to.
    """
    named = allowed.named
    if origin is None or "*" in named:
        return True
    origin = origin.lower()
    return origin in named or ("same" in named and _is_of(origin, host.lower()))


def _as_browsers_write(origin: str) -> str:
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition("://")[0], ""))


def _is_of(origin: str, host: str) -> bool:
    scheme, _, authority = origin.partition("://")
    default = _DEFAULT_PORTS.get(scheme)
    if default is None:
        return False
    return authority.removesuffix(default) == host.removesuffix(default)
