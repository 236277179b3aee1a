"""Whether to come back after a connection has ended, and when."""

from __future__ import annotations

import re
from typing import NamedTuple

from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from piehub.client.errors import NotConnected, PieError, PieTimeout, Refused

TOO_SLOW = 4413

# Close codes after which coming back would end the same way, and those after which it should wait.
_FINAL = {1002, 1003, 1007, 1008, 1009, 4409}
_LATER = {1013, 4429}
# Of an upgrade that is refused, not now but perhaps in a moment.
_STATUSES_OF_A_MOMENT = {408, 429, 500, 502, 503, 504}
_LATER_SECONDS = 5.0
_LONGEST = 10.0  # seconds between two attempts
_MOST_OF_A_PAGE = 300  # characters of what a server says to an upgrade
_TAG = re.compile(r"<[^>]*>")


class End(NamedTuple):
    """How a connection ended, or why there is none.

    error: for who waits for the connection. is_final: do not come back. least: seconds to wait
    before that.
    """

    error: PieError
    is_final: bool = False
    least: float = 0.0


def after_close(closed: ConnectionClosed) -> End:
    """What follows from how a connection was closed."""
    frame = closed.rcvd or closed.sent  # what websockets itself objects to is in `sent`
    if frame is None:
        return End(NotConnected("The connection broke"))
    said = f"{frame.code} {frame.reason}".rstrip()
    if frame.code in _FINAL:
        return End(NotConnected(f"The connection was closed for good: {said}"), is_final=True)
    least = _LATER_SECONDS if frame.code in _LATER else 0.0
    return End(NotConnected(f"The connection was closed: {said}"), least=least)


def after_failure(error: Exception, where: str) -> End:
    """What follows from what websockets raised instead of opening a connection."""
    what = f"Could not connect to {where}"
    if isinstance(error, InvalidStatus):
        return _after_status(error, what)
    if isinstance(error, TimeoutError):
        return End(PieTimeout(f"{what}: nothing answered in time"))
    if isinstance(error, OSError | InvalidMessage):  # the network's, or a hub's that just ends
        return End(NotConnected(f"{what}: {error}"))
    return End(NotConnected(f"{what}: {error}"), is_final=True)


def _after_status(error: InvalidStatus, what: str) -> End:
    status = error.response.status_code
    page = (error.response.body or b"").decode(errors="replace")
    text = " ".join(_TAG.sub(" ", page).split())[:_MOST_OF_A_PAGE]
    said = f"{what}: {status} {text}".rstrip()
    return End(Refused(said), is_final=status not in _STATUSES_OF_A_MOMENT)


def wait_seconds(attempt: int, least: float, chance: float) -> float:
    """How long to wait before an attempt, the first being 0. chance: from 0 up to 1, so that those
    whom one hub has lost at once do not come back at once."""
    longest = min(_LONGEST, 0.1 + attempt**2 * 0.05)
    return max(least, longest / 2) + chance * longest / 2
