"""HostApp: server code that lives in a room, and the mailbox that feeds it in order."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from flask import Flask
from greenlet import GreenletExit

from piehub.guard import AppCodeFailed, app_code
from piehub.net.runtime import Event, Runtime, native_lock
from piehub.protocol import outgoing, texts
from piehub.protocol.incoming import RoomInfo, to_dict
from piehub.rooms.registry import Deliver
from piehub.rooms.room import Emission

_COST = 400  # bytes, of a message that waits, beyond its text and its audience
_COST_OF_MEMBER = 8  # in the audience
_LAST = 16_384  # bytes of what waits that a host app is still shown once its room has gone
_LOOK_EVERY = 1.0  # seconds, at who waits to be heard: it may have been closed

# No server stops a mailbox's greenlet; one that a host app kills would leave its room mute.
_FAILURES = (AppCodeFailed, GreenletExit)

log = logging.getLogger("piehub")


class HostApp:
    """One instance a room. Subclass it, and hand the class to PieHub(host_app=...).

    Its methods run one at a time, in the order of the room's messages, in an app context of their
    own. They may block: the room waits for them, other rooms do not.
    """

    #: Told to each client as `hostAppVersion`.
    version: str | None = None

    #: The room that this instance lives in.
    room: RoomInfo

    _send: Callable[[Any, str | None, bool], None]

    def handle_message(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Look at a message before everyone in the room gets it: Data, and presence too.

        Return None to send it as it is, another message to send that (a change in place alone
        does nothing), or one with `doNotEcho: True` to send nothing. An exception is logged and
        told to the room, and the message is sent as it was. Of what is returned and cannot be sent,
        being no JSON or longer than any outbox could hold, that is told, and nothing is sent.
        """
        return None

    def cleanup(self) -> None:
        """The room is gone for good. If this host app was behind, it has been shown the last of
        what was said, 16 KiB at most."""

    def send_data(
        self, payload: Any, *, as_from_client: str | None = None, skip_handler: bool = False
    ) -> None:
        """Send Data to everyone in the room, behind what it has already been sent.

        as_from_client: the client id it seems to come from. skip_handler: do not show it to
        `handle_message`. Raises TypeError or ValueError for a payload that is no JSON, ValueError
        for one that no outbox could hold.
        """
        self._send(payload, as_from_client, skip_handler)


def find(name: str) -> type[HostApp]:
    """The HostApp class that `module:Class` names. Raises ValueError."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"host app {name!r} must be written as module:Class")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"cannot import host app {name!r} as module:Class: {error}") from error
    if not (isinstance(found, type) and issubclass(found, HostApp)):
        raise ValueError(f"host app {name!r}, a module:Class, must be a subclass of piehub.HostApp")
    return found


def start(
    make: type[HostApp], room: RoomInfo, send: Callable[[Any, str | None, bool], None]
) -> HostApp:
    """Make a room's instance; it has its room and can speak before its __init__ runs."""
    host = make.__new__(make)
    host.room = room
    host._send = send
    host.__init__()  # type: ignore[misc]
    return host


