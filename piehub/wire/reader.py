"""Turn the bytes that a client sends into messages (RFC 6455 sections 5 and 8.1)."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from piehub.wire import close_codes
from piehub.wire.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    MASKED,
    MAX_CONTROL_BYTES,
    PING,
    PONG,
    RESERVED,
    TEXT,
    WireError,
    parse_close,
)
from piehub.wire.mask import apply_mask

_UTF8 = codecs.getincrementaldecoder("utf-8")
_WHOLE_TEXT = FIN | TEXT
_CONTROL = (CLOSE, PING, PONG)


class Reader:
    """One client's incoming stream: feed it bytes as they arrive, take out what they complete.

    Whatever the split of the bytes, a message comes out once, whole, unmasked, and a text is
    valid UTF-8. A bad byte fails as soon as it is seen, not when the message ends.

    max_message_bytes: limit for one message, counted over its fragments and judged by the length
        that a frame declares, before its payload is taken in.
    max_fragments: limit for the frames of one message.
    """

    __slots__ = (
        "_control",
        "_decoder",
        "_done",
        "_fin",
        "_fragments",
        "_head",
        "_left",
        "_mask",
        "_max_bytes",
        "_max_fragments",
        "_opcode",
        "_payload",
        "_size",
        "_type",
    )

    def __init__(self, *, max_message_bytes: int, max_fragments: int = 1024) -> None:
        self._max_bytes = max_message_bytes
        self._max_fragments = max_fragments
        self._head = b""  # the start of a frame whose header has not arrived whole
        # The frame under way: its opcode, whether it ends its message, payload bytes to come, mask.
        self._opcode = 0
        self._fin = True
        self._left = 0
        self._mask = b""
        self._control = b""  # its payload so far, when it is a control frame
        # The message under way: TEXT or BINARY (0 when there is none), payload so far.
        self._type = 0
        self._payload = bytearray()
        self._size = 0
        self._fragments = 0
        self._decoder: codecs.IncrementalDecoder | None = None
        self._done = False  # a close frame or an error came: what follows is not read

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (opcode, payload) for each message and control frame that `data` completes.

        The opcode is TEXT, BINARY, PING, PONG or CLOSE; a close frame's payload has been checked
        and nothing after it is read. Raises WireError where the peer broke the protocol or a
        limit, after yielding all that came before.
        """
        if self._done:
            return
        try:
            yield from self._read(data)
        except WireError:
            self._done = True
            raise

    def _read(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        if self._head:
            data, self._head = self._head + data, b""
        at, end = 0, len(data)
        while at < end:
            if self._left:
                at = self._take_payload(data, at)
                if self._left:
                    return
            else:
                # Most of what arrives: a short text in one frame, all of it here.
                if data[at] == _WHOLE_TEXT and not self._type and end - at >= 6:
                    size = data[at + 1] ^ MASKED
                    stop = at + 6 + size
                    if size < 126 and stop <= end and size <= self._max_bytes:
                        payload = apply_mask(data[at + 6 : stop], data[at + 2 : at + 6])
                        _check_text(payload)
                        yield TEXT, payload
                        at = stop
                        continue
                start = self._take_header(data, at)
                if start == at:
                    self._head = data[at:]
                    return
                at = start
                if self._left:
                    continue
            if message := self._end_frame():
                yield message
                if self._done:
                    return

    def _take_header(self, data: bytes, at: int) -> int:
        """Read the header at `at`; return where its payload starts, `at` if it is cut off."""
        first = data[at]
        self._check_opcode(first)
        if len(data) - at < 2:
            return at
        second = data[at + 1]
        if not second & MASKED:
            raise WireError(close_codes.PROTOCOL_ERROR, "a client's frames must be masked")
        size = second & 127
        opcode = first & 15
        if opcode in _CONTROL and size > MAX_CONTROL_BYTES:
            raise WireError(close_codes.PROTOCOL_ERROR, "control frame over 125 bytes")
        wide = 0 if size < 126 else 2 if size == 126 else 8
        start = at + 2 + wide + 4
        if len(data) < start:
            return at
        if wide:
            size = int.from_bytes(data[at + 2 : at + 2 + wide], "big")
            if size < (126 if wide == 2 else 65536) or size >> 63:
                raise WireError(close_codes.PROTOCOL_ERROR, "length not in its shortest form")
        if opcode not in _CONTROL:
            self._begin_fragment(opcode, size)
        self._opcode = opcode
        self._fin = bool(first & FIN)
        self._mask = data[start - 4 : start]
        self._left = size
        return start

    def _check_opcode(self, first: int) -> None:
        opcode = first & 15
        if first & RESERVED:
            raise WireError(close_codes.PROTOCOL_ERROR, "reserved bit set without an extension")
        if opcode in _CONTROL:
            if not first & FIN:
                raise WireError(close_codes.PROTOCOL_ERROR, "control frame in fragments")
        elif opcode == CONTINUATION:
            if not self._type:
                raise WireError(close_codes.PROTOCOL_ERROR, "continuation without a message")
        elif opcode not in (TEXT, BINARY):
            raise WireError(close_codes.PROTOCOL_ERROR, f"unknown opcode {opcode}")
        elif self._type:
            raise WireError(close_codes.PROTOCOL_ERROR, "new message before the last one ended")

    def _begin_fragment(self, opcode: int, size: int) -> None:
        self._size += size
        if self._size > self._max_bytes:
            raise WireError(close_codes.TOO_BIG, f"message over {self._max_bytes} bytes")
        self._fragments += 1
        if self._fragments > self._max_fragments:
            raise WireError(
                close_codes.POLICY_VIOLATION, f"message in over {self._max_fragments} fragments"
            )
        if opcode != CONTINUATION:
            self._type = opcode
            self._decoder = _UTF8() if opcode == TEXT else None

    def _take_payload(self, data: bytes, at: int) -> int:
        """Take in what is here of the frame's payload; return where it ends in `data`."""
        chunk = data[at : at + self._left]
        size = len(chunk)
        self._left -= size
        chunk = apply_mask(chunk, self._mask)
        turn = size % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        if self._opcode in _CONTROL:
            self._control += chunk
        else:
            self._payload += chunk
            if self._decoder:
                _decode(self._decoder, chunk, final=False)
        return at + size

    def _end_frame(self) -> tuple[int, bytes] | None:
        """The frame under way is whole: return the message or control frame it completes."""
        if self._opcode in _CONTROL:
            payload, self._control = self._control, b""
            if self._opcode == CLOSE:
                parse_close(payload)
                self._done = True
            return self._opcode, payload
        if not self._fin:
            return None
        if self._decoder:
            _decode(self._decoder, b"", final=True)
        message = self._type, bytes(self._payload)
        self._payload = bytearray()
        self._type = self._size = self._fragments = 0
        self._decoder = None
        return message


def _check_text(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from None


def _decode(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool) -> None:
    try:
        decoder.decode(chunk, final)
        # The decoder holds back what may become a character; half a surrogate pair never does.
        held = decoder.getstate()[0]
        if held[:1] == b"\xed" and held[1:2] >= b"\xa0":
            held.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from None


def _not_utf8(error: UnicodeDecodeError) -> WireError:
    return WireError(close_codes.BAD_TEXT, f"text is not UTF-8: {error.reason}")
