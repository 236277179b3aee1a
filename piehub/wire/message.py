"""A message under way: what its frames have brought so far (RFC 6455 sections 5.4 and 8.1)."""

from __future__ import annotations

import codecs

from piehub.wire import close_codes
from piehub.wire.frames import TEXT, WireError, too_big
from piehub.wire.inflate import INFLATER_BYTES, Inflater

_UTF8 = codecs.getincrementaldecoder("utf-8")


class Message:
    """Takes in payloads, unmasked, as they arrive; what is wrong with them fails at once.

    opcode: TEXT or BINARY. inflater: for a message that comes compressed. since: for whoever looks
        at how long it takes.
    """

    __slots__ = ("_decoder", "_fragments", "_inflater", "_payload", "_size", "opcode", "since")

    def __init__(self, opcode: int, inflater: Inflater | None) -> None:
        self.opcode = opcode
        self._inflater = inflater
        self._decoder = _UTF8() if opcode == TEXT else None
        self._payload = bytearray()
        self._size = 0  # as its frames declare it
        self._fragments = 0
        self.since: float | None = None

    @property
    def held(self) -> int:
        """Bytes that it takes so far."""
        return len(self._payload) + (INFLATER_BYTES if self._inflater else 0)

    def add_frame(self, size: int, max_bytes: int, max_fragments: int) -> None:
        """One of its frames begins, which declares `size` bytes."""
        self._size += size
        if self._size > max_bytes:
            raise too_big(max_bytes)
        self._fragments += 1
        if self._fragments > max_fragments:
            raise WireError(
                close_codes.POLICY_VIOLATION, f"message in over {max_fragments} fragments"
            )

    def take(self, chunk: bytes) -> None:
        """Take in what has come of a frame's payload."""
        if self._inflater:
            chunk = self._inflater.inflate(chunk)
        self._payload += chunk
        if self._decoder:
            _decode(self._decoder, chunk, final=False)

    def end(self) -> bytes:
        """Its last frame is whole: return its payload."""
        rest = self._inflater.end() if self._inflater else b""
        if self._decoder:
            _decode(self._decoder, rest, final=True)
        self._payload += rest
        return bytes(self._payload)


def _decode(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool) -> None:
    try:
        decoder.decode(chunk, final)
        # The decoder holds back what may become a character; half a surrogate pair never does.
        held = decoder.getstate()[0]
        if held[:1] == b"\xed" and held[1:2] >= b"\xa0":
            held.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from None


def check_utf8(payload: bytes) -> None:
    """Raise WireError if a whole text is not UTF-8."""
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from None


def _not_utf8(error: UnicodeDecodeError) -> WireError:
    return WireError(close_codes.BAD_TEXT, f"text is not UTF-8: {error.reason}")
