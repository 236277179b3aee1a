"""The iterator over a room's Data."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from piehub.client.errors import PieError, PieTimeout


class Messages:
    """What `PieClient.messages` returns: iterate over it, from one thread.

    It ends when its client is closed. It raises, once all that came before is read, PieError
    where more than `limit` messages waited to be read, NotConnected where the client has given up
    coming back, and PieTimeout where none came within `timeout` seconds.
    """

    def __init__(
        self, limit: int, timeout: float | None, check_may_wait: Callable[[str], None]
    ) -> None:
        self._limit = limit
        self._timeout = timeout
        self._check_may_wait = check_may_wait
        self._news = threading.Condition()  # guards all that follows
        self._waiting: deque[dict[str, Any]] = deque()
        self._error: PieError | None = None
        self._is_done = False

    def __iter__(self) -> Messages:
        return self

    def __next__(self) -> dict[str, Any]:
        with self._news:
            if not self._waiting and not self._is_done:
                self._check_may_wait("messages()")
                self._news.wait_for(lambda: self._waiting or self._is_done, self._timeout)
            if self._waiting:
                return self._waiting.popleft()
            if self._error:
                raise self._error
            if self._is_done:
                raise StopIteration
        raise PieTimeout(f"No message came in {self._timeout} seconds")

    def put(self, message: dict[str, Any]) -> None:
        """For its client: there is a message."""
        with self._news:
            if self._is_done:
                return
            if len(self._waiting) == self._limit:
                self._end(PieError(f"More than {self._limit} messages waited to be read"))
            else:
                self._waiting.append(message)
                self._news.notify()

    def end(self, error: PieError | None = None) -> None:
        """No more will come. error: to raise once all has been read."""
        with self._news:
            if not self._is_done:
                self._end(error)

    def _end(self, error: PieError | None) -> None:
        self._error = error
        self._is_done = True
        self._news.notify_all()
