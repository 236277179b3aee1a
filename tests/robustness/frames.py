"""What a client may send once it is let in, as bytes: what breaks RFC 6455 or a limit, what ends
the connection as it should, and what looks odd and is right."""

import zlib
from typing import NamedTuple

from tests.support.peer import masked

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
LIMIT = 65_536  # bytes in a message, as PIEHUB_MAX_MESSAGE_BYTES is by default
MOST_FRAGMENTS = 1024

# A question whose answer is always the same.
ASK = b'{"type":"LeaveMatchmaking"}'
ANSWER = b'{"type":"ResolvePromise","func":"LeaveMatchmaking","data":{"removed":true}}'
LEAVE = b'{"type":"LeaveRoom"}'  # which has none


class Broken(NamedTuple):
    """sent: after which the hub closes. reason: the whole of its close frame's text."""

    name: str
    sent: bytes
    code: int
    reason: str


class Closing(NamedTuple):
    """sent: a close frame, and perhaps more. payload: of the close frame that answers it. logged:
    the code that the log has."""

    name: str
    sent: bytes
    payload: bytes
    logged: int


class Legal(NamedTuple):
    """answers: the frames that come, and no others."""

    name: str
    sent: bytes
    answers: list[tuple[int, bytes]]


def frame(first, payload=b"", size=None):
    """A frame that begins with any byte. Its mask changes nothing, so the payload can be read here.

    size: the bytes of its length, after the mask's bit, if they are not to be the right ones.
    """
    if size is None:
        size = bytes([len(payload)])
    return bytes([first, 0x80 | size[0]]) + size[1:] + bytes(4) + payload


def wide(size):
    """A length in 16 bits."""
    return b"\x7e" + size.to_bytes(2, "big")


def widest(size):
    """A length in 64 bits."""
    return b"\x7f" + size.to_bytes(8, "big")


def text(payload):
    return frame(FIN | TEXT, payload)


def closing(code, reason=b""):
    return frame(FIN | CLOSE, code.to_bytes(2, "big") + reason)


def deflated(payload):
    stream = zlib.compressobj(wbits=-15)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def padded(size):
    """The question, with blanks up to that size."""
    return ASK.ljust(size)


def in_fragments(payload):
    """A text of which each fragment holds a byte."""
    each = [frame(CONTINUATION, bytes([byte])) for byte in payload]
    return b"".join([frame(TEXT), *each, frame(FIN)])


def with_x(value):
    """The question, with some text in it."""
    return ASK[:-1] + f',"x":"{value}"}}'.encode()


PIE = with_x("🥧 für Zoë")
START = frame(TEXT, b"{")  # of a message in fragments

NOT_MASKED = "a client's frames must be masked"
RESERVED = "reserved bit set without an extension"
IN_FRAGMENTS = "control frame in fragments"
OVER_125 = "control frame over 125 bytes"
NOT_SHORTEST = "length not in its shortest form"
NO_START = "continuation without a message"
NOT_ENDED = "new message before the last one ended"
TOO_LONG = f"message over {LIMIT} bytes"

