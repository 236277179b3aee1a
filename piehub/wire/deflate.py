"""Deflate what goes out, once a message (RFC 7692 section 7.2.1)."""

from __future__ import annotations

import zlib

from piehub.wire import frames
from piehub.wire.frames import RSV1, TEXT

MIN_BYTES = 512  # a shorter message shrinks by less than 40 %, and that costs 10 microseconds

# One frame must fit everyone. With 15 bits JSON would come out 1 % smaller, if at all, but the
# 250 kB that zlib then sets up for a message cost more than it costs to deflate 1 kB.
WINDOW_BITS = 12
_MEMORY = 5
_LEVEL = 1


def deflate(payload: bytes, window_bits: int = WINDOW_BITS) -> bytes:
    """Return the payload as a compressed message carries it, with no context of others."""
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, -window_bits, _MEMORY)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def encode(opcode: int, payload: bytes) -> bytes | None:
    """Return one whole compressed frame, or None where a plain one serves as well."""
    if len(payload) < MIN_BYTES:
        return None
    deflated = deflate(payload)
    return frames.encode(RSV1 | opcode, deflated) if len(deflated) < len(payload) else None


def text(payload: bytes) -> bytes | None:
    """Return a compressed text frame, or None; `payload` is UTF-8."""
    return encode(TEXT, payload)
