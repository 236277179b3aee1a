"""Agree on permessage-deflate (RFC 6455 section 9.1, RFC 7692 sections 5 and 7.1)."""

from __future__ import annotations

import re
from typing import NamedTuple
from zlib import MAX_WBITS

from piehub.wire.deflate import WINDOW_BITS

_NAME = "permessage-deflate"

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE = rf'{_WORD}|"(?:[^"\\]|\\.)*"'
_PARAMETER = re.compile(rf"[ \t]*;[ \t]*({_WORD})(?:[ \t]*=[ \t]*({_VALUE}))?")
# A place in the list may be empty (RFC 2616 section 2.1).
# Blanks stand in one place of the pattern: in two, it would try every way to share many of them.
_OFFER = re.compile(rf"[ \t]*(?:({_WORD})((?:{_PARAMETER.pattern})*)[ \t]*)?(?:,|\Z)")

# What each parameter of an offer may be; None is to have no value (RFC 7692 section 7.1).
# zlib has no window of 8 bits to deflate with, so 8 cannot be promised.
_ALLOWED: dict[str, set[str | None]] = {
    "server_no_context_takeover": {None},
    "client_no_context_takeover": {None},
    "server_max_window_bits": {"9", "10", "11", "12", "13", "14", "15"},
    "client_max_window_bits": {None, "8", "9", "10", "11", "12", "13", "14", "15"},
}

# No context is carried over in either direction: one frame fits all clients, and an idle client
# costs nothing. A client need not have offered the latter (section 7.1.1.2).
_RESPONSE = f"{_NAME}; server_no_context_takeover; client_no_context_takeover"


class Agreement(NamedTuple):
    """What was agreed on with one client, which may send compressed messages from now on.

    response: the Sec-WebSocket-Extensions header to answer with.
    window_bits: the largest window with which a message to the client may be deflated.
    """

    response: str
    window_bits: int

    @property
    def takes_deflated(self) -> bool:
        """Whether the compressed frame that suits most suits it too; if not, plain ones do."""
        return self.window_bits >= WINDOW_BITS


def negotiate(header: str) -> Agreement | None:
    """Agree to the first offer in a client's Sec-WebSocket-Extensions header that can be kept.

    None is to go on without: there is no such offer, or the header cannot be read.
    """
    for name, parameters in _parse(header):
        if name == _NAME and (agreement := _agree(parameters)):
            return agreement
    return None


def _agree(parameters: list[tuple[str, str | None]]) -> Agreement | None:
    wanted = dict(parameters)
    if len(wanted) < len(parameters):
        return None  # one is there twice
    if any(value not in _ALLOWED.get(name, ()) for name, value in parameters):
        return None
    bits = wanted.get("server_max_window_bits")
    if bits is None:
        return Agreement(_RESPONSE, MAX_WBITS)
    # Section 7.1.2.1: to answer with the parameter is to keep to it.
    return Agreement(f"{_RESPONSE}; server_max_window_bits={bits}", int(bits))


def _parse(header: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Return the name and the parameters of each offer; nothing if there is a slip in any."""
    offers = []
    at = 0
    while at < len(header):
        found = _OFFER.match(header, at)
        if not found:
            return []
        name, parameters = found.group(1, 2)
        if name:
            pairs = _PARAMETER.findall(parameters)
            offers.append(
                (name, [(key, _unquoted(value) if value else None) for key, value in pairs])
            )
        at = found.end()
    return offers


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] == '"' else value
