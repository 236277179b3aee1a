"""The app's own code between a client and its rooms: who may come, join, and say what."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from blinker import Signal
from flask import Flask, abort

from piehub.guard import AppCodeFailed, app_code
from piehub.protocol.incoming import RoomInfo, to_dict
from piehub.protocol.outgoing import json_text

if TYPE_CHECKING:
    from piehub.session import Client

log = logging.getLogger("piehub")

Authorize = Callable[[], Any]
OnJoin = Callable[["Client", RoomInfo], "str | bool | None"]
OnLeave = Callable[["Client", RoomInfo], None]
OnData = Callable[["Client", RoomInfo, dict[str, Any]], "dict[str, Any] | bool | None"]

REFUSED = "The server does not let this client join."
FAILED = "The server could not decide this: its own code failed, and its log says how."


class Hooks:
    """What the app has registered, each list in the order of registration."""

    def __init__(self) -> None:
        self.authorize: list[Authorize] = []
        self.on_join: list[OnJoin] = []
        self.on_leave: list[OnLeave] = []
        self.on_data: list[OnData] = []


def identify(hooks: Hooks) -> Any:
    """Ask the authorize hooks, in the request's own context; return the identity they gave.

    Raises werkzeug's HTTPException where one refuses: 403 for False, or what it aborted with.
    """
    identity = None
    for hook in hooks.authorize:
        answer = hook()
        if answer is False:
            abort(403)
        if answer is not None and answer is not True:
            identity = answer
    return identity


def refusal(app: Flask, hooks: Hooks, client: Client, room: RoomInfo) -> str | None:
    """Ask the on_join hooks; return the first refusal as text, None when all agree."""
    try:
        for hook in hooks.on_join:
            with app_code(app):
                answer = hook(client, room)
                if answer is False:
                    return REFUSED
                if isinstance(answer, str):
                    return answer
                if answer is not None and answer is not True:
                    raise TypeError(f"on_join returns None, False or a text, not {answer!r}")
    except AppCodeFailed:
        log.exception("on_join failed for client %s", client.id)
        return FAILED
    return None


def left(app: Flask, hooks: Hooks, client: Client, room: RoomInfo) -> None:
    """Tell the on_leave hooks."""
    for hook in hooks.on_leave:
        try:
            with app_code(app):
                hook(client, room)
        except AppCodeFailed:
            log.exception("on_leave failed for client %s", client.id)


class HookFailed(Exception):
    """An on_data hook raised, or returned what cannot be sent; the message goes nowhere."""


def filtered(app: Flask, hooks: Hooks, client: Client, room: RoomInfo, text: bytes) -> bytes | None:
    """Show a Data to the on_data hooks; return it as they leave it, None when one drops it.

    Text that no hook changes is returned as it came, to the letter. Raises HookFailed.
    """
    try:
        for hook in hooks.on_data:
            with app_code(app):
                answer = hook(client, room, to_dict(text))
                if answer is False:
                    return None
                if isinstance(answer, dict):
                    text = json_text({**answer, "type": "Data"})
                elif answer is not None and answer is not True:
                    raise TypeError(f"on_data returns None, False or a dict, not {answer!r}")
    except AppCodeFailed:
        log.exception("on_data failed for client %s", client.id)
        raise HookFailed(FAILED) from None
    return text


def notify(app: Flask, signal: Signal, **details: Any) -> None:
    """Send a signal, if anyone listens."""
    if not signal.receivers:
        return
    try:
        with app_code(app):
            signal.send(app, **details)
    except AppCodeFailed:
        log.exception("a receiver of %r failed", signal)
