"""Words of others, for a terminal: it obeys what some of them could hold."""

from __future__ import annotations


def printable(text: str) -> str:
    """The same, with what does not print written out, such as \\x1b."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
