"""Take leave of every client before the process ends, so that they come back without an error."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from piehub.net.connection import Connection
from piehub.net.runtime import Runtime
from piehub.wire import close_codes

SPREAD = 4.0  # seconds over which many clients are told, so that they do not come back all at once
_PAUSE = 0.005  # seconds between one batch and the next


def drain(connections: Iterable[Connection], runtime: Runtime) -> None:
    """Close all with 1012. Few are told at once, many over SPREAD seconds."""
    clients = list(connections)
    batch = max(1, ceil(len(clients) * _PAUSE / SPREAD))
    for count, connection in enumerate(clients, 1):
        connection.close(close_codes.RESTARTING, "the hub is restarting")
        if not count % batch:
            runtime.sleep(_PAUSE)