BROKEN_FRAMES = [
    Broken("a text that is not masked", b"\x81\x02{}", 1002, NOT_MASKED),
    Broken("a ping that is not masked", b"\x89\x00", 1002, NOT_MASKED),
    Broken("a close that is not masked", b"\x88\x02\x03\xe8", 1002, NOT_MASKED),
    Broken("a continuation that is not masked", START + b"\x80\x01}", 1002, NOT_MASKED),
    Broken("the first reserved bit", frame(FIN | RSV1 | TEXT), 1002, RESERVED),
    Broken("the second reserved bit", frame(FIN | RSV2 | TEXT), 1002, RESERVED),
    Broken("the third reserved bit", frame(FIN | RSV3 | TEXT), 1002, RESERVED),
    Broken("all reserved bits", frame(FIN | RSV1 | RSV2 | RSV3 | TEXT), 1002, RESERVED),
    Broken("a reserved bit in a ping", frame(FIN | RSV1 | PING), 1002, RESERVED),
    Broken("a reserved bit in a continuation", START + frame(FIN | RSV1), 1002, RESERVED),
    Broken(
        "a compressed text that was not agreed on",
        frame(FIN | RSV1 | TEXT, deflated(ASK)),
        1002,
        RESERVED,
    ),
    *(
        Broken(f"opcode {opcode}", frame(FIN | opcode), 1002, f"unknown opcode {opcode}")
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ),
    Broken("opcode 3 in a message", START + frame(FIN | 3), 1002, "unknown opcode 3"),
    Broken("a ping in fragments", frame(PING), 1002, IN_FRAGMENTS),
    Broken("a pong in fragments", frame(PONG), 1002, IN_FRAGMENTS),
    Broken("a close in fragments", frame(CLOSE, b"\x03"), 1002, IN_FRAGMENTS),
    Broken("a ping of 126 bytes", frame(FIN | PING, bytes(126), wide(126)), 1002, OVER_125),
    Broken("a pong of 126 bytes", frame(FIN | PONG, bytes(126), wide(126)), 1002, OVER_125),
    Broken("a close of 126 bytes", frame(FIN | CLOSE, b"\x03\xe8", wide(126)), 1002, OVER_125),
    Broken("a ping of 64 KiB", frame(FIN | PING, size=widest(65_536)), 1002, OVER_125),
    Broken("0 bytes in 16 bits", frame(FIN | TEXT, size=wide(0)), 1002, NOT_SHORTEST),
    Broken("125 bytes in 16 bits", frame(FIN | TEXT, size=wide(125)), 1002, NOT_SHORTEST),
    Broken("125 bytes in 64 bits", frame(FIN | TEXT, size=widest(125)), 1002, NOT_SHORTEST),
    Broken("65,535 bytes in 64 bits", frame(FIN | TEXT, size=widest(65_535)), 1002, NOT_SHORTEST),
    Broken("a length whose top bit is set", frame(130, size=widest(1 << 63)), 1002, NOT_SHORTEST),
    Broken("a length of all bits", frame(130, size=widest((1 << 64) - 1)), 1002, NOT_SHORTEST),
    Broken("a continuation at the start", frame(FIN, b"{}"), 1002, NO_START),
    Broken("a continuation that goes on, at the start", frame(0), 1002, NO_START),
    Broken("one continuation too many", in_fragments(LEAVE) + frame(FIN), 1002, NO_START),
    Broken("a text within a text", START + text(ASK), 1002, NOT_ENDED),
    Broken("a binary within a text", START + frame(FIN | BINARY), 1002, NOT_ENDED),
    Broken("a second start", START + START, 1002, NOT_ENDED),
    Broken("HTTP once more", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1002, RESERVED),
    Broken("TLS, too late", b"\x16\x03\x01\x00\x2d", 1002, RESERVED),
    # Limits. The length is judged by what a header says, before any of the payload has come.
    Broken("a text of 64 KiB and a byte", frame(129, size=widest(LIMIT + 1)), 1009, TOO_LONG),
    Broken("the same, all of it", masked(TEXT, padded(LIMIT + 1)), 1009, TOO_LONG),
    Broken("a binary of 64 KiB and a byte", frame(130, size=widest(LIMIT + 1)), 1009, TOO_LONG),
    Broken("2**62 bytes", frame(FIN | BINARY, size=widest(1 << 62)), 1009, TOO_LONG),
    Broken("2**63 - 1 bytes", frame(FIN | BINARY, size=widest((1 << 63) - 1)), 1009, TOO_LONG),
    Broken("a start of 2**62 bytes", frame(BINARY, size=widest(1 << 62)), 1009, TOO_LONG),
    Broken(
        "fragments that are too long together",
        masked(TEXT, padded(40_000), fin=False) + frame(0, size=wide(LIMIT - 40_000 + 1)),
        1009,
        TOO_LONG,
    ),
    Broken(
        "1,025 fragments",
        START + frame(CONTINUATION) * MOST_FRAGMENTS,
        1008,
        f"message in over {MOST_FRAGMENTS} fragments",
    ),
]

INVALID_START = "text is not UTF-8: invalid start byte"
INVALID_NEXT = "text is not UTF-8: invalid continuation byte"
CUT_OFF = "text is not UTF-8: unexpected end of data"

BROKEN_TEXTS = [
    Broken("a byte that is none of UTF-8's", text(b"\xff"), 1007, INVALID_START),
    Broken("the inside of a character alone", text(b"\x80"), 1007, INVALID_START),
    Broken("Latin-1", text('{"type":"ä"}'.encode("latin-1")), 1007, INVALID_NEXT),
    Broken("UTF-16", text("{}".encode("utf-16")), 1007, INVALID_START),
    Broken("a slash in two bytes", text(b"\xc0\xaf"), 1007, INVALID_START),
    Broken("a slash in three bytes", text(b"\xe0\x80\xaf"), 1007, INVALID_NEXT),
    Broken("a slash in four bytes", text(b"\xf0\x80\x80\xaf"), 1007, INVALID_NEXT),
    Broken("a NUL in two bytes", text(b"\xc0\x80"), 1007, INVALID_START),
    Broken("the first half of a pair", text(b"\xed\xa0\x80"), 1007, INVALID_NEXT),
    Broken("the second half of a pair", text(b"\xed\xbf\xbf"), 1007, INVALID_NEXT),
    Broken("a pair in CESU-8", text(b"\xed\xa0\xbe\xed\xb5\xa7"), 1007, INVALID_NEXT),
    Broken("one above U+10FFFF", text(b"\xf4\x90\x80\x80"), 1007, INVALID_NEXT),
    Broken("far above U+10FFFF", text(b"\xf5\x80\x80\x80"), 1007, INVALID_START),
    Broken("a character of five bytes", text(b"\xf8\x88\x80\x80\x80"), 1007, INVALID_START),
    Broken("half a character at the end", text(b"{}\xc3"), 1007, CUT_OFF),
    Broken("three quarters of a pie", text("🥧".encode()[:3]), 1007, CUT_OFF),
    Broken(
        "half a character at the end of the last fragment",
        START + frame(FIN, b"}\xe2\x82"),
        1007,
        CUT_OFF,
    ),
    Broken(
        "half a character, and a fragment that begins with another",
        frame(TEXT, b"\xc3") + frame(CONTINUATION, b"\xc3"),
        1007,
        INVALID_NEXT,
    ),
    Broken(
        "a bad byte in a frame of which more is to come",
        frame(FIN | TEXT, b"\xff", size=wide(1000)),
        1007,
        INVALID_START,
    ),
    Broken(
        "a bad byte in a message of which more is to come",
        START + frame(CONTINUATION, b"\xff"),
        1007,
        INVALID_START,
    ),
]

