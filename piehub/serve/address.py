"""Where to listen."""

from __future__ import annotations

import os

DEFAULT_PORT = 8080


def port() -> int:
    """The PORT that a platform such as Heroku sets, else 8080. Raises ValueError."""
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ValueError(f"PORT is {text!r}; it must be a number from 1 to 65535")
    return int(text)
