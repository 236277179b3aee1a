"""What a client has heard, asked and said, and so what it sends next. No I/O, no clock, no lock."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

from piehub.client.asks import Ask, Asks
from piehub.client.errors import PieError, Refused
from piehub.client.texts import encode
from piehub.client.unconfirmed import MOST, Said, Unconfirmed

Message = dict[str, Any]
Event = tuple[str, Any]  # the name of a callback, and what it is called with

_MAX_MESSAGE_ID = 64  # characters


class ConnectInfo(NamedTuple):
    """For `on_connect_info`."""

    is_connected: bool
    text: str


class Recovery(NamedTuple):
    """For `on_recovery`: the client is back in a room with a history.

    is_recovered: all that was missed follows now; if not, there is a gap. room: as the hub tells
    it.
    """

    is_recovered: bool
    room: Message


class State:
    """One client's, over all its connections. After each call, `due` has what to send, and `events`
    what to tell the app."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.resume_token = ""
        self.room: Message | None = None  # to which to come back
        self.clients: list[str] = []  # in the room, in order of joining
        self._password: str | None = None  # of the room
        self._match: Message | None = None  # the one it waits for
        self._asks = Asks()
        self._outgoing: list[bytes] = []
        self._events: list[Event] = []
        self._epoch: str | None = None  # where the room has a history
        self._seq = 0  # of the last Data heard there
        self._recovers_until = 0  # the last seq that is not new
        self._is_back = False  # what was missed has come
        self._unconfirmed = Unconfirmed()

    # What is to be done

    def due(self, now: float) -> list[bytes]:
        """What to send, in order; it counts as sent. now: seconds."""
        found, self._outgoing = self._outgoing, []
        return found + (self._unconfirmed.due(now) if self._is_back else [])

    def due_at(self) -> float | None:
        """When there is something to send, in the same seconds; None for never."""
        if self._outgoing:
            return 0.0
        return self._unconfirmed.due_at() if self._is_back else None

    @property
    def has_more(self) -> bool:
        """Something to tell, or to send some time."""
        return bool(self._events) or self.due_at() is not None

    def events(self) -> list[Event]:
        """What is to be told; it counts as told."""
        found, self._events = self._events, []
        return found

    # What the app does

    def say(self, message: Message) -> bool:
        """A Data. Returns whether it is kept until its echo, and sent again if need be.

        Raises TypeError or ValueError for what is no JSON.
        """
        if self._epoch is None or message.get("subType") == "Whisper":
            self._outgoing.append(encode(message))
            return False
        message_id = self._message_id(message)
        said = Said(encode(message | {"messageId": message_id}), _group(message))
        if not self._unconfirmed.add(message_id, said):
            text = f"Over {MOST} messages wait for their echo: from now on the oldest may be lost"
            self._events.append(("on_error", PieError(text)))
        return True

    def _message_id(self, message: Message) -> str:
        message_id = message.get("messageId") or str(uuid.uuid4())
        if not isinstance(message_id, str) or len(message_id) > _MAX_MESSAGE_ID:
            raise ValueError(f"messageId must be a text of up to {_MAX_MESSAGE_ID} characters")
        if message_id in self._unconfirmed:
            raise ValueError(f"A message with the messageId {message_id!r} waits for its echo")
        return message_id

    def ask(self, message: Message, answer: Future[Any] | None) -> None:
        """What the hub answers. Raises TypeError or ValueError for what is no JSON."""
        self._outgoing += self._asks.add(Ask(message, encode(message), answer))

    def leave(self) -> None:
        """Leave the room."""
        if self._is_back:
            self._outgoing += self._unconfirmed.due(0)
        self._asks.leave()
        self._outgoing.append(encode({"type": "LeaveRoom"}))
        self._lose(self._unconfirmed.unsent())
        self._forget_room()

    def stop(self) -> None:
        """No more of anything: leave the room, wait for no match."""
        self.leave()
        self._match = None

    # What the connection does

    def lost(self, *, is_final: bool = False) -> None:
        """The connection has ended. is_final: what was sent last may be why."""
        self._asks.fail()
        self._outgoing.clear()
        self._is_back = False
        self.clients = []
        self._unconfirmed.unsend()
        if is_final:
            self._lose(len(self._unconfirmed))

    def hear(self, message: Message) -> None:
        """What the hub says. Raises LookupError, TypeError, ValueError for what no hub says."""
        hear = _HEARERS.get(message["type"])
        if hear is None:
            raise ValueError(f"Messages of type {message['type']!r} are not known to this client")
        hear(self, message)

    def _greeted(self, message: Message) -> None:
        self._outgoing.clear()  # it may have left while there was no connection
        self.client_id = message["clientId"]
        self.resume_token = message.get("resumeToken", "")
        if self.room:
            self._rejoin(self.room)
        elif self._match:
            self.ask(self._match, None)

    def _rejoin(self, room: Message) -> None:
        info = room if self._password is None else room | {"password": self._password}
        message = {"type": "JoinRoom", "roomInfo": info, "makeRoomIfNonExistant": True}
        if self._epoch is not None:
            message["recover"] = {"epoch": self._epoch, "seq": self._seq}
        self.ask(message, None)

    def _answered(self, message: Message) -> None:
        kind = message["func"]
        ask = self._next(kind)
        if ask is None:
            return
        if message["type"] == "RejectPromise":
            self._rejected(kind, ask, Refused(str(message["err"])))
            return
        data: Any = message.get("data")
        if kind == "JoinRoom" and not ask.is_left:
            self._joined(data, ask.message)
        elif kind == "EnterMatchmaking":
            self._match = ask.message
        elif kind == "LeaveMatchmaking":
            self._match = None
        ask.settle(data)

    def _next(self, kind: str) -> Ask | None:
        ask, more = self._asks.answered(kind)
        self._outgoing += more
        return ask

    def _rejected(self, kind: str, ask: Ask, error: PieError) -> None:
        ask.settle(error=error)
        if ask.answer or ask.is_left:
            return
        if kind == "JoinRoom":
            self._events.append(("on_error", Refused(f"Could not rejoin the room: {error}")))
            self._forget_position()
        else:
            text = f"Could not enter matchmaking again: {error}"
            self._events.append(("on_error", Refused(text)))
            self._match = None

    def _joined(self, room: Message, asked: Message) -> None:
        self.room = dict(room)
        self._match = None
        self._password = asked["roomInfo"].get("password")
        recover = asked.get("recover")
        is_recovered = bool(room.get("recovered"))
        if room.get("history") is None:
            self._forget_position()
        else:
            self._epoch = room["epoch"]
            self._seq = recover["seq"] if is_recovered and recover else room["seq"]
            self._recovers_until = room["seq"]
            self._catch_up()
        if recover:
            self._events.append(("on_recovery", Recovery(is_recovered, room)))

    def _catch_up(self) -> None:
        if self._epoch is not None and self._seq >= self._recovers_until:
            self._is_back = True

    def _matched(self, message: Message) -> None:
        self._match = None
        self._forget_room()
        self.room = dict(message["roomInfo"])
        self.clients = message["clients"]
        self._events.append(("on_match_found", message))

    def _presence(self, message: Message) -> None:
        self.clients = message["clients"]
        self._events.append(("on_presence", message))

    def _data(self, message: Message) -> None:
        if self._is_news(message):
            self._events.append(("on_data", message))
        self._catch_up()

    def _is_news(self, message: Message) -> bool:
        """Whether the app has yet to see this Data. Notes how far we have come."""
        is_first_echo = self._unconfirmed.confirm(message.get("messageId"))
        seq = message.get("seq")
        if seq is None or self._epoch is None:
            return True
        if seq <= self._seq:
            return is_first_echo
        self._seq = seq
        return True

    def _rooms(self, message: Message) -> None:
        if ask := self._next("GetRooms"):
            ask.settle(message["rooms"])
        self._events.append(("on_rooms", message))

    def _err(self, message: Message) -> None:
        text = str(message["message"])
        # The hub's refusals name no question, but only GetRooms gets these.
        if text.startswith(("roomInfo.", "GetRooms ")) and (ask := self._next("GetRooms")):
            ask.settle(error=Refused(text))
        else:
            self._events.append(("on_error", Refused(text)))

    def _forget_room(self) -> None:
        self.room = None
        self.clients = []
        self._password = None
        self._epoch = None
        self._is_back = False
        self._unconfirmed.clear()

    def _forget_position(self) -> None:
        self._epoch = None
        self._is_back = False
        self._lose(len(self._unconfirmed))

    def _lose(self, count: int) -> None:
        if count:
            self._events.append(
                ("on_error", PieError(f"{count} messages may be lost: nobody echoed them"))
            )
        self._unconfirmed.clear()


_HEARERS: dict[str, Callable[[State, Message], None]] = {
    "ServerAssignedData": State._greeted,
    "ClientPresenceChanged": State._presence,
    "Data": State._data,
    "Rooms": State._rooms,
    "MatchFound": State._matched,
    "ResolvePromise": State._answered,
    "RejectPromise": State._answered,
    "Err": State._err,
}


def _group(message: Message) -> str | None:
    """The together group of a message, as the hub tells them apart; None for other messages."""
    if message.get("subType") != "Together":
        return None
    group = message.get("togetherId")
    if group is None:
        return ""
    if isinstance(group, float) and group.is_integer():
        group = int(group)
    return f"={str(group).lower() if isinstance(group, bool) else group}"
