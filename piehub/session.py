"""One client's life: how it gets its id, and what happens to each message it sends."""

from __future__ import annotations

import logging
import secrets
import uuid
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from piehub import addresses, hooks, signals
from piehub.loss import Loss
from piehub.net.telling import tell
from piehub.protocol import incoming, outgoing, texts
from piehub.protocol.fields import BadMessage
from piehub.protocol.incoming import Envelope, RoomInfo
from piehub.rooms.entry import Refused
from piehub.version import __version__
from piehub.wire import close_codes, frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piehub.hub import Hub
    from piehub.net.connection import Connection
    from piehub.net.outbox import Outbox
    from piehub.rooms.room import HostMailbox

PROBE_SECONDS = 2.0  # for the holder of an id to show that it lives
BYTES_A_MESSAGE = 16_384  # of a long answer, which counts against its client's rate

log = logging.getLogger("piehub")


class Client:
    """One open socket. Hooks and signals are handed these; they read `id`, `address`, `identity`
    and `room`.

    requested_id: the id it asked for, "" for any. resume_token: what shows that it had it before.
    identity: what the app's authorize hook returned. host: its address without a port, past the
    proxies that are trusted. is_host_known: or it is that of a proxy which was not named.
    """

    __slots__ = (
        "__weakref__",
        "_connection",
        "_host",
        "_hub",
        "_is_host_known",
        "_is_returning",
        "_lineage",
        "_loss",
        "_signature",
        "_then",
        "address",
        "id",
        "identity",
        "opened_at",
        "outbox",
        "push",
    )

    def __init__(
        self,
        hub: Hub,
        connection: Connection,
        *,
        address: str,
        identity: Any,
        requested_id: str,
        host: str = "",
        is_host_known: bool = False,
    ) -> None:
        self._hub = hub
        self._connection = connection
        self._is_returning = bool(requested_id)
        self._host = host
        self._is_host_known = is_host_known
        self._signature = b""
        self._lineage = ""
        self._loss: Loss | None = None  # of a room
        self.id = requested_id or str(uuid.uuid4())
        self.address = address
        self.identity = identity
        self.opened_at: float = hub.clock.monotonic()
        self.push = connection.push
        self.outbox: Outbox = connection.outbox

    def __repr__(self) -> str:
        return f"<Client {self.id!r} {self.address}>"

    @property
    def room(self) -> RoomInfo | None:
        """The room it is in."""
        return self._hub.registry.place_of(self)

    @property
    def network(self) -> str:
        """The same for all of its address; "" where that is not known."""
        return addresses.network(self._host) if self._is_host_known else ""

    @property
    def received(self) -> int:
        """Messages that have come from it."""
        return self._connection.received

    def close(self, code: int, reason: str) -> None:
        """Close it, and read no more; it leaves its room at once. Does not block."""
        self._connection.give_up(code, reason)

    def lose(self, room: RoomInfo) -> None:
        """It has been taken out of `room`, of which it will tell the app's own code before it tells
        of anything else. Does not block."""
        self._loss = Loss(partial(self._left, room), self._hub.runtime.event())

    def tell_loss_soon(self) -> None:
        """The same, without waiting for something else to tell. Does not block."""
        if loss := self._loss:
            connection = self._connection
            self._hub.runtime.spawn(
                lambda: loss.tell_when_idle(lambda: connection.is_being_dealt_with)
            )

    def live(
        self, resume_token: str, then: Callable[[], None], asked_at: float | None = None
    ) -> None:
        """Serve the client until it has gone, and call `then`, in whatever greenlet that is.

        asked_at: when it asked to come in; monotonic, seconds.

        Returns as soon as the client has been greeted where the loop reads from it, and at the end
        where the caller does.
        """
        hub, connection = self._hub, self._connection
        self._then = then
        try:
            hub.figures.opened += 1
            hub.arrived_from(self._host)
            hub.heartbeat.watch(connection)
            if hub.is_draining:  # since it was admitted
                connection.close(close_codes.RESTARTING, "the hub is restarting")
            self._take_id(resume_token)
            self._greet()
            if asked_at is not None:
                hub.figures.handshakes.append(hub.clock.monotonic() - asked_at)
        except BaseException:
            self._end()
            raise
        connection.serve(self._receive, self._end, hub.app_code)

    def _end(self) -> None:
        connection = self._connection
        try:
            try:
                self._part()  # the others need not wait until the socket has ended
            finally:
                connection.end()
        finally:
            try:
                self._tell_end()
            finally:
                self._hub.heartbeat.forget(connection)
                self._hub.figures.went(connection)
                self._hub.gone_from(self._host)
                self._then()

    def _take_id(self, resume_token: str) -> None:
        """Enter the hub: under the id asked for if it is free, or its holder answers no more."""
        hub = self._hub
        lineage = hub.lineage(self.id, resume_token)
        # One client's over all its connections; who merely had the same id has another.
        self._lineage = lineage or secrets.token_hex(8)
        while holder := hub.registry.enter(self):
            assert isinstance(holder, Client)
            if holder._lineage == lineage or not holder._is_alive():
                if self._take_over(holder):
                    break
            else:
                self.id = str(uuid.uuid4())
                self._lineage = secrets.token_hex(8)
        self._signature = outgoing.signature(self.id)

    def _is_alive(self) -> bool:
        """Ping the client, and say whether it answers in time."""
        return self._connection.answers(PROBE_SECONDS)

    def _take_over(self, holder: Client) -> bool:
        done, room = self._hub.registry.take_over(self, holder)
        if room:
            holder.lose(room)
        holder._connection.give_up(close_codes.TAKEN_OVER, "another connection took over this id")
        return done

    def _part(self) -> None:
        room = self._hub.registry.disconnect(self)
        self._tell_loss()
        self._left(room)

    def _tell_loss(self) -> None:
        """Return once the app's own code knows of the room that this client has lost."""
        if self._loss:
            self._loss.tell()
            self._loss = None  # it leads back here

    def _tell_end(self) -> None:
        connection = self._connection
        if connection.failure:
            log.error("a client's message led to a fault of the hub", exc_info=connection.failure)
        code, _ = connection.how_it_ended()
        figures = {
            **self._names(),
            "code": code,
            "seconds": round(self._hub.clock.monotonic() - self.opened_at, 1),
            "in": connection.received,
            "out": connection.sent,
        }
        log.info(
            "client closed id=%(id)r address=%(address)s code=%(code)d seconds=%(seconds)s "
            "in=%(in)d out=%(out)d",
            figures,
        )
        hooks.notify(self._hub.app, signals.client_closed, client=self, code=code)

    def _names(self) -> dict[str, Any]:
        return {"id": self.id, "address": self.address}

    def _greet(self) -> None:
        hub = self._hub
        log.info("client opened id=%(id)r address=%(address)s", self._names())
        self._say(
            outgoing.server_assigned(
                self.id,
                __version__,
                hub.host_app.version if hub.host_app else None,
                hub.resume_token(self.id, self._lineage),
            )
        )
        hooks.notify(hub.app, signals.client_opened, client=self)

    def _left(self, room: RoomInfo | None) -> None:
        if room:
            self._hub.hooks.left(self._hub.app, self, room)
            hooks.notify(self._hub.app, signals.room_left, client=self, room=room)

    def _joined(self) -> None:
        self._hub.heartbeat.settled(self._connection)
        if signals.room_joined.receivers and (room := self.room):
            hooks.notify(self._hub.app, signals.room_joined, client=self, room=room)

    def _say(self, text: bytes) -> None:
        tell((self,), text)

    def _answer(self, text: bytes) -> None:
        """Say what may be long."""
        self._say(text)
        self._connection.spend(len(text) // BYTES_A_MESSAGE)

    def _space(self) -> int:
        """Bytes that a long answer may take: half of what is free, so that many at once fit."""
        return max(0, self.outbox.limit - self.outbox.waiting) // 2

    def _receive(self, opcode: int, text: bytes) -> None:
        try:
            if opcode == frames.BINARY:
                _check_text(text)
            envelope = incoming.decode(text, self._hub.message_limits)
            kind = envelope.type
            if kind == "Data":  # nearly always
                self._data(text, envelope)
            elif isinstance(kind, str) and kind in _HANDLERS:
                _HANDLERS[kind](self, text, envelope)
            else:
                raise BadMessage(_unknown(kind))
        except BadMessage as error:
            if error.func:
                self._say(outgoing.reject(error.func, str(error)))
            else:
                self._say(outgoing.err(str(error)))
        except (Refused, hooks.HookFailed) as error:
            self._say(outgoing.err(str(error)))

    def _data(self, text: bytes, envelope: Envelope) -> None:
        hub = self._hub
        message_id = None if envelope.messageId is None else self._message_id(envelope)
        if message_id and self._has_said(message_id):
            return
        if hub.hooks.on_data:
            room = self._room_or_refuse()
            filtered = hub.hooks.filtered(hub.app, self, room, text, hub.fitting)
            if filtered is None:
                return
            if filtered is not text:
                text, envelope = filtered, incoming.decode(filtered, hub.message_limits)
        if hub.host_app:
            with self._wait_for_host(partial(hub.registry.host_of, self)):
                head = outgoing.relay_head(text, envelope, self._signature)  # not kept meanwhile
                self._relay(head, envelope, message_id)
        else:
            head = outgoing.relay_head(text, envelope, self._signature)
            if envelope.subType is None:  # nearly always
                hub.registry.send(self, head, message_id)
            else:
                self._relay(head, envelope, message_id)
        if signals.data_received.receivers:
            message = incoming.to_dict(outgoing.relay(head, hub.clock.now_ms()))
            room = self._room_or_refuse()
            hooks.notify(hub.app, signals.data_received, client=self, room=room, message=message)

    def _relay(self, head: bytes, envelope: Envelope, message_id: str | None) -> None:
        hub = self._hub
        kind = envelope.subType
        if kind == "Whisper":
            hub.registry.whisper(self, head, incoming.whisper_ids(envelope, hub.message_limits))
        elif kind == "Together":
            hub.registry.together(
                self, head, incoming.together_group(envelope, hub.message_limits), message_id
            )
        else:
            hub.registry.send(self, head, message_id)

    def _message_id(self, envelope: Envelope) -> str | None:
        """What it means to the hub, where there is a history, and the whole room hears it."""
        if envelope.subType == "Whisper" or not self._hub.registry.keeps_history(self):
            return None
        return incoming.message_id(envelope)

    def _has_said(self, message_id: str) -> bool:
        """Whether the room has had this Data from us already; then we get its echo again."""
        registry = self._hub.registry
        if not self._hub.host_app:
            return registry.acknowledge(self, message_id)
        with self._wait_for_host(partial(registry.host_of, self)):
            return registry.acknowledge(self, message_id)

    @contextmanager
    def _wait_for_host(self, find: Callable[[], HostMailbox | None]) -> Iterator[None]:
        """Wait until the host app's mailbox, if there is one, has space for what is put there
        within."""
        while mailbox := find():
            with mailbox.space(self._check_open):
                if find() is mailbox:  # else it has gone with its room, and there may be another
                    yield
                    return
        yield

    def _check_open(self) -> None:
        """Raise Refused if the hub has closed it. Who went by itself still says what it said."""
        if self._connection.closing_at is not None:
            raise Refused("This connection has ended")

    def _room_or_refuse(self) -> RoomInfo:
        room = self.room
        if room is None:
            raise Refused(texts.NOT_IN_ROOM)
        return room

    def _join_room(self, text: bytes, envelope: Envelope) -> None:
        hub = self._hub
        join = incoming.join(text, hub.message_limits)
        self._tell_loss()
        may_remake = self._is_returning and hub.may_remake_rooms
        try:
            if hub.hooks.on_join:
                hub.registry.check_join(self, join, may_remake=may_remake)
                self._ask_to_join(join.room)
            with self._wait_for_host(partial(hub.registry.host_in, join.room.key)):
                missed = hub.registry.join(self, join, may_remake=may_remake)
            self._connection.spend(missed // BYTES_A_MESSAGE)
        except Refused as error:
            self._say(outgoing.reject("JoinRoom", str(error)))
        else:
            self._joined()

    def _ask_to_join(self, room: RoomInfo) -> None:
        if refusal := self._hub.hooks.refusal(self._hub.app, self, room):
            raise Refused(refusal)

    def _leave_room(self, text: bytes, envelope: Envelope) -> None:
        registry = self._hub.registry
        with self._wait_for_host(partial(registry.host_of, self)):
            room = registry.leave(self)
        self._left(room)

    def _get_rooms(self, text: bytes, envelope: Envelope) -> None:
        hub = self._hub
        wanted = incoming.search(text, hub.message_limits)
        self._answer(outgoing.rooms(hub.registry.search(wanted, self._space())))

    def _get_stats(self, text: bytes, envelope: Envelope) -> None:
        if self._hub.settings.allow_stats:
            self._answer(outgoing.stats(self._hub.registry.stats(self._space())))
        else:
            self._say(outgoing.stats({"err": texts.STATS_OFF}))

    def _enter_matchmaking(self, text: bytes, envelope: Envelope) -> None:
        hub = self._hub
        terms = incoming.match(text, hub.message_limits)
        self._tell_loss()
        try:
            if hub.hooks.on_join:
                # There is no room yet; what can be judged is who wants to play what.
                self._ask_to_join(RoomInfo(terms.app, terms.version, "match", hidden=True))
            players = hub.registry.enter_matchmaking(self, terms)
            hub.heartbeat.settled(self._connection)
        except Refused as error:
            self._say(outgoing.reject("EnterMatchmaking", str(error)))
            return
        for player in players:
            assert isinstance(player, Client)
            player._joined()

    def _leave_matchmaking(self, text: bytes, envelope: Envelope) -> None:
        self._hub.registry.leave_matchmaking(self)
        self._say(outgoing.resolve("LeaveMatchmaking", {"removed": True}))


_HANDLERS = {
    "Data": Client._data,
    "JoinRoom": Client._join_room,
    "LeaveRoom": Client._leave_room,
    "GetRooms": Client._get_rooms,
    "GetStats": Client._get_stats,
    "EnterMatchmaking": Client._enter_matchmaking,
    "LeaveMatchmaking": Client._leave_matchmaking,
}


def _unknown(kind: Any) -> str:
    known = ", ".join(_HANDLERS)
    if kind is None:
        return f"The message has no type; a type is one of {known}"
    shown = repr(kind) if isinstance(kind, str) and len(kind) <= 40 else "This"
    return f"{shown} is no type of message; a type is one of {known}"


def _check_text(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise BadMessage("A binary message must hold JSON text in UTF-8") from None
