"""Around the app's own code: what it raises stays its own problem."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from greenlet import GreenletExit


class AppCodeFailed(Exception):
    """The app's own code raised; its exception is the cause, the text is that exception's."""


@contextmanager
def app_code(app: Flask) -> Iterator[None]:
    """Run a hook, a receiver or a host app in an app context of its own.

    Raises AppCodeFailed for anything that it raises: gevent.Timeout and SystemExit too, which are
    no Exceptions, and would otherwise end the hub's own greenlet, or all of the process.
    """
    try:
        with app.app_context():
            yield
    except GreenletExit:  # the server is stopping
        raise
    except BaseException as error:
        raise AppCodeFailed(_text_of(error)) from error


def _text_of(error: BaseException) -> str:
    try:
        return str(error).encode(errors="replace").decode()
    except Exception:  # its __str__ is the app's own code, too
        return type(error).__name__
