"""How deep a JSON text is nested, without building it."""

from __future__ import annotations

_ALL_BUT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


def is_deeper(text: bytes, limit: int) -> bool:
    """Say whether `text`, which must be valid JSON, nests arrays and objects over `limit` deep.

    Every step runs at the speed of a bytes method, so a text of 64 kB costs a fraction of a
    millisecond: escapes go first, then all between quotes, then all that is no bracket. Each pass
    over the brackets takes the innermost pairs away; what is empty after `limit` passes is no
    deeper than that.
    """
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside_strings = b"".join(text.split(b'"')[::2])
    brackets = outside_strings.translate(_ONE_KIND, _ALL_BUT_BRACKETS)
    too_deep = b"[" * (limit + 1)
    for _ in range(limit):
        if not brackets:
            return False
        if too_deep in brackets:
            return True
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)
