"""Turn the bytes that a client sends into messages (RFC 6455 section 5, RFC 7692 section 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
    RSV1,
    TEXT,
    WireError,
    parse_close,
)
from piehub.wire.inflate import Inflater
from piehub.wire.mask import apply_mask
from piehub.wire.message import Message, check_utf8

_WHOLE_TEXT = FIN | TEXT
_CONTROL = (CLOSE, PING, PONG)


class Reader:
    """One client's incoming stream: feed it bytes as they arrive, take out what they complete.

    Whatever the split of the bytes, a message comes out once, whole, unmasked, inflated, and a
    text is valid UTF-8. A bad byte fails as soon as it is seen, not when the message ends.

    max_message_bytes: limit for one message, counted over its fragments and judged by the length
        that a frame declares, before its payload is taken in; and, for a compressed message, by
        what it inflates to as well, before that is taken in.
    max_fragments: limit for the frames of one message.
    inflates: whether permessage-deflate was agreed on, with no context carried over.
    """

    # Most clients are idle: what is under way has objects of its own, and they go when it is done.
    __slots__ = (
        "_done",
        "_frame",
        "_head",
        "_inflates",
        "_max_bytes",
        "_max_fragments",
        "_short",
        "message",
    )

    def __init__(
        self, *, max_message_bytes: int, max_fragments: int = 1024, inflates: bool = False
    ) -> None:
        self._max_bytes = max_message_bytes
        self._max_fragments = max_fragments
        self._inflates = inflates
        self._head = b""  # the start of a frame whose header has not arrived whole
        self._frame: _Frame | None = None
        self.message: Message | None = None  # the one under way, until it has been dealt with
        self._done = False  # a close frame or an error came: what follows is not read
        self._short = min(max_message_bytes, 125)  # the longest text with a short way; -1 for none

    def feed(self, data: bytes) -> Iterable[tuple[int, bytes]]:
        """Return (opcode, payload) for each message and control frame that `data` completes.

        The opcode is TEXT, BINARY, PING, PONG or CLOSE; a close frame's payload has been checked
        and nothing after it is read. Raises WireError where the peer broke the protocol or a
        limit, at once or after all that came before.
        """
        # A text of up to 125 bytes and nothing else, as it comes from who waits for answers: half
        # the time, because it takes no generator.
        size = len(data) - 6
        if 0 <= size <= self._short and data[0] == _WHOLE_TEXT and data[1] == MASKED | size:
            payload = apply_mask(data[6:], data[2:6])
            if payload.isascii():
                return ((TEXT, payload),)
        return self._read(data)

    def forget(self) -> None:
        """Nothing more is fed: let go of what has come of a message."""
        self._done = True
        self._frame = self.message = None

    def _read(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        if self._done:
            return
        self._short = -1
        if self._head:
            data, self._head = self._head + data, b""
        at, end = 0, len(data)
        try:
            while at < end:
                # Most of what arrives: a text below 64 kB in one frame, all of it here.
                if data[at] == _WHOLE_TEXT and not (self._frame or self.message) and end - at > 3:
                    size = data[at + 1] ^ MASKED
                    start = at + 6
                    if size >= 126:  # 126: the length is in the next two bytes, and more than 125
                        size = data[at + 2] << 8 | data[at + 3] if size == 126 else 0
                        start = at + 8 if size > 125 else end + 1
                    stop = start + size
                    if stop <= end and size <= self._max_bytes:
                        payload = apply_mask(data[start:stop], data[start - 4 : start])
                        if not payload.isascii():
                            check_utf8(payload)
                        yield TEXT, payload
                        at = stop
                        continue
                at, whole = self._take_frame(data, at)
                if whole:
                    yield whole
                    if whole[0] <= BINARY:
                        self.message = None
        except WireError:
            self._done = True
            raise
        if not (self.message or self._frame or self._head or self._done):
            self._short = min(self._max_bytes, 125)

    def _take_frame(self, data: bytes, at: int) -> tuple[int, tuple[int, bytes] | None]:
        """Take in what is here of the frame that is under way or begins at `at`.

        Return where to go on, and the message or control frame that it completes, if it does.
        """
        frame = self._frame
        if frame is None:
            start = self._take_header(data, at)
            frame = self._frame
            if frame is None:
                self._head = data[at:]
                return len(data), None
            at = start
        at = self._take_payload(frame, data, at)
        if frame.left:
            return at, None
        self._frame = None
        whole = self._end_frame(frame)
        return len(data) if self._done else at, whole

    def _take_header(self, data: bytes, at: int) -> int:
        """Begin the frame whose header is at `at`, if all of it is; return where it ends."""
        first = data[at]
        self._check_first(first)
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
        message = None
        if opcode not in _CONTROL:
            message = self.message
            if message is None:
                inflater = Inflater(self._max_bytes) if first & RSV1 else None
                message = self.message = Message(opcode, inflater)
            message.add_frame(size, self._max_bytes, self._max_fragments)
        self._frame = _Frame(first, data[start - 4 : start], size, message)
        return start

    def _check_first(self, first: int) -> None:
        opcode = first & 15
        if reserved := first & RESERVED:
            if not self._inflates:
                raise WireError(close_codes.PROTOCOL_ERROR, "reserved bit set without an extension")
            if reserved != RSV1 or opcode not in (TEXT, BINARY):
                raise WireError(close_codes.PROTOCOL_ERROR, "reserved bit set where it may not be")
        if opcode in _CONTROL:
            if not first & FIN:
                raise WireError(close_codes.PROTOCOL_ERROR, "control frame in fragments")
        elif opcode == CONTINUATION:
            if not self.message:
                raise WireError(close_codes.PROTOCOL_ERROR, "continuation without a message")
        elif opcode not in (TEXT, BINARY):
            raise WireError(close_codes.PROTOCOL_ERROR, f"unknown opcode {opcode}")
        elif self.message:
            raise WireError(close_codes.PROTOCOL_ERROR, "new message before the last one ended")

    def _take_payload(self, frame: _Frame, data: bytes, at: int) -> int:
        """Take in what is here of the frame's payload; return where it ends in `data`."""
        chunk = data[at : at + frame.left]
        size = len(chunk)
        frame.left -= size
        chunk = apply_mask(chunk, frame.mask)
        if frame.left:
            turn = size % 4
            frame.mask = frame.mask[turn:] + frame.mask[:turn]
        if frame.message:
            frame.message.take(chunk)
        else:
            frame.control += chunk
        return at + size

    def _end_frame(self, frame: _Frame) -> tuple[int, bytes] | None:
        """The frame is whole: return the message or control frame it completes."""
        opcode = frame.first & 15
        message = frame.message
        if message is None:
            if opcode == CLOSE:
                parse_close(frame.control)
                self._done = True
            return opcode, frame.control
        if not frame.first & FIN:
            return None
        return message.opcode, message.end()


class _Frame:
    """A frame under way, from the end of its header."""

    __slots__ = ("control", "first", "left", "mask", "message")

    def __init__(self, first: int, mask: bytes, size: int, message: Message | None) -> None:
        self.first = first  # FIN and opcode
        self.mask = mask  # turned to where the payload goes on
        self.left = size  # payload bytes to come
        self.message = message  # None for a control frame
        self.control = b""  # whose payload so far this is