class Mailbox:
    """A room's messages on their way through its host app; one greenlet at a time empties it.

    fitting: raises ValueError for a text that no outbox could hold, else returns it.
    most: bytes that may wait. While more do, whoever can wait does so in `space`; of what comes
    all the same, presence takes the place of the presence before it.
    """

    def __init__(
        self,
        runtime: Runtime,
        app: Flask,
        info: RoomInfo,
        start: Callable[[], HostApp],
        fitting: Callable[[bytes], bytes],
        deliver: Deliver,
        most: int,
    ) -> None:
        self._runtime = runtime
        self._most = most
        self._app = app
        self._room = f"the host app of room {info.key}"
        self._start = start
        self._fitting = fitting
        self._deliver = deliver
        self._host: HostApp | None = None
        self._lock = native_lock()  # guards what follows; put() may come from any thread
        # With their costs. None: the room is gone.
        self._waiting: deque[tuple[Emission | None, int]] = deque()
        self._size = 0
        self._is_running = False
        self._is_closed = False
        self._unseen = 0  # messages that the host app will not be shown
        self._turns: deque[Event] = deque()  # of those who wait for space
        self._has_turn = False  # somebody, and has not put its message yet

    def put(self, emission: Emission | None) -> None:
        """Queue a message; None ends the host app. Never blocks."""
        with self._lock:
            if self._is_closed:
                return
            if emission is None:
                self._is_closed = True
                self._keep_the_last()
            if emission and emission.is_presence and self._size > self._most:
                self._drop_old_presence()
            cost = self._cost(emission) if emission else 0
            self._waiting.append((emission, cost))
            self._size += cost
            self._give_turn()
            if self._is_running:
                return
            self._is_running = True
        self._runtime.spawn(self._empty)

    def close(self) -> None:
        """The room is gone: take nothing more, and clean up behind the last of what waits.

        Nobody can hear that any more, but a host app may want to know how it ended. As rooms may
        go faster than a slow host app comes to it, what is kept for each is little. What stays of
        each beside that, until its host app has done with one message and the rest, is a greenlet
        and the instance.
        """
        self.put(None)

    @contextmanager
    def space(self, check: Callable[[], None], /) -> Iterator[None]:
        """Wait, first come, first served, until there is space for what is put within."""
        turn = self._runtime.event()
        with self._lock:
            self._turns.append(turn)
            self._give_turn()
        try:
            while not turn.wait(_LOOK_EVERY):
                check()
            yield
        finally:
            with self._lock:
                if turn in self._turns:
                    self._turns.remove(turn)
                else:
                    self._has_turn = False
                self._give_turn()

    def _give_turn(self) -> None:
        """One at a time, as each may fill it again."""
        is_free = self._size <= self._most or self._is_closed
        if self._turns and is_free and not self._has_turn:
            self._has_turn = True
            self._turns.popleft().set()

    def _drop_old_presence(self) -> None:
        last, cost = self._waiting[-1]
        if last and last.is_presence:
            self._waiting.pop()
            self._size -= cost

    def _keep_the_last(self) -> None:
        """Drop whispers, which no host app sees, and of the others what is too old to be kept."""
        seen = [one for one, _ in self._waiting if one and one.kind == "room"]
        self._waiting.clear()
        self._size = 0
        for emission in reversed(seen):
            cost = len(emission.text) + _COST
            if self._size + cost > _LAST:
                break
            self._waiting.appendleft((emission._replace(audience=()), cost))
            self._size += cost
        self._unseen = len(seen) - len(self._waiting)

    def _cost(self, emission: Emission) -> int:
        """Bytes that it takes to keep one. The same audience is kept once."""
        before = self._waiting[-1][0] if self._waiting else None
        is_kept = before and before.audience is emission.audience
        members = 0 if is_kept else len(emission.audience)
        return len(emission.text) + _COST + _COST_OF_MEMBER * members

    def _empty(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_running = False
                    return
                emission, cost = self._waiting.popleft()
                self._size -= cost
                self._give_turn()
            try:
                self._take(emission)
                self._runtime.sleep(0)  # a host app that answers itself must not keep others out
            except (Exception, GreenletExit):  # a bug of ours with one must not keep the next back
                log.exception("cannot deliver a message of %s", self._room)

    def _take(self, emission: Emission | None) -> None:
        if emission is None:
            self._clean_up()
        elif emission.kind == "room":
            self._handle(emission)
        else:
            self._deliver(emission)

    def _handle(self, emission: Emission) -> None:
        try:
            with app_code(self._app, "handle_message", self._room):
                if self._host is None:
                    self._host = self._start()
                answer = self._host.handle_message(to_dict(emission.text))
                if isinstance(answer, dict):
                    said = emission
                    emission = said._replace(text=b"")  # nothing, if the answer cannot be sent
                    if not answer.get("doNotEcho"):
                        text = self._fitting(outgoing.json_text(answer))
                        emission = said._replace(text=text)
                elif answer is not None:
                    raise TypeError(f"handle_message returns None or a dict, not {answer!r}")
        except _FAILURES as failure:
            text = outgoing.err(f"{texts.HOST_APP_FAILED}{failure}")
            self._deliver(emission._replace(text=text, key=None))  # beside the message itself
        self._deliver(emission)

    def _clean_up(self) -> None:
        if self._unseen:
            log.warning(
                "%s was behind when its room went, and has not seen %d messages",
                self._room,
                self._unseen,
            )
        if self._host is not None:
            with suppress(*_FAILURES), app_code(self._app, "cleanup", self._room):
                self._host.cleanup()
