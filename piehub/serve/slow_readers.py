"""Who does not read the answer to its request holds a place for requests, for which no server has a
limit of its own."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from piehub.net.runtime import USER_TIMEOUT


def give_up(listeners: Iterable[Any], seconds: float) -> None:
    """End connections whose peer takes nothing of what waits for it; clients have their outbox.

    listeners: sockets, whose connections get this from them (tcp(7), TCP_USER_TIMEOUT).
    """
    if USER_TIMEOUT is None:
        return
    for listener in listeners:
        with suppress(OSError):  # a UNIX socket
            listener.setsockopt(socket.IPPROTO_TCP, USER_TIMEOUT, int(seconds * 1000))


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """A filter for the log of a server that would show the traceback of each."""
    return not (record.exc_info and isinstance(record.exc_info[1], TimeoutError))
