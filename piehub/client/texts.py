"""A message as a hub reads it, and as a hub wrote it: UTF-8 JSON."""

from __future__ import annotations

import json
from typing import Any


def encode(message: dict[str, Any]) -> bytes:
    """Raises TypeError for what is no JSON; ValueError for NaN, infinity, half a surrogate pair."""
    text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def decode(text: bytes) -> dict[str, Any]:
    """Raises ValueError for what is no JSON object."""
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError(f"A message is a JSON object, not {type(message).__name__}")
    return message
