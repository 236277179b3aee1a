"""How much a message may hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MessageLimits:
    """depth: arrays and objects in each other. name: characters of a room's app, name, version or
    password, and of a togetherId. whisper_ids: clients that one whisper names.
    together_timeout_ms: that a room's group may wait, milliseconds.
    """

    depth: int = 32
    name: int = 200
    whisper_ids: int = 1000
    together_timeout_ms: int = 600_000


DEFAULT = MessageLimits()
