"""Requests to a hub, by the standard library."""

from __future__ import annotations

import http.client
from email.message import Message
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from piehub.commands.target import Target

TIMEOUT = 10.0  # seconds
_MOST_BYTES = 64 * 1024**2


class Unreachable(Exception):
    """Nobody answers; the text says why."""


class Answer(NamedTuple):
    """status: whatever it is, redirects too."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        """The first line, for people."""
        lines = self.body[:500].decode(errors="replace").strip().splitlines() or [""]
        return lines[0]


class _NoRedirect(HTTPRedirectHandler):
    """urllib would take the token along to wherever it is sent."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def fetch(
    target: Target,
    url: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """Ask for `url`, which is the target's. Raises Unreachable."""
    # What is on this machine is asked directly, whatever proxy the environment names.
    direct = [ProxyHandler({})] if target.is_loopback else []
    opener = build_opener(_NoRedirect, *direct)
    request = Request(url, body, headers or {}, method=method)  # noqa: S310, http or https
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            return Answer(response.status, response.headers, response.read(_MOST_BYTES))
    except HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read(_MOST_BYTES))
    except URLError as error:
        raise Unreachable(_reason(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(_reason(error)) from error


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:.0f} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, http.client.HTTPException):
        return "what answers there does not speak HTTP"
    return str(error)
