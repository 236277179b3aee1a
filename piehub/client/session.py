"""A client's connections, one after the other, and the thread that reads from them."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from time import monotonic
from typing import Any, TypeVar

from piehub.client import address
from piehub.client.answers import settle, wait_for
from piehub.client.coming_back import End, after_failure, wait_seconds
from piehub.client.errors import NotConnected, PieError, PieTimeout
from piehub.client.link import Link, Options, linked
from piehub.client.state import ConnectInfo, Message, State
from piehub.client.texts import decode

T = TypeVar("T")

log = logging.getLogger("piehub.client")


class Session:
    """url: as `address.parse` returns it. attempts: to come back in a row; None for no end of them.
    tell: called in the session's thread, with a callback's name and argument. on_end: the same,
    with why it has given up, or None where it was closed.

    What is sent is put in its order and sent under `_sending`; `_lock` guards all else, and is held
    for moments.
    """

    def __init__(
        self,
        url: str,
        state: State,
        options: Options,
        attempts: int | None,
        *,
        tell: Callable[[str, Any], None],
        on_end: Callable[[PieError | None], None],
    ) -> None:
        self._url = url
        self._shown = address.shown(url)
        self._state = state
        self._options = options
        self._attempts = attempts
        self._tell = tell
        self._on_end = on_end
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self.is_running = False  # connected, or about to be
        self._link: Link | None = None
        self.is_connected = False  # and the hub has said who we are
        self._reader: threading.Thread | None = None
        self._closing = threading.Event()
        self._why_not = "connect() has not been called"

    # From any thread

    def check_may_wait(self, what: str) -> None:
        """Raises PieError in a callback."""
        if threading.current_thread() is self._reader:
            raise PieError(
                f"{what} waits for what this callback holds up; call it from another thread"
            )

    def start(self, seconds: float) -> None:
        """Connect. Raises PieError, and its own."""
        self.check_may_wait("connect()")
        deadline = monotonic() + seconds
        if (last := self._reader) and self._closing.is_set():
            last.join(seconds)
        opened: Future[None] = Future()
        with self._lock:
            if self._reader:
                raise PieError(f"{self._shown} is connected, or about to be")
            closing = threading.Event()
            reader = threading.Thread(
                target=self._run, args=(opened, closing, seconds), daemon=True, name="piehub client"
            )
            reader.start()
            self._reader, self._closing, self.is_running = reader, closing, True
            self._why_not = f"{self._shown} has not answered yet"
        try:
            wait_for(opened, deadline, f"{self._shown} did not answer in {seconds} seconds")
        except BaseException:
            self._stop(closing)
            raise

    def call(
        self, change: Callable[[State], T], seconds: float, *, needs_connection: bool = True
    ) -> tuple[T, NotConnected | None]:
        """Change the state, and send what is due by that. Returns what `change` returned, and why
        not all was sent. Raises NotConnected; PieTimeout where what others send goes too slowly."""
        if not self._sending.acquire(timeout=seconds):
            raise PieTimeout(f"The hub has not taken what is sent to it in {seconds} seconds")
        try:
            with self._lock:
                link = self._link if self.is_connected else None
                if needs_connection and not link:
                    raise NotConnected(self._why_not)
                done = change(self._state)
                texts = self._state.due(monotonic()) if link else []
                if self._link and self._state.has_more:
                    self._link.inbox.wake()
            return done, _send(link, texts) if link else None
        finally:
            self._sending.release()

    def ask(self, message: Message, seconds: float) -> Any:
        """Send what the hub answers, and wait for that. Raises PieError, and its own."""
        kind = message["type"]
        self.check_may_wait(kind)
        deadline = monotonic() + seconds
        answer: Future[Any] = Future()
        self.call(lambda state: state.ask(message, answer), seconds)
        return wait_for(answer, deadline, f"The hub has not answered {kind} in {seconds} seconds")

    def close(self, seconds: float) -> None:
        """Leave, and end. In a callback, that is done when it returns. Raises PieTimeout."""
        deadline = monotonic() + seconds
        reader, closing = self._reader, self._closing
        try:
            self.call(State.stop, seconds / 2, needs_connection=False)
        except PieTimeout:
            with self._lock:
                self._state.stop()
                if self._link:
                    self._link.cut()
        self._stop(closing)
        if reader is None or reader is threading.current_thread():
            return
        reader.join(max(0.0, deadline - monotonic()))
        if reader.is_alive():
            with self._lock:
                if self._link:
                    self._link.cut()
            raise PieTimeout(
                f"The connection has not ended in {seconds} seconds: a callback has not returned, "
                "or the network does not answer"
            )

    def _stop(self, closing: threading.Event) -> None:
        closing.set()
        with self._lock:
            if self._link:
                self._link.inbox.wake()

    # The reader

    def _run(self, opened: Future[None], closing: threading.Event, seconds: float) -> None:
        error: PieError | None = NotConnected("The client's thread was ended from outside")
        try:
            error = self._stay(opened, closing, seconds)
        finally:
            closing.set()
            self._forget_link(str(error or "The client was closed"))
            self.is_running = False
            self._tell_events()
            if not opened.done():
                settle(opened, None, error or NotConnected("The client was closed"))
            elif error:
                self._tell("on_error", error)
            self._on_end(error)
            with self._lock:
                self._reader = None

    def _stay(
        self, opened: Future[None], closing: threading.Event, seconds: float
    ) -> PieError | None:
        """Connect, and come back whenever a connection ends. Returns why it has given up, or None
        where it was closed."""
        attempt = 0
        while True:
            end, was_greeted = self._connection(opened, closing, seconds)
            self._parted(end, closing)
            if closing.is_set():
                return None
            if end.is_final or not opened.done():
                return end.error
            if was_greeted:
                attempt = 0
            if attempt == self._attempts:
                return NotConnected(f"Gave up after {attempt} attempts to come back: {end.error}")
            wait = wait_seconds(attempt, end.least, random.random())  # noqa: S311  # no secret
            attempt += 1
            log.info("%s; attempt %d to come back in %.1f s", end.error, attempt, wait)
            if closing.wait(wait):
                return None
            seconds = self._options.timeout

    def _connection(
        self, opened: Future[None], closing: threading.Event, seconds: float
    ) -> tuple[End, bool]:
        """One connection, to its end. Returns how it ended, and whether the hub greeted us."""
        with ExitStack() as opening:
            state = self._state
            url = address.with_id(self._url, state.client_id, state.resume_token)
            deadline = monotonic() + seconds
            try:
                link = opening.enter_context(linked(url, self._options, seconds))
            except Exception as error:
                end = after_failure(error, self._shown)
                end.error.__cause__ = error
                return end, False
            with self._lock:
                self._link = link
            if missing := self._await_greeting(link, closing, deadline):
                return missing, False
            self._send_due()
            self._tell("on_connect_info", ConnectInfo(True, f"Connected to {self._shown}"))
            settle(opened, None)
            return self._serve(link, closing), True

    def _await_greeting(self, link: Link, closing: threading.Event, deadline: float) -> End | None:
        while not self.is_connected:
            if closing.is_set():
                return _CLOSED
            got = link.inbox.take(max(0.0, deadline - monotonic()))
            if isinstance(got, End):
                return got
            if got is None and monotonic() >= deadline:
                link.cut()
                return End(PieTimeout(f"{self._shown} has not said who we are"))
            if got is not None and self._hear(got) == "ServerAssignedData":
                with self._lock:
                    self.is_connected = True
        return None

    def _serve(self, link: Link, closing: threading.Event) -> End:
        while not closing.is_set():
            self._tell_events()
            with self._lock:
                due_at = self._state.due_at()
            got = link.inbox.take(None if due_at is None else max(0.0, due_at - monotonic()))
            if isinstance(got, End):
                return got
            if got is not None:
                self._hear(got)
            self._send_due()
        return _CLOSED

    def _parted(self, end: End, closing: threading.Event) -> None:
        was_greeted = self.is_connected
        self._forget_link(f"{end.error}; it is about to come back", is_final=end.is_final)
        self._tell_events()
        if was_greeted:
            text = "The client was closed" if closing.is_set() else str(end.error)
            self._tell("on_connect_info", ConnectInfo(False, text))

    def _forget_link(self, why_not: str, *, is_final: bool = False) -> None:
        with self._lock:
            self.is_connected, self._link = False, None
            self._why_not = why_not
            self._state.lost(is_final=is_final)

    def _hear(self, text: bytes) -> str | None:
        """Returns the message's type, None for what no hub says."""
        try:
            message = decode(text)
            with self._lock:
                self._state.hear(message)
        except Exception as error:
            log.warning("A message of the hub's could not be read", exc_info=True)
            self._tell("on_error", PieError(f"A message of the hub's could not be read: {error}"))
            return None
        return str(message["type"])

    def _send_due(self) -> None:
        with self._lock:
            due_at = self._state.due_at()
        if due_at is not None and due_at <= monotonic():
            # Where others' messages go too slowly, theirs carry it along.
            with suppress(PieTimeout):
                self.call(lambda state: None, self._options.timeout, needs_connection=False)

    def _tell_events(self) -> None:
        with self._lock:
            events = self._state.events()
        for name, argument in events:
            self._tell(name, argument)


_CLOSED = End(NotConnected("The client was closed"))


def _send(link: Link, texts: list[bytes]) -> NotConnected | None:
    try:
        for text in texts:
            link.send(text)
    except NotConnected as error:
        return error
    return None
