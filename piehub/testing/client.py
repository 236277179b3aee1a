"""A client as an app's tests use it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf
from types import TracebackType
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from piehub.net import adopt
from piehub.testing import in_process
from piehub.testing.link import End
from piehub.wire import close_codes
from piehub.wire.frames import BINARY, TEXT

_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",  # RFC 6455 section 1.3 has it, too
}
_PROMISE = ("ResolvePromise", "RejectPromise")
_ANSWERS = {
    "JoinRoom": _PROMISE,
    "EnterMatchmaking": _PROMISE,
    "LeaveMatchmaking": _PROMISE,
    "GetRooms": ("Rooms",),
    "GetStats": ("GetStats",),
}


class Refused(Exception):
    """The hub has said no; the text says why.

    response: to the upgrade, if it was that; its `status_code` is 401, say.
    """

    def __init__(self, text: str, response: TestResponse | None = None) -> None:
        super().__init__(text)
        self.response = response


class Closed(Exception):
    """This client's connection has ended; the text says with which code, and why."""


class PieTestClient:
    """A client that is connected, in process. `with` closes it at the end.

    app: that has the hub. flask_test_client: whose cookies it brings, as a page's WebSocket does.
    request: of its upgrade, as Flask's own test client takes it, such as query_string and headers.

    Raises Refused where the hub, or the app, does not let it in; RuntimeError where the app has no
    hub, or one that serves sockets already.
    """

    def __init__(
        self, app: Flask, *, flask_test_client: FlaskClient | None = None, **request: Any
    ) -> None:
        self._runtime = in_process.of(app)
        self._end = End()
        browser = flask_test_client or app.test_client()
        if browser.application is not app:
            raise ValueError(f"flask_test_client is one of {browser.application}, not of {app}")
        headers = Headers(request.pop("headers", None))
        if "Sec-WebSocket-Extensions" in headers:
            raise ValueError("A test client does not inflate: it offers no extensions")
        for name, value in _UPGRADE.items():
            headers.setdefault(name, value)
        request["environ_base"] = {
            **(request.get("environ_base") or {}),
            adopt.IN_PROCESS: self._end,
        }
        path = app.extensions["piehub"].settings.path
        response = browser.open(path, headers=headers, **request)
        self._runtime.settle()
        if response.status_code != 101:
            text = response.get_data(as_text=True).strip()
            raise Refused(f"{response.status}: {text}", response)
        self._check_open()
        #: What the hub has greeted it with: `clientId`, `resumeToken`, `hostAppVersion`.
        self.hello = self._end.messages.pop(0)
        self.id: str = self.hello["clientId"]

    def __repr__(self) -> str:
        return f"<PieTestClient {self.id!r}>"

    def __enter__(self) -> PieTestClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What it says

    def join(
        self,
        *,
        app: str,
        version: str,
        name: str = "default",
        make: bool = True,
        recover: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> dict[str, Any]:
        """Join a room; return what the promise says of it.

        make: it first, if there is none. recover: epoch and seq of what was heard last. settings:
        of the room, as in the protocol: maxClients, password, hidden, ... Raises Refused.
        """
        room = {"app": app, "name": name, "version": version, **settings}
        fields = {} if recover is None else {"recover": recover}
        return self.ask("JoinRoom", roomInfo=room, makeRoomIfNonExistant=make, **fields)

    def leave(self) -> None:
        """Leave the room."""
        self.say("LeaveRoom")

    def send_data(self, payload: Any, **fields: Any) -> None:
        """Say Data. fields: others of it, as in the protocol, such as subType and messageId."""
        self.say("Data", payload=payload, **fields)

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Say what has an answer; return that: a promise's `data`, or `Rooms` or `GetStats` whole.

        kind: JoinRoom, EnterMatchmaking, LeaveMatchmaking, GetRooms or GetStats. Raises Refused.
        """
        if kind not in _ANSWERS:
            raise ValueError(f"{kind} has no answer; use say() for it")
        messages = self._end.messages
        before = len(messages)
        self.say(kind, **fields)
        for types in (_ANSWERS[kind], ("Err",)):  # in this order: a host app may err beside it
            for index in range(before, len(messages)):
                if messages[index]["type"] in types:
                    return _kept(messages.pop(index))
        self._check_open()
        raise RuntimeError(
            f"{kind} is not answered while the app's own code is busy, which seems to ask it itself"
        )

    def say(self, kind: str, **fields: Any) -> None:
        """Say a message of any type."""
        try:
            text = json.dumps({"type": kind, **fields}, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise type(error)(f"What a client says is JSON: {error}") from None
        self.send(text)

    def send(self, message: str | bytes) -> None:
        """Send a text as it stands, or a binary message."""
        self._check_open()
        if isinstance(message, str):
            self._end.send(TEXT, message.encode())
        else:
            self._end.send(BINARY, message)
        self._runtime.settle()

    def close(self, code: int = close_codes.NORMAL, reason: str = "") -> None:
        """Close the connection, as a page does that is left. Twice is harmless."""
        if self._end.ended is None:
            self._end.say_goodbye(code, reason)
            self._runtime.settle()

    def vanish(self) -> None:
        """End the connection without a word, as a network does. Twice is harmless."""
        if self._end.ended is None:
            self._end.break_off()
            self._runtime.settle()

    # What it hears

    def received(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Take out what has come, in order. kind: only messages of this type; others stay."""
        self._runtime.settle()
        messages = self._end.messages
        come = messages[:]
        messages[: len(come)] = [one for one in come if kind is not None and one["type"] != kind]
        return [one for one in come if kind is None or one["type"] == kind]

    def payloads(self) -> list[Any]:
        """Take out the Data that has come, and return the payloads."""
        return [message.get("payload") for message in self.received("Data")]

    @property
    def close_code(self) -> int | None:
        """With which code the connection was closed: the hub's or its own, 1006 if it broke off;
        None while it is open."""
        self._runtime.settle()
        return self._end.ended[0] if self._end.ended else None

    @property
    def close_reason(self) -> str:
        """The words beside that."""
        return self._end.ended[1] if self._end.ended else ""

    def _check_open(self) -> None:
        if self._end.ended is not None:
            code, reason = self._end.ended
            raise Closed(f"This client was closed with {code}" + (f": {reason}" if reason else ""))


def tick(app: Flask, seconds: float) -> None:
    """Move the clock of an app's hub, and do what its time has come for. Nobody sleeps.

    It stands still otherwise, but where somebody waits for a client that does not answer. Raises
    ValueError for what is no number of 0 or more.
    """
    if not 0 <= seconds < inf:
        raise ValueError(f"The clock cannot be moved by {seconds!r} s; it goes forward only")
    in_process.of(app).pass_time(seconds)


def _kept(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer holds, if it is not that the hub refuses."""
    if answer["type"] in ("RejectPromise", "Err"):
        raise Refused(answer.get("err") or answer["message"])
    data: dict[str, Any] = answer["data"] if answer["type"] == "ResolvePromise" else answer
    return data