BROKEN_CLOSES = [
    Broken("half a code", frame(FIN | CLOSE, b"\x03"), 1002, "close frame with half a code"),
    *(
        Broken(f"code {code}", closing(code), 1002, f"close code {code} must not be sent")
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    ),
    Broken(
        "a reason cut in a character", closing(1000, b"\xc3"), 1007, "close reason is not UTF-8"
    ),
    Broken("a reason in Latin-1", closing(1000, b"ade\xe4"), 1007, "close reason is not UTF-8"),
]

CLOSINGS = [
    Closing("no code", frame(FIN | CLOSE), b"", 1005),
    *(
        Closing(f"code {code}", closing(code, b"bye"), code.to_bytes(2, "big"), code)
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014)
    ),
    *(
        Closing(f"code {code}", closing(code), code.to_bytes(2, "big"), code)
        for code in (3000, 3999, 4000, 4429, 4999)
    ),
    Closing("a reason of 123 bytes", closing(1000, b"x" * 123), b"\x03\xe8", 1000),
    Closing("a close within a message", START + closing(1000), b"\x03\xe8", 1000),
    Closing("a question after the close", closing(1000) + text(ASK), b"\x03\xe8", 1000),
    Closing("a second close", closing(1000) + closing(1001), b"\x03\xe8", 1000),
    Closing("a broken frame after the close", closing(1000) + b"\xff" * 100, b"\x03\xe8", 1000),
]

ANSWERED = [(TEXT, ANSWER)]

LEGAL = [
    Legal("a text", text(ASK), ANSWERED),
    Legal("a binary that holds the same", frame(FIN | BINARY, ASK), ANSWERED),
    Legal("a mask that changes it", masked(TEXT, ASK, mask=b"\xff\x80\x01{"), ANSWERED),
    Legal("two texts at once", text(ASK) * 2, ANSWERED * 2),
    Legal("126 bytes", masked(TEXT, padded(126)), ANSWERED),
    Legal("65,535 bytes", masked(TEXT, padded(65_535)), ANSWERED),
    Legal("64 KiB", masked(TEXT, padded(LIMIT)), ANSWERED),
    Legal(
        "64 KiB in two fragments",
        masked(TEXT, padded(LIMIT)[:40_000], fin=False) + masked(0, padded(LIMIT)[40_000:]),
        ANSWERED,
    ),
    Legal("empty fragments", frame(TEXT) + frame(0, ASK) + frame(FIN), ANSWERED),
    Legal("a fragment for each byte", in_fragments(ASK), ANSWERED),
    Legal(
        "1,024 fragments",
        frame(TEXT) + frame(CONTINUATION) * (MOST_FRAGMENTS - 2) + frame(FIN, ASK),
        ANSWERED,
    ),
    Legal(
        "a ping between two fragments",
        frame(TEXT, ASK[:9]) + frame(FIN | PING, b"here?") + frame(FIN, ASK[9:]),
        [(PONG, b"here?"), *ANSWERED],
    ),
    Legal("characters in pieces", in_fragments(PIE), ANSWERED),
    Legal("the last character there is", text(with_x("\U0010ffff")), ANSWERED),
    Legal("what will never be a character", text(with_x("\uffff\ufdd0")), ANSWERED),
    Legal("the characters around the surrogates", text(with_x("\ud7ff\ue000")), ANSWERED),
    Legal("a ping without a payload", frame(FIN | PING), [(PONG, b"")]),
    Legal("a ping of 125 bytes", frame(FIN | PING, b"x" * 125), [(PONG, b"x" * 125)]),
    Legal("a ping that is no text", frame(FIN | PING, b"\xff\x00"), [(PONG, b"\xff\x00")]),
    Legal("a pong that nobody asked for", frame(FIN | PONG, b"here!") + text(ASK), ANSWERED),
]
