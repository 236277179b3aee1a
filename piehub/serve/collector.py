"""How often Python looks for garbage that reference counts do not free."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 20_000  # some hundred clients' worth; Python's own threshold is 700 or 2,000


def relax() -> None:
    """Look less often: each look goes over what the clients hold, and the hub leaves no cycles."""
    gc.collect()
    if 0 < gc.get_threshold()[0] < _NEW_OBJECTS:  # else the app has its own opinion
        gc.set_threshold(_NEW_OBJECTS)
