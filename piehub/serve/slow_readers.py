"""Who does not read the page that it asked for holds a place for requests, and no server has a
limit for that of its own."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from piehub.hub import Hub
from piehub.net.runtime import USER_TIMEOUT
from piehub.web import views

_MOST_MS = 2**31 - 1  # that the kernel takes


def give_up(listeners: Iterable[Any], hub: Hub) -> None:
    """End connections whose peer takes nothing of what waits for it, after PIEHUB_STALL_TIMEOUT.

    Only of a stand-alone hub, all of whose answers are short: an app may have streams. Clients have
    their outbox.

    listeners: sockets, whose connections get this from them (tcp(7), TCP_USER_TIMEOUT).
    """
    if USER_TIMEOUT is None or views.PAGES not in hub.app.blueprints:
        return
    most = min(round(hub.settings.stall_timeout * 1000), _MOST_MS)
    for listener in listeners:
        with suppress(OSError):  # a UNIX socket
            listener.setsockopt(socket.IPPROTO_TCP, USER_TIMEOUT, most)


def in_a_line(record: logging.LogRecord) -> bool:
    """A filter for the log of gunicorn, which would show the traceback of each."""
    error = record.exc_info and record.exc_info[1]
    if isinstance(error, TimeoutError) and error.errno:
        record.msg, record.args = "%s %s", (record.getMessage(), error)
        record.exc_info = None
    return True
