import random
import tracemalloc
import zlib

import pytest

from piehub.wire.frames import WireError
from piehub.wire.inflate import MAX_STREAMS, Inflater

# The examples of RFC 7692 section 7.2.3, and what they inflate to.
EXAMPLES = {
    "one block": (b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello"),
    "a block that is not compressed": (b"\x00\x05\x00\xfa\xffHello\x00", b"Hello"),
    "a final block": (b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", b"Hello"),
    "two blocks": (b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", b"Hello"),
    "nothing": (b"\x00", b""),
    # Not of the RFC:
    "two final blocks": (b"\xf3\x48\xcd\xc9\xc9\x07\x00" * 2 + b"\x00", b"HelloHello"),
    "a final block, then one that is not": (
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00",
        b"HelloHello",
    ),
    "a final block without the byte that should follow": (
        b"\xf3\x48\xcd\xc9\xc9\x07\x00",
        b"Hello",
    ),
    "not even the byte that stands for nothing": (b"", b""),
    "a final block that takes what was cut off for its own": (
        b"\x01\x04\x00\xfb\xff",
        b"\x00\x00\xff\xff",
    ),
}

# The bytes up to the one that cannot be DEFLATE (RFC 1951), and what zlib says of them.
CORRUPT = {
    "a block of no known type": (b"\x07", "invalid block type"),
    "a block of no known type after a good one": (
        b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff\x07",
        "invalid block type",
    ),
    "a length and its complement that differ": (
        b"\x00\x05\x00\xfa\xfe",
        "invalid stored block lengths",
    ),
    "a distance to before the message": (  # RFC 7692 section 7.2.3.2: an earlier one's context
        b"\xf2\x00\x11",
        "invalid distance too far back",
    ),
    "a distance to before a final block": (
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11",
        "invalid distance too far back",
    ),
}

corrupt = pytest.mark.parametrize(("data", "reason"), CORRUPT.values(), ids=CORRUPT.keys())


def inflate(*chunks, max_bytes=1000):
    inflater = Inflater(max_bytes)
    return b"".join([*map(inflater.inflate, chunks), inflater.end()])


def refusal(*chunks, max_bytes=1000):
    with pytest.raises(WireError) as caught:
        inflate(*chunks, max_bytes=max_bytes)
    return caught.value.code, caught.value.reason


def deflated(data):
    stream = zlib.compressobj(wbits=-15)
    return (stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def some_bytes(size):
    """Bytes in which nothing comes twice."""
    return random.Random(7).randbytes(size)


@pytest.mark.parametrize(("data", "inflated"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_an_example_is_inflated_however_it_is_cut(data, inflated):
    assert inflate(data) == inflated
    for one in range(len(data) + 1):
        for two in range(one, len(data) + 1):
            assert inflate(data[:one], data[one:two], data[two:]) == inflated, f"{one}, {two}"
    assert inflate(*[data[at : at + 1] for at in range(len(data))]) == inflated


def test_what_a_chunk_inflates_to_comes_out_with_it():
    inflater = Inflater(1000)
    assert inflater.inflate(b"\xf2\x48\x05\x00\x00\x00\xff\xff") == b"He"
    assert inflater.inflate(b"\xca\xc9\xc9\x07\x00") == b"llo"
    assert inflater.end() == b""


def test_a_distance_may_be_as_large_as_zlib_makes_them():
    data = some_bytes(32_500) * 2
    compressed = deflated(data)
    assert len(compressed) < 33_000
    pieces = [compressed[at : at + 1000] for at in range(0, len(compressed), 1000)]
    assert inflate(*pieces, max_bytes=65_000) == data


@corrupt
def test_corrupt_data_is_refused_at_the_byte_that_shows_it(data, reason):
    inflater = Inflater(1000)
    inflater.inflate(data[:-1])
    with pytest.raises(WireError, match=reason) as caught:
        inflater.inflate(data[-1:])
    assert caught.value.code == 1007
    assert caught.value.reason.startswith("compressed data is corrupt: ")


@corrupt
def test_corrupt_data_is_refused_at_once_when_it_comes_with_the_rest(data, reason):
    with pytest.raises(WireError, match=reason) as caught:
        Inflater(1000).inflate(data)
    assert caught.value.code == 1007


def test_data_that_is_cut_off_is_refused_wherever_that_is():
    data = deflated(b'{"type":"Data","payload":"pie pie pie"}' * 3)
    assert inflate(data) == b'{"type":"Data","payload":"pie pie pie"}' * 3
    for size in range(1, len(data)):
        assert refusal(data[:size])[0] == 1007, size


def test_data_that_is_cut_off_within_a_block_that_is_not_compressed_is_refused():
    assert refusal(b"\x00\x0a\x00\xf5\xffHe") == (1007, "compressed data is cut off")


def test_data_whose_end_was_not_cut_off_is_refused():
    assert refusal(deflated(b"Hello") + b"\x00\x00\xff\xff")[0] == 1007


def test_as_much_may_come_out_as_the_limit():
    assert inflate(deflated(b"pie" * 10), max_bytes=30) == b"pie" * 10
    assert inflate(b"\x00", max_bytes=0) == b""


def test_more_than_the_limit_is_refused():
    assert refusal(deflated(b"pie" * 10), max_bytes=29) == (1009, "message over 29 bytes")
    assert refusal(deflated(b"x"), max_bytes=0) == (1009, "message over 0 bytes")


def test_the_limit_counts_over_all_chunks_and_streams():
    hello = b"\xf3\x48\xcd\xc9\xc9\x07\x00"
    assert inflate(hello * 2, max_bytes=10) == b"HelloHello"
    assert refusal(hello * 2, max_bytes=9) == (1009, "message over 9 bytes")
    assert refusal(hello[:4], hello[4:], hello, max_bytes=9) == (1009, "message over 9 bytes")


def test_what_comes_out_last_counts_too():
    assert inflate(b"\x01\x04\x00\xfb\xff", max_bytes=4) == b"\x00\x00\xff\xff"
    assert refusal(b"\x01\x04\x00\xfb\xff", max_bytes=3) == (1009, "message over 3 bytes")


def test_a_bomb_is_refused_before_it_grows():
    bomb = deflated(bytes(50_000_000))
    assert len(bomb) < 50_000
    inflater = Inflater(100_000)
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="message over 100000 bytes"):
            inflater.inflate(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 350_000  # what came out, twice while zlib joins it, and the rest of the bomb


def test_a_bomb_behind_what_has_filled_the_limit_is_refused_before_it_grows():
    bomb = deflated(bytes(50_000_000))
    inflater = Inflater(1_000_000)
    assert len(inflater.inflate(deflated(bytes(1_000_000)))) == 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="message over 1000000 bytes"):
            inflater.inflate(b"\x00\x00\xff\xff" + bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000  # the rest of the bomb


def test_a_bomb_in_small_chunks_is_refused_before_it_grows():
    bomb = deflated(bytes(50_000_000))
    inflater = Inflater(100_000)
    came = 0

    def feed():
        nonlocal came
        for at in range(0, len(bomb), 10):
            came += len(inflater.inflate(bomb[at : at + 10]))

    with pytest.raises(WireError, match="message over 100000 bytes"):
        feed()
    assert 90_000 < came <= 100_000


def test_a_message_may_have_as_many_streams_as_the_limit():
    assert inflate(b"\x03\x00" * MAX_STREAMS) == b""
    assert inflate(b"\xf3\x48\xcd\xc9\xc9\x07\x00" * MAX_STREAMS, max_bytes=2000) == b"Hello" * 256


def test_a_message_in_more_streams_than_the_limit_is_refused():
    reason = "message in over 256 streams of compressed data"
    assert refusal(b"\x03\x00" * (MAX_STREAMS + 1)) == (1008, reason)
    assert refusal(b"\x03\x00" * MAX_STREAMS, b"\x03") == (1008, reason)
