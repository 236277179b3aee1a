"""How often Python looks for garbage that reference counts do not free."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 20_000  # some hundred clients' worth; Python's own threshold is 700 or 2,000


def relax() -> None:
    """Look less often, and not again at what was there before the first client.

    The hub leaves no cycles behind; each look goes over what its clients hold, and finds nothing.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
