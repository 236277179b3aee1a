"""PieClient: what an app sees."""

from __future__ import annotations

import logging
import ssl as tls
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal

from piehub.client import address
from piehub.client.errors import NotConnected, PieError
from piehub.client.link import Options
from piehub.client.messages import Messages
from piehub.client.session import Session
from piehub.client.state import ConnectInfo, Message, Recovery, State

log = logging.getLogger("piehub.client")


class PieClient:
    """A client of a hub, which comes back by itself when its connection breaks.

        with PieClient("ws://localhost:8080") as pie:
            pie.make_room(app="chat", name="lobby", version="1.0.0")
            pie.send_data({"text": "Hello!"})

    What waits takes a `timeout` in seconds (the client's own, unless given) and raises PieTimeout
    after that, Refused with the hub's text, NotConnected where there is no connection or it ends
    meanwhile. All are PieErrors. Methods may be called from any thread.

    Callbacks are called one at a time in a thread of the client's own, which reads nothing more
    until they return. In a callback, what waits raises PieError. One that raises is logged.

    url: ws:// or wss://; its path and query are kept. client_id: the id to ask for; one is made up
    unless the url has a clientId. timeout: seconds, also for the network to take what is sent.
    reconnect_attempts: in a row, before it gives up; None for no end of them. ping_interval,
    ping_timeout: seconds between signs of life, and for each of them; None for none. inbox_bytes:
    that may wait for slow callbacks; over that, it is closed and comes back; a single message that
    is longer ends it. headers: of the upgrade. ssl: None for the usual context. proxy: its address;
    True for what the environment says. Raises ValueError for a url that is none.
    """

    on_data: Callable[[Message], object] | None = None
    """A Data of the room's, or a whisper."""
    on_presence: Callable[[Message], object] | None = None
    """Who is in the room now."""
    on_rooms: Callable[[Message], object] | None = None
    on_match_found: Callable[[Message], object] | None = None
    on_error: Callable[[PieError], object] | None = None
    """What the hub refuses (Refused), may be lost, or ends the client (NotConnected). If there is
    none, it is logged."""
    on_connect_info: Callable[[ConnectInfo], object] | None = None
    on_recovery: Callable[[Recovery], object] | None = None

    def __init__(
        self,
        url: str,
        *,
        client_id: str | None = None,
        timeout: float = 15.0,
        reconnect_attempts: int | None = 20,
        ping_interval: float | None = 20.0,
        ping_timeout: float = 10.0,
        inbox_bytes: int = 16 * 2**20,
        headers: Mapping[str, str] | None = None,
        ssl: tls.SSLContext | None = None,
        proxy: str | Literal[True] | None = None,
    ) -> None:
        kept, asked = address.parse(url)
        self._timeout = timeout
        self._state = State(client_id or asked or str(uuid.uuid4()))
        self._session = Session(
            kept,
            self._state,
            Options(timeout, ping_interval, ping_timeout, inbox_bytes, headers, ssl, proxy),
            reconnect_attempts,
            tell=self._tell,
            on_end=self._end_messages,
        )
        self._lock = threading.Lock()  # guards the next
        self._readers: weakref.WeakSet[Messages] = weakref.WeakSet()

    @property
    def client_id(self) -> str:
        """The id that the hub gave us last; before that, the one to ask for."""
        return self._state.client_id

    @property
    def is_connected(self) -> bool:
        return self._session.is_connected

    @property
    def room(self) -> Message | None:
        """The room that we are in, or go back to, as the hub told it."""
        room = self._state.room
        return None if room is None else dict(room)

    @property
    def clients(self) -> list[str]:
        """The ids of those in the room, in order of joining; none while we are not in it."""
        return list(self._state.clients) if self._state.room else []

    def connect(self, *, timeout: float | None = None) -> None:
        """Connect, and wait until the hub has said who we are. After `close`, or once the client
        has given up, it connects again; then it also goes back to the room that it was in."""
        self._session.start(self._seconds(timeout))

    def quick_connect(self, *, timeout: float | None = None) -> None:
        """Connect, and join a room that all who call this share. timeout: for each of these."""
        self.connect(timeout=timeout)
        self.make_room(app="default", version="none", timeout=timeout)

    def close(self, *, timeout: float | None = None) -> None:
        """Leave the room and end the connection. Twice is harmless. In a callback it does not
        wait: the connection ends when the callback returns."""
        self._session.close(self._seconds(timeout))

    def __enter__(self) -> PieClient:
        if not self._session.is_running:
            self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except PieError:
            if error is None:
                raise
            log.warning("The client did not close in time", exc_info=True)

    def make_room(
        self,
        *,
        app: str,
        version: str,
        name: str = "default",
        max_clients: int | None = None,
        together_timeout_ms: float | None = None,
        hidden: bool | None = None,
        password: str | None = None,
        history: int | None = None,
        timeout: float | None = None,
    ) -> Message:
        """Join a room; make it first, with these settings, if there is none. Returns the room as
        the hub tells it. together_timeout_ms: milliseconds. history: how many messages the room
        keeps for those who come back."""
        settings = {
            "maxClients": max_clients,
            "togetherTimeoutMs": together_timeout_ms,
            "hidden": hidden,
            "password": password,
            "history": history,
        }
        info = {"app": app, "name": name, "version": version} | _given(settings)
        return self._join(info, True, timeout)

    def join_room(
        self,
        *,
        app: str,
        version: str,
        name: str = "default",
        password: str | None = None,
        timeout: float | None = None,
    ) -> Message:
        """Join a room that there is. Returns it as the hub tells it."""
        info = {"app": app, "name": name, "version": version} | _given({"password": password})
        return self._join(info, False, timeout)

    def _join(self, info: Message, make: bool, timeout: float | None) -> Message:
        room: Message = self._ask("JoinRoom", timeout, roomInfo=info, makeRoomIfNonExistant=make)
        return room

    def leave_room(self) -> None:
        """Leave the room. It does not wait, and needs no connection."""
        self._session.call(State.leave, self._timeout, needs_connection=False)

    def send_data(self, payload: Any, **fields: Any) -> None:
        """Send to everyone in the room, ourselves too. fields: any others of the message.

        It does not wait for an answer, but where the network is slow, until that takes it. In a
        room with a history it is sent again when the connection breaks before its echo is here.
        Raises NotConnected where there is no connection, or, without a history, when it breaks just
        now; PieTimeout where the hub does not take what is sent; TypeError or ValueError for what
        is no JSON.
        """
        message = {**fields, "type": "Data", "payload": payload}
        is_kept, error = self._session.call(lambda state: state.say(message), self._timeout)
        if error and not is_kept:
            raise NotConnected(f"{error}; the hub may not have got this")

    def whisper(self, payload: Any, to: str | Iterable[str]) -> None:
        """Send to one or several clients of the room. Raises as `send_data` does; nothing sends it
        again."""
        ids = [to] if isinstance(to, str) else list(to)
        self.send_data(payload, subType="Whisper", whisperClientIds=ids)

    def together(self, payload: Any, together_id: str | float | bool | None = None) -> None:
        """Send once everyone in the room has sent one with this id. Raises as `send_data` does."""
        self.send_data(payload, subType="Together", **_given({"togetherId": together_id}))

    def get_rooms(
        self,
        *,
        app: str = "",
        name: str = "",
        version: str = "",
        details: bool = False,
        timeout: float | None = None,
    ) -> list[Message]:
        """The rooms that are not hidden, in the order they were made. app, name: match whole;
        version: by its start; "" matches all. details: how many are in each, and may be."""
        info = {"app": app, "name": name, "version": version}
        rooms: list[Message] = self._ask("GetRooms", timeout, roomInfo=info, details=details)
        return rooms

    def enter_matchmaking(
        self,
        app: str,
        version: str,
        match_size: int,
        *,
        rating: float | None = None,
        timeout: float | None = None,
    ) -> None:
        """Wait for a match among those who want the same; `on_match_found` tells when we are in its
        room. Returns once we are in the queue, to which we go back if the connection breaks."""
        terms = {"app": app, "version": version, "matchSize": match_size}
        self._ask("EnterMatchmaking", timeout, **terms, **_given({"rating": rating}))

    def leave_matchmaking(self, *, timeout: float | None = None) -> None:
        """Wait for a match no more."""
        self._ask("LeaveMatchmaking", timeout)

    def messages(self, *, limit: int = 10_000, timeout: float | None = None) -> Messages:
        """Iterate over what `on_data` is called with, from now on, until `close`.

        limit: messages that may wait to be read; more raise PieError behind the last of them.
        timeout: seconds to wait for each, None for no limit. Raises NotConnected before `connect`
        and after `close`.
        """
        messages = Messages(limit, timeout, self._session.check_may_wait)
        with self._lock:
            self._readers.add(messages)
        if not self._session.is_running:
            raise NotConnected("There are no messages without a connection; call connect() first")
        return messages

    def _ask(self, kind: str, timeout: float | None, **fields: Any) -> Any:
        return self._session.ask({"type": kind, **fields}, self._seconds(timeout))

    def _seconds(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else timeout

    def _tell(self, name: str, argument: Any) -> None:
        if name == "on_data":
            with self._lock:
                readers = list(self._readers)
            for reader in readers:
                reader.put(argument)
        callback = getattr(self, name) or _UNHEARD.get(name)
        if callback is None:
            return
        try:
            callback(argument)
        except Exception:
            log.exception("%s raised", name)

    def _end_messages(self, error: PieError | None) -> None:
        with self._lock:
            readers = list(self._readers)
        for reader in readers:
            reader.end(error)


def _given(fields: Message) -> Message:
    return {name: value for name, value in fields.items() if value is not None}


def _log_gap(recovery: Recovery) -> None:
    if not recovery.is_recovered:
        log.warning("The hub no longer has all that was missed: there is a gap")


# Where the app has no callback, nothing is to be lost in silence.
_UNHEARD: dict[str, Callable[[Any], None]] = {"on_error": log.warning, "on_recovery": _log_gap}
