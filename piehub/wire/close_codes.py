"""The close codes that piehub sends, and those it accepts (RFC 6455 section 7.4)."""

from __future__ import annotations

NORMAL = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
NO_STATUS = 1005  # never on the wire: "the peer's close frame was empty"
ABNORMAL = 1006  # never on the wire: "the socket ended without a close frame"
BAD_TEXT = 1007
POLICY_VIOLATION = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
RESTARTING = 1012
FULL = 1013

# Codes of piehub's own; 4000-4999 are free for applications.
NO_PONG = 4408
TAKEN_OVER = 4409
TOO_SLOW = 4413
TOO_MANY_MESSAGES = 4429  # the original hub's own code

_ASSIGNED = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})
_KNOWN = _ASSIGNED | {NO_STATUS, ABNORMAL, NO_PONG, TAKEN_OVER, TOO_SLOW, TOO_MANY_MESSAGES}


def is_known(code: int) -> bool:
    """Say whether this code is an assigned one or piehub's own; applications may make up others."""
    return code in _KNOWN


def may_be_received(code: int) -> bool:
    """Say whether a peer may put this code in a close frame (RFC 6455 section 7.4.2)."""
    return code in _ASSIGNED or 3000 <= code <= 4999
