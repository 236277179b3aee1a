"""However a stream is cut, it is the same stream."""

import random
import zlib
from itertools import chain

import pytest
from hypothesis import given

from piehub.wire.frames import FIN, RSV1, TEXT
from tests.support.cuts import agree, byte_by_byte, read
from tests.support.streams import (
    ANYTHING,
    ANYTHING_COMPRESSED,
    Frame,
    chances,
    encode,
    frames_of,
)

pytestmark = pytest.mark.no_cover  # which would take four times as long

# In bytes and in frames: more than a stream has, and less.
LIMITS = ((1000, 100), (1000, 100), (20, 100), (8, 3), (1000, 2), (0, 100))


def in_pieces(stream, luck):
    while stream:
        size = luck.randint(1, 9)
        yield stream[:size]
        stream = stream[size:]


@pytest.mark.parametrize(
    ("steps", "inflates"),
    [(ANYTHING, False), (ANYTHING_COMPRESSED, True)],
    ids=["plain", "compressed"],
)
@given(chances)
def test_a_stream_gives_the_same_however_it_is_cut(steps, inflates, chances):
    stream = encode(frames_of(chances, steps))
    most_bytes, most_fragments = LIMITS[chances[-1] % len(LIMITS)]
    options = {"most_bytes": most_bytes, "most_fragments": most_fragments, "inflates": inflates}
    [whole] = read([stream], **options)
    each = read(byte_by_byte(stream), **options)
    upto = []
    for at in range(len(stream)):
        before, after = read([stream[:at], stream[at:]], **options)
        assert agree(before, upto, inflates=inflates), f"before the cut at {at}"
        assert agree(before + after, whole, inflates=inflates), f"cut at {at}"
        upto = upto + each[at]
    assert agree(upto, whole, inflates=inflates)
    for seed in range(3):
        came = read(in_pieces(stream, random.Random(seed)), **options)
        assert agree([*chain(*came)], whole, inflates=inflates), f"in pieces, {seed}"


def test_a_compressed_text_too_long_and_no_utf8_fails_for_what_is_seen_first():
    deflate = zlib.compressobj(wbits=-15)
    data = (deflate.compress(b"\xff" + b"0" * 100) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    stream = encode([Frame(FIN | RSV1 | TEXT, data)])
    options = {"most_bytes": 50, "most_fragments": 1, "inflates": True}
    assert read([stream], **options) == [[1009]]
    assert [*chain(*read(byte_by_byte(stream), **options))] == [1007]
