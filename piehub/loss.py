"""What a client has lost by no doing of its own, and when the app's own code is told of it."""

from __future__ import annotations

from collections.abc import Callable

from piehub.net.runtime import Event, native_lock

_LOOK_EVERY = 0.05  # seconds, at who is busy


class Loss:
    """To be told once, by whoever comes first. tell: does so, and may block."""

    __slots__ = ("_claim", "_tell", "_told")

    def __init__(self, tell: Callable[[], None], told: Event) -> None:
        self._tell = tell
        self._told = told
        self._claim = native_lock()  # whoever takes it tells, and keeps it

    def tell(self) -> None:
        """Return once it has been told."""
        if self._claim.acquire(blocking=False):
            try:
                self._tell()
            finally:
                self._told.set()
        else:
            self._told.wait()

    def tell_when_idle(self, is_busy: Callable[[], bool]) -> None:
        """The same, but not beside what its client is busy with, which may tell of it itself."""
        while is_busy() and not self._told.wait(_LOOK_EVERY):
            pass
        self.tell()
