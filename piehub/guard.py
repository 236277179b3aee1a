"""Around the app's own code: what it raises stays its own problem."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from greenlet import GreenletExit

_MOST = 300  # characters of the app's own that an error tells clients; its log has them all

log = logging.getLogger("piehub")


class AppCodeFailed(Exception):
    """The app's own code raised, and the log says how. The text is that exception's, as clients
    may be told it."""


@contextmanager
def app_code(app: Flask, what: str, whom: str) -> Iterator[None]:
    """Run a hook, a receiver or a host app in an app context of its own.

    what, whom: name the code and who it ran for, in the log.

    Raises AppCodeFailed for anything that it raises: gevent.Timeout and SystemExit too, which are
    no Exceptions, and would otherwise end the hub's own greenlet, or all of the process.
    """
    try:
        with app.app_context():
            yield
    except GreenletExit:  # the server is stopping, and this greenlet with it
        raise
    except BaseException as error:
        log.exception("%s failed for %s", what, whom)
        raise AppCodeFailed(_text_of(error)) from error


def _text_of(error: BaseException) -> str:
    try:
        return tellable(str(error))
    except Exception:  # its __str__ is the app's own code, too
        return type(error).__name__


def tellable(text: str) -> str:
    """A text of the app's own, as an error can tell it to clients: it may hold all of a message."""
    shown = text if len(text) <= _MOST else text[: _MOST - 1] + "…"
    return shown.encode(errors="replace").decode()
