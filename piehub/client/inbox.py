"""What has come of a connection and is not dealt with."""

from __future__ import annotations

import threading
from collections import deque

from piehub.client.coming_back import End

_COST = 100  # bytes, of a text that waits, beyond its own


class Inbox:
    """A queue of texts with a limit in bytes, and of how the connection ended behind them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._news = threading.Condition()  # guards all that follows
        self._texts: deque[bytes] = deque()
        self._bytes = 0
        self._end: End | None = None
        self._is_woken = False

    def put(self, text: bytes) -> bool:
        """Returns False where there is no space. One text has space in any case."""
        with self._news:
            if self._texts and self._bytes + len(text) > self._limit:
                return False
            self._texts.append(text)
            self._bytes += len(text) + _COST
            self._news.notify()
            return True

    def end(self, end: End) -> None:
        """Nothing more comes."""
        with self._news:
            self._end = self._end or end
            self._news.notify()

    def wake(self) -> None:
        """Have `take` return, if only with nothing."""
        with self._news:
            self._is_woken = True
            self._news.notify()

    def take(self, timeout: float | None) -> bytes | End | None:
        """The next text, or the end; None after so many seconds, and when woken."""
        with self._news:
            self._news.wait_for(lambda: self._texts or self._end or self._is_woken, timeout)
            self._is_woken = False
            if self._texts:
                text = self._texts.popleft()
                self._bytes -= len(text) + _COST
                return text
            return self._end
