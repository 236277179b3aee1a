"""The app's own code between a client and its rooms: who may come, join, and say what."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from blinker import Signal
from flask import Flask, abort

from piehub.guard import AppCodeFailed, app_code, tellable
from piehub.protocol.incoming import RoomInfo, to_dict
from piehub.protocol.outgoing import json_text

if TYPE_CHECKING:
    from piehub.session import Client

Authorize = Callable[[], Any]
OnJoin = Callable[["Client", RoomInfo], "str | bool | None"]
OnLeave = Callable[["Client", RoomInfo], None]
OnData = Callable[["Client", RoomInfo, dict[str, Any]], "dict[str, Any] | bool | None"]
Fitting = Callable[[bytes], bytes]

REFUSED = "The server does not let this client join."
FAILED = "The server could not decide this: its own code failed, and its log says how."


class HookFailed(Exception):
    """An on_data hook raised, or returned what cannot be sent; the message goes nowhere."""


class Hooks:
    """What the app has registered, each list in the order of registration, and how it is asked."""

    def __init__(self) -> None:
        self.authorize: list[Authorize] = []
        self.on_join: list[OnJoin] = []
        self.on_leave: list[OnLeave] = []
        self.on_data: list[OnData] = []

    def identify(self) -> Any:
        """Ask the authorize hooks, in the request's own context; return the identity they gave.

        Raises werkzeug's HTTPException where one refuses: 403 for False, or what it aborted with.
        """
        identity = None
        for hook in self.authorize:
            answer = hook()
            if answer is False:
                abort(403)
            if answer is not None and answer is not True:
                identity = answer
        return identity

    def refusal(self, app: Flask, client: Client, room: RoomInfo) -> str | None:
        """Ask the on_join hooks; return the first refusal as text, None when all agree."""
        try:
            for hook in self.on_join:
                with app_code(app, "on_join", f"client {client.id!r}"):
                    answer = hook(client, room)
                    if answer is False:
                        return REFUSED
                    if isinstance(answer, str):
                        return tellable(answer)
                    if answer is not None and answer is not True:
                        raise TypeError(f"on_join returns None, False or a text, not {answer!r}")
        except AppCodeFailed:
            return FAILED
        return None

    def left(self, app: Flask, client: Client, room: RoomInfo) -> None:
        """Tell the on_leave hooks."""
        for hook in self.on_leave:
            with suppress(AppCodeFailed), app_code(app, "on_leave", f"client {client.id!r}"):
                hook(client, room)

    def filtered(
        self, app: Flask, client: Client, room: RoomInfo, text: bytes, fitting: Fitting
    ) -> bytes | None:
        """Show a Data to the on_data hooks; return it as they leave it, None when one drops it.

        fitting: raises ValueError for what a hook has made too long or too deep, else returns it.
        Text that no hook changes is returned as it came, to the letter. Raises HookFailed.
        """
        try:
            for hook in self.on_data:
                with app_code(app, "on_data", f"client {client.id!r}"):
                    answer = hook(client, room, to_dict(text))
                    if answer is False:
                        return None
                    if isinstance(answer, dict):
                        text = fitting(json_text({**answer, "type": "Data"}))
                    elif answer is not None and answer is not True:
                        raise TypeError(f"on_data returns None, False or a dict, not {answer!r}")
        except AppCodeFailed:
            raise HookFailed(FAILED) from None
        return text


def notify(app: Flask, signal: Signal, **details: Any) -> None:
    """Send a signal, if anyone listens."""
    if signal.receivers:
        with suppress(AppCodeFailed), app_code(app, "a receiver", f"{signal!r}"):
            signal.send(app, **details)
