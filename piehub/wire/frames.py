"""Build frames, and read a close frame's payload (RFC 6455 sections 5.2 and 5.5)."""

from __future__ import annotations

import struct

from piehub.wire import close_codes

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

FIN = 0x80
RSV1 = 0x40
RESERVED = 0x70
MASKED = 0x80

MAX_CONTROL_BYTES = 125

_WHOLE_TEXT = FIN | TEXT
# What a text frame begins with, by its size up to 125 bytes, and beyond.
_SHORT_HEADERS = tuple(bytes((_WHOLE_TEXT, size)) for size in range(126))
_WIDE_HEADER = struct.Struct(">BBH").pack


class WireError(Exception):
    """The peer broke RFC 6455 or a limit; the connection must be failed (section 7.1.7).

    `code` is the close code to send, `reason` the text beside it.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def too_big(max_bytes: int) -> WireError:
    """What a message over the limit is refused with, however the limit was passed."""
    return WireError(close_codes.TOO_BIG, f"message over {max_bytes} bytes")


def encode(opcode: int, payload: bytes) -> bytes:
    """Return one whole, unmasked frame, as a server sends it. RSV1 may be set beside the opcode."""
    size = len(payload)
    if size < 126:
        return bytes((FIN | opcode, size)) + payload
    if size < 65536:
        return bytes((FIN | opcode, 126, size >> 8, size & 255)) + payload
    return bytes((FIN | opcode, 127)) + size.to_bytes(8, "big") + payload


def text(payload: bytes) -> bytes:
    """Return a text frame; `payload` is UTF-8."""
    size = len(payload)
    if size < 126:
        return _SHORT_HEADERS[size] + payload
    if size < 65536:
        return _WIDE_HEADER(_WHOLE_TEXT, 126, size) + payload
    return encode(TEXT, payload)


def close(code: int, reason: str = "") -> bytes:
    """Return a close frame. A reason too long for a control frame is cut between characters."""
    room = MAX_CONTROL_BYTES - 2
    text = reason.encode()[:room].decode(errors="ignore")
    return encode(CLOSE, code.to_bytes(2, "big") + text.encode())


def parse_close(payload: bytes) -> tuple[int, str]:
    """Return code and reason of a close frame's payload; an empty one is 1005.

    Raises WireError for what RFC 6455 sections 5.5.1 and 7.4 forbid: half a code, a code that
    must not be sent, a reason that is not UTF-8.
    """
    if not payload:
        return close_codes.NO_STATUS, ""
    if len(payload) == 1:
        raise WireError(close_codes.PROTOCOL_ERROR, "close frame with half a code")
    code = int.from_bytes(payload[:2], "big")
    if not close_codes.may_be_received(code):
        raise WireError(close_codes.PROTOCOL_ERROR, f"close code {code} must not be sent")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise WireError(close_codes.BAD_TEXT, "close reason is not UTF-8") from None
