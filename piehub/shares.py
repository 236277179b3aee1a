"""How much of the memory each of the things that may wait in a hub may take."""

from __future__ import annotations

from typing import NamedTuple

from piehub import memory
from piehub.settings import Settings

_MAILBOX_BYTES = 1_048_576  # for a host app, if all rooms' find space in the memory


class Shares(NamedTuple):
    """Bytes, at most."""

    outboxes: int
    """What waits for all clients, with what has come from them and is not dealt with."""

    mailbox: int
    """What waits for the host app of one room."""

    together: int
    histories: int


def of(settings: Settings) -> Shares:
    """Those of a hub with these settings, on this machine."""
    quarter = memory.of_machine() // 4
    return Shares(
        outboxes=settings.outboxes_bytes or quarter,
        mailbox=min(_MAILBOX_BYTES, quarter // settings.max_rooms),
        together=min(settings.together_bytes, quarter // 2),
        histories=settings.history_bytes,
    )
