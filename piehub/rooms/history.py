"""What rooms have said lately, for those who come back (WebsocketPie's protocol, "Recovery")."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from itertools import islice
from sys import getsizeof
from typing import NamedTuple

from piehub.protocol import outgoing
from piehub.protocol.incoming import Recover

Key = tuple[str, str]  # a sender's id, and the messageId that it gave

# What it takes to keep a message beyond its text: measured by tests/rooms/test_history.py.
_COST = 130  # bytes
_COST_OF_KEY = 150  # beyond its own texts
# Of their bytes, once there is no more space: each time every room may have to be looked at.
_FREED_AT_ONCE = 1 / 16


class _Kept(NamedTuple):
    at: float  # monotonic, seconds
    text: bytes
    key: Key | None

    @property
    def cost(self) -> int:
        key = self.key
        cost_of_key = _COST_OF_KEY + getsizeof(key[0]) + getsizeof(key[1]) if key else 0
        return len(self.text) + _COST + cost_of_key


class Histories:
    """Those of all rooms, bounded together. The caller holds the registry's lock.

    seconds: for which a message is kept. size: bytes, with what it takes to keep them, for all
        rooms. room_size: bytes for one, so that all of them find space in an outbox.
    monotonic: seconds.
    """

    def __init__(
        self, seconds: float, size: int, room_size: int, monotonic: Callable[[], float]
    ) -> None:
        self.seconds = seconds
        self.room_size = room_size
        self.monotonic = monotonic
        self._size = size
        self._held = 0
        self._all: set[History] = set()

    @property
    def held(self) -> int:
        """Bytes that all of them take."""
        return self._held

    def open(self, most: int) -> History:
        """A room's history of at most so many messages."""
        history = History(self, most)
        self._all.add(history)
        return history

    def close(self, history: History) -> None:
        """The room has gone."""
        self._all.discard(history)
        history.shrink(0)

    def grew(self, by: int) -> None:
        """A history takes so many bytes more."""
        self._held += by
        if self._held > self._size:
            self._make_space()

    def shrank(self, by: int) -> None:
        """A history takes so many bytes less."""
        self._held -= by

    def _make_space(self) -> None:
        """Let the longest give up what is oldest; those below their share keep what they have."""
        for history in self._all:
            history.expire()
        space = self._size - int(self._size * _FREED_AT_ONCE)
        by_size = sorted(self._all, key=lambda history: history.held)
        for count, history in enumerate(by_size):
            share = space // (len(by_size) - count)
            history.shrink(share)
            space -= history.held


class History:
    """The last Data of one room, each with its number. `epoch`: names this life of the room."""

    __slots__ = ("_all", "_by_key", "_expected", "_kept", "_most", "_texts", "epoch", "held", "seq")

    def __init__(self, everybodys: Histories, most: int) -> None:
        self._all = everybodys
        self._most = most
        self._kept: deque[_Kept] = deque()
        self._by_key: dict[Key, bytes] = {}
        self._expected: set[Key] = set()  # on their way through a host app
        self._texts = 0  # bytes
        self.epoch = secrets.token_hex(8)
        self.seq = 0  # of the last one
        self.held = 0  # bytes, with what it takes to keep them

    @property
    def position(self) -> dict[str, object]:
        """What a client that joins is told, to come back with."""
        return {"history": self._most, "epoch": self.epoch, "seq": self.seq}

    def add(self, text: bytes, key: Key | None) -> bytes:
        """Number a Data, and keep it; returns it as it is to be sent."""
        text = outgoing.numbered(text, self.seq + 1)
        self.seq += 1
        kept = _Kept(self._all.monotonic(), text, key)
        self._kept.append(kept)
        if key:
            self._expected.discard(key)
            self._by_key[key] = text
        self._texts += len(text)
        self.held += kept.cost
        self.expire()
        while len(self._kept) > self._most or self._texts > self._all.room_size:
            self._drop()
        self._all.grew(kept.cost)
        return text

    def expect(self, key: Key) -> None:
        """A message with this key is on its way here."""
        self._expected.add(key)

    def expect_no_more(self, key: Key) -> None:
        """It will not come."""
        self._expected.discard(key)

    def knows(self, key: Key) -> bool:
        """Whether a message with this key is here, or on its way."""
        self.expire()
        return key in self._by_key or key in self._expected

    def echo(self, key: Key) -> list[bytes]:
        """The message with this key, if it is here."""
        self.expire()
        return [self._by_key[key]] if key in self._by_key else []

    def since(self, last: Recover) -> list[bytes] | None:
        """All that came after what a client had last; None if that is not all here."""
        self.expire()
        missed = self.seq - last.seq
        if last.epoch != self.epoch or not 0 <= missed <= len(self._kept):
            return None
        return [kept.text for kept in islice(self._kept, len(self._kept) - missed, None)]

    def expire(self) -> None:
        """Drop what has been kept for long enough."""
        end = self._all.monotonic() - self._all.seconds
        while self._kept and self._kept[0].at <= end:
            self._drop()

    def shrink(self, size: int) -> None:
        """Drop the oldest until it takes no more than so many bytes."""
        while self.held > size:
            self._drop()

    def _drop(self) -> None:
        kept = self._kept.popleft()
        if kept.key and self._by_key.get(kept.key) is kept.text:
            del self._by_key[kept.key]
        self._texts -= len(kept.text)
        self.held -= kept.cost
        self._all.shrank(kept.cost)
