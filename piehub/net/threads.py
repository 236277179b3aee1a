"""The runtime for `flask run`, for development: a thread reads each client, one writes to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from piehub.net.outbox import Outbox
from piehub.net.runtime import (
    CLOCK,
    COPIES_IN_HAND,
    LINGER_BYTES,
    NOT_LATE,
    RECEIVE_BYTES,
    AppCode,
    Done,
    Event,
    Recipient,
    Take,
    beat,
    latest,
    prepare,
)
from piehub.net.telling import tell

T = TypeVar("T")

_LOOK_EVERY = 0.5  # seconds, at a client that does not read


class Threads:
    """Plain threads."""

    clock = CLOCK

    def __init__(self) -> None:
        self.received = 0

    def spawn(self, function: Callable[[], object]) -> None:
        threading.Thread(target=function, daemon=True).start()

    def call_later(self, seconds: float, function: Callable[[], None]) -> Callable[[], None]:
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        timer.start()
        return timer.cancel

    def repeat(self, seconds: float, function: Callable[[], object], until: Event) -> None:
        self.spawn(lambda: beat(seconds, function, until))

    def run(self, function: Callable[[], T]) -> T:
        return function()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def event(self) -> Event:
        return threading.Event()

    def time_flush(self, tell: Callable[[float], None]) -> None:
        pass

    def broadcast(self, members: Sequence[Recipient], text: bytes) -> None:
        tell(members, text)

    def link(self, client: socket.socket, limit: int, last_words: bytes) -> ThreadLink:
        if type(client).__module__.startswith("gevent."):
            raise RuntimeError(
                "This server runs on gevent, but the process is not patched for it: begin it with "
                "`from gevent import monkey; monkey.patch_all()`"
            )
        prepare(client)
        return ThreadLink(client, limit, last_words)


class ThreadLink:
    """A client's blocking socket."""

    def __init__(self, client: socket.socket, limit: int, last_words: bytes) -> None:
        client.settimeout(None)
        self._socket = client
        self.outbox = Outbox(limit, last_words)
        self._changed = threading.Condition()  # guards the outbox
        self._released = False
        self._is_deaf = False
        self.is_listening = False
        self.held_up_since: float | None = None
        self.in_hand = 0
        self.late = NOT_LATE
        threading.Thread(target=self._write, daemon=True).start()

    def push(self, frame: bytes, /) -> None:
        with self._changed:
            outbox = self.outbox
            if not outbox.is_open:
                return
            outbox.put(frame)
            if outbox.size > outbox.limit:
                outbox.overflow()
            self._changed.notify_all()

    def relieve(self) -> None:
        with self._changed:
            self.outbox.relieve()
            self._changed.notify_all()

    def overflow(self) -> None:
        with self._changed:
            self.outbox.overflow()
            self._changed.notify_all()

    def push_last(self, frame: bytes) -> None:
        with self._changed:
            if self.outbox.is_open:
                self.outbox.finish(frame)
            self._changed.notify_all()

    def _write(self) -> None:
        outbox = self.outbox
        while True:
            with self._changed:
                while not outbox.frames and not self._released:
                    self._changed.wait()
                if self._released:
                    return
                chunk = outbox.chunk()
            try:
                count = self._socket.send(chunk)
            except OSError:
                count = -1
            with self._changed:
                if count < 0:
                    outbox.abandon()  # the reader sees the same end of the socket, and tells
                else:
                    outbox.taken(count)
                self._changed.notify_all()

    def serve(self, take: Take, done: Done, app_code: AppCode) -> None:
        try:
            while self._hand_over(self._receive(), take):
                self._wait_for_space()
        finally:
            done()

    def _hand_over(self, data: bytes, take: Take) -> bool:
        began = time.monotonic()
        self.in_hand = COPIES_IN_HAND * len(data)
        try:
            return take(data, began)
        finally:
            self.in_hand = 0
            self.late = latest(self.late, began, time.monotonic())

    def _receive(self) -> bytes:
        if self._is_deaf:
            return b""
        self.is_listening = True
        try:
            return self._socket.recv(RECEIVE_BYTES)
        except OSError:
            return b""
        finally:
            self.is_listening = False

    def _wait_for_space(self) -> None:
        """Who does not read is not read from: what it sends would only fill its outbox."""
        outbox = self.outbox
        with self._changed:
            while outbox.size * 2 > outbox.limit and not self._is_deaf:
                self.held_up_since = self.held_up_since or time.monotonic()
                self._changed.wait(_LOOK_EVERY)
            self.held_up_since = None

    def flush(self, timeout: float | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self.outbox.frames, timeout)

    def linger(self, timeout: float) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(timeout)
        except OSError:
            return  # gone already
        deadline = time.monotonic() + timeout
        left = LINGER_BYTES
        with suppress(OSError):  # it had its chance
            while left > 0 and time.monotonic() < deadline:
                data = self._socket.recv(RECEIVE_BYTES)
                if not data:
                    break
                left -= len(data)

    def stop_receiving(self) -> None:
        self._is_deaf = True
        with suppress(OSError):  # gone already
            self._socket.shutdown(socket.SHUT_RD)

    def shut_down(self) -> None:
        with suppress(OSError):  # gone already
            self._socket.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        with self._changed:
            self._released = True
            self.outbox.abandon()
            self._changed.notify_all()
