"""What a client may send, right and wrong: frames that bytes of chance choose."""

import zlib
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from hypothesis import strategies as st

from piehub.wire.frames import BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, TEXT
from piehub.wire.mask import xor_mask

KEYS = (b"\x00\x00\x00\x00", b"\x37\xfa\x21\x3d", b"\xff\x00\x80\x01", b"\x80\x00\xff\x00")

# Of these a payload is put together.
GOOD = (
    *(b"", b"a", b"pie", b"Hello", b"\x00", b"\x7f"),
    *(character.encode() for character in ("é", "€", "🥧", "\u0800", "\ud7ff", "\U0010ffff")),
)
BAD = (
    *(b"\xff", b"\x80", b"\xc3(", b"\xc0\x80", b"\xe2\x82", b"\xf0\x9f\xa5", b"\xf4\x90\x80\x80"),
    *(b"\xed\xa0", b"\xed\xa0\x80", b"\xed\xb0\x80"),
)
LONG = b"0123456789" * 13
LIKE_A_TEXT = b"\x81\x82\x00\x00\x00\x00hi"
PIECES = (*16 * GOOD, *2 * BAD, LONG)

CLOSES = (
    *(b"", b"\x03", b"\x03\xe8", b"\x03\xe8bye", b"\x03\xf6", b"\x0b\xb8", b"\x13\x87\xc3\xa9"),
    *(b"\x03\xe7", b"\x03\xec", b"\x03\xed", b"\x03\xf7", b"\x13\x88", b"\x00\x00"),
    *(b"\x03\xe8\xff", b"\x03\xe8\xe2\x82", b"\x03\xe8" + b"x" * 123),
)

ODD_STARTS = (
    *(CONTINUATION, FIN | CONTINUATION, TEXT, BINARY, FIN | TEXT, CLOSE, PING, PONG),
    *(FIN | 3, FIN | 7, FIN | 11, 15, FIN | 0x20 | TEXT, FIN | 0x10 | BINARY, FIN | 0x70 | TEXT),
    *(FIN | RSV1 | TEXT, FIN | RSV1 | PING, FIN | RSV1, RSV1, RSV1 | BINARY, FIN | 0x20 | CLOSE),
)
# What a frame's length may claim to be while nothing follows.
HUGE = (2**40, 2**62, 2**63, 2**64 - 1)


class Frame(NamedTuple):
    """first: FIN, reserved bits, opcode. mask: None for none. width: the bytes that its length
    takes beside the first seven bits; None for as few as may be. claims: its length, if that is a
    lie."""

    first: int
    payload: bytes = b""
    mask: bytes | None = KEYS[0]
    width: int | None = None
    claims: int | None = None

    @property
    def is_control(self):
        return bool(self.first & 8)

    def encode(self):
        size = len(self.payload) if self.claims is None else self.claims
        width = (
            (0 if size < 126 else 2 if size < 65536 else 8) if self.width is None else self.width
        )
        second = {0: size, 2: 126, 8: 127}[width] | (0 if self.mask is None else 0x80)
        length = size.to_bytes(width, "big") if width else b""
        mask = self.mask or b""
        return bytes((self.first, second)) + length + mask + xor_mask(self.payload, mask or KEYS[0])


def encode(frames):
    return b"".join(map(Frame.encode, frames))


def frames_of(chances, steps):
    """The frames that these bytes choose, few and short ones; `steps` stand at the end of this
    file."""
    chances = iter(chances)
    frames = []
    for chance in chances:
        frames += steps[chance % len(steps)](chances)
        if frames and frames[-1].claims:
            break
    return frames


def _pick(chances, options):
    return options[next(chances, 0) % len(options)]


def _payload(chances):
    return b"".join(_pick(chances, PIECES) for _ in range(_pick(chances, (1, 1, 2, 3))))


def _message(chances, between):
    return _in_frames(chances, _pick(chances, (TEXT, TEXT, BINARY)), _payload(chances), between)


def _compressed(chances, between):
    start = RSV1 | _pick(chances, (TEXT, TEXT, BINARY))
    data = _spoilt(chances, _deflated(chances, _payload(chances)))
    return _in_frames(chances, start, data, between)


def _in_frames(chances, start, payload, between):
    cuts = [next(chances, 0) % (len(payload) + 1) for _ in range(_pick(chances, (0, 0, 1, 2, 3)))]
    edges = [0, *sorted(cuts), len(payload)]
    frames = []
    for number, (at, end) in enumerate(pairwise(edges)):
        is_last = number == len(cuts)
        first = (CONTINUATION if number else start) | (FIN if is_last else 0)
        frames.append(Frame(first, payload[at:end], _pick(chances, KEYS)))
        if not is_last:
            frames += _pick(chances, between)(chances)
    return frames


def _nothing(chances):
    return []


def _control(chances):
    payload = _pick(
        chances, (*3 * (b"", b"!", b"hi", b"\xff\xfe"), *2 * (LIKE_A_TEXT,), b"p" * 125)
    )
    return [Frame(FIN | _pick(chances, (PING, PONG)), payload, _pick(chances, KEYS))]


def _close(chances):
    return [Frame(FIN | CLOSE, _pick(chances, CLOSES), _pick(chances, KEYS))]


def _odd(chances):
    """One frame that has no reason to be there."""
    payload = _pick(chances, (*5 * (b"", b"a", b"pie"), b"p" * 125, b"p" * 126))
    mask = _pick(chances, (*KEYS, None))
    start = _pick(chances, (*ODD_STARTS, next(chances, 0)))
    width = _pick(chances, (None, None, 2, 8)) if len(payload) < 126 else None
    return [Frame(start, payload, mask, width)]


def _huge(chances):
    start = _pick(chances, (FIN | TEXT, BINARY, TEXT, CONTINUATION))
    return [Frame(start, claims=_pick(chances, HUGE), width=8)]


def _deflated(chances, payload):
    stream = zlib.compressobj(_pick(chances, (1, 9, 0)), zlib.DEFLATED, -9, 1)
    start = stream.compress(payload)
    if _pick(chances, (True, True, False)):
        return start + stream.flush(_pick(chances, (zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH)))[:-4]
    return start + stream.flush(zlib.Z_FINISH) + _pick(chances, (b"\x00", b""))


def _spoilt(chances, data):
    at = next(chances, 0) % len(data)
    changes = (
        *20 * (data,),
        data[: at + 1],
        data[:at] + bytes([data[at] ^ 1 << next(chances, 0) % 8]) + data[at + 1 :],
        data[:at] + b"\x07" + data[at:],
        data + data,
        data + b"\x00",
    )
    return _pick(chances, changes)


QUIET = (_nothing, _nothing, _control)
LOUD = (*16 * (_nothing,), *8 * (_control,), _close, _odd)

MESSAGES = (partial(_message, between=QUIET),)
ANYTHING = (*8 * (partial(_message, between=LOUD),), *3 * (_control,), _close, _odd, _huge)
ANYTHING_COMPRESSED = (
    *8 * (partial(_compressed, between=LOUD),),
    *4 * (partial(_message, between=LOUD),),
    *(_control, _control, _close, _odd),
)

chances = st.binary(min_size=12, max_size=60)
