"""Paths whose segments may be any text: a name may hold a slash."""

from __future__ import annotations

from urllib.parse import unquote

from flask import request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

_MOST = 5  # segments of a path that means anything


class _Rest(BaseConverter):
    """All that follows; werkzeug's own `path` knows neither line ends nor empty segments."""

    part_isolating = False
    regex = r"[\s\S]*"
    weight = 1000  # all others come first


def register(state: BlueprintSetupState) -> None:
    """For `Blueprint.record`: from here on, its routes may have `<piehub_rest:rest>` in them."""
    state.app.url_map.converters["piehub_rest"] = _Rest


def segments(rest: str) -> list[str]:
    """The segments of what has matched `<piehub_rest:rest>`.

    The path comes decoded (PEP 3333), where a %2F is a slash like others; what was sent is known of
    most servers, by one name or another.
    """
    environ = request.environ
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    path = sent.partition("?")[0].split("/")
    for count in range(1, _MOST + 1):
        last = [unquote(segment) for segment in path[-count:]]
        if "/".join(last) == rest:
            return last
    return rest.split("/")
