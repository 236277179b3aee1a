"""Inflate what a client sends compressed, up to a limit (RFC 7692 section 7.2.2)."""

from __future__ import annotations

import zlib

from piehub.wire import close_codes
from piehub.wire.frames import WireError, too_big

_TAIL = b"\x00\x00\xff\xff"  # what the sender has cut off
_LAST_BLOCK = b"\x03\x00"  # an empty one, which ends a stream that is at a block's end

# A DEFLATE stream may end in the middle of a message (section 7.2.3.4) and each one costs as much
# as a message, though it may be two bytes long.
MAX_STREAMS = 256
INFLATER_BYTES = 40_000  # that zlib takes while a message is under way


class Inflater:
    """Inflates one message, chunk by chunk. No more comes out than the limit allows.

    There is one only as long as a message is under way (INFLATER_BYTES): the client has agreed to
    carry nothing over (section 7.1.1.2).
    """

    __slots__ = ("_max_bytes", "_room", "_streams", "_zlib")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._room = max_bytes  # bytes that may still come out
        self._streams = 0
        self._zlib: zlib._Decompress | None = None  # between two streams there is none

    def inflate(self, data: bytes) -> bytes:
        """Return what `data` inflates to. Raises WireError over the limit, and for bad data."""
        inflated = b""
        while data:
            stream = self._zlib or self._begin_stream()
            try:
                part = stream.decompress(data, self._room + 1)
            except zlib.error as error:
                raise WireError(
                    close_codes.BAD_TEXT, f"compressed data is corrupt: {error}"
                ) from None
            self._room -= len(part)
            if self._room < 0:
                raise too_big(self._max_bytes)
            inflated += part
            data = stream.unused_data
            if stream.eof:
                self._zlib = None
        return inflated

    def end(self) -> bytes:
        """The message is whole: return what was still to come of it, which is seldom anything."""
        if self._zlib is None:
            return b""  # its last stream has ended by itself
        rest = self.inflate(_TAIL)
        if self._zlib and (self.inflate(_LAST_BLOCK) or self._zlib):
            raise WireError(close_codes.BAD_TEXT, "compressed data is cut off")
        return rest

    def _begin_stream(self) -> zlib._Decompress:
        self._streams += 1
        if self._streams > MAX_STREAMS:
            raise WireError(
                close_codes.POLICY_VIOLATION,
                f"message in over {MAX_STREAMS} streams of compressed data",
            )
        self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._zlib
