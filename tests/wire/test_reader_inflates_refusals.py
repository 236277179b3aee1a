import tracemalloc
import zlib

import pytest

from piehub.wire.frames import BINARY, TEXT, WireError
from piehub.wire.reader import Reader

KEY = b"\x37\xfa\x21\x3d"
HELLO = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"

WITHOUT = (1002, "reserved bit set without an extension")
MISPLACED = (1002, "reserved bit set where it may not be")
NOT_ENDED = (1002, "new message before the last one ended")


def masked(header, payload=b""):
    return header + KEY + bytes(byte ^ KEY[at % 4] for at, byte in enumerate(payload))


def frame(first, payload):
    size = len(payload)
    if size < 126:
        return masked(bytes([first, 0x80 | size]), payload)
    return masked(bytes([first, 0xFE]) + size.to_bytes(2, "big"), payload)


def deflated(data):
    stream = zlib.compressobj(wbits=-15)
    return (stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def outcome(*chunks, max_message_bytes=1000, max_fragments=10, inflates=True):
    reader = Reader(
        max_message_bytes=max_message_bytes, max_fragments=max_fragments, inflates=inflates
    )

    def messages_and_errors():
        for chunk in chunks:
            try:
                yield from reader.feed(chunk)
            except WireError as error:
                yield error.code, error.reason

    return list(messages_and_errors())


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        pytest.param(b"\xa1", MISPLACED, id="second reserved bit"),
        pytest.param(b"\x91", MISPLACED, id="third reserved bit"),
        pytest.param(b"\xe1", MISPLACED, id="first and second reserved bit"),
        pytest.param(b"\xd2", MISPLACED, id="first and third reserved bit"),
        pytest.param(b"\xc8", MISPLACED, id="compressed close"),
        pytest.param(b"\xc9", MISPLACED, id="compressed ping"),
        pytest.param(b"\xca", MISPLACED, id="compressed pong"),
        pytest.param(b"\xc3", MISPLACED, id="compressed opcode 3"),
        pytest.param(b"\xc0", MISPLACED, id="compressed continuation of nothing"),
        pytest.param(
            masked(b"\x41\x81", b"\xf2") + b"\xc0", MISPLACED, id="bit in a continuation too"
        ),
        pytest.param(
            masked(b"\x01\x81", b"H") + b"\xc0", MISPLACED, id="bit in a plain one's continuation"
        ),
        pytest.param(
            masked(b"\x41\x81", b"\xf2") + b"\xc1", NOT_ENDED, id="compressed text in a message"
        ),
        pytest.param(
            masked(b"\x01\x81", b"H") + b"\xc2", NOT_ENDED, id="compressed binary in a message"
        ),
    ],
)
def test_a_reserved_bit_is_refused_where_it_may_not_be(stream, error):
    for at in range(len(stream) + 1):
        assert outcome(HELLO + stream[:at], stream[at:] + HELLO) == [(TEXT, b"Hello"), error]


@pytest.mark.parametrize("first", [b"\xc1", b"\xc2", b"\x41", b"\xc0", b"\xc9"])
def test_nothing_compressed_is_taken_unless_it_was_agreed_on(first):
    assert outcome(first, inflates=False) == [WITHOUT]
    with pytest.raises(WireError, match=WITHOUT[1]):
        list(Reader(max_message_bytes=10).feed(first))


@pytest.mark.parametrize("size", [1000, 1001])
def test_the_limit_applies_to_what_comes_out(size):
    came = outcome(frame(0xC1, deflated(b"x" * size)), max_message_bytes=1000)
    assert came == [[(TEXT, b"x" * 1000)], [(1009, "message over 1000 bytes")]][size - 1000]


def test_the_limit_counts_each_compressed_message_alone():
    stream = frame(0xC1, deflated(b"x" * 1000))
    assert outcome(stream + stream, max_message_bytes=1000) == [(TEXT, b"x" * 1000)] * 2


def test_the_limit_counts_over_all_fragments_of_what_comes_out():
    data = deflated(b"x" * 600 + bytes(range(256)) + b"y" * 600)
    start = frame(0x42, data[:-8])
    assert outcome(start, max_message_bytes=1000) == []
    assert outcome(start + frame(0x80, data[-8:]), max_message_bytes=1000) == [
        (1009, "message over 1000 bytes")
    ]


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"\xc1\x8b\x00\x00\x00\x00", id="one frame"),
        pytest.param(masked(b"\x41\x82", b"\xf2\x48") + b"\x80\x89\x00\x00\x00\x00", id="two"),
    ],
)
def test_a_compressed_message_over_the_limit_is_refused_before_it_arrives(stream):
    assert outcome(stream, max_message_bytes=10) == [(1009, "message over 10 bytes")]


def test_compressed_fragments_are_counted():
    stream = masked(b"\x41\x80") + masked(b"\x00\x80") * 9
    assert outcome(stream) == []
    assert outcome(stream + masked(b"\x80\x80")) == [(1008, "message in over 10 fragments")]


@pytest.mark.parametrize("piece", [60_000, 500])
def test_a_bomb_is_refused_before_it_grows(piece):
    bomb = frame(0xC1, deflated(bytes(50_000_000)))
    chunks = [bomb[at : at + piece] for at in range(0, len(bomb), piece)]
    tracemalloc.start()
    try:
        came = outcome(*chunks, max_message_bytes=100_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert came == [(1009, "message over 100000 bytes")]
    assert peak < 700_000


def test_nothing_is_read_after_a_bomb():
    bomb = frame(0xC1, deflated(bytes(2000)))
    assert outcome(HELLO + bomb + HELLO, HELLO, bomb) == [
        (TEXT, b"Hello"),
        (1009, "message over 1000 bytes"),
    ]


def test_corrupt_data_fails_in_the_first_fragment():
    [(code, reason)] = outcome(masked(b"\x41\x81", b"\x07"))
    assert code == 1007
    assert reason.startswith("compressed data is corrupt: ")


def test_data_that_is_cut_off_fails_with_its_last_frame():
    assert outcome(masked(b"\x41\x83", b"\xf2\x48\xcd")) == []
    [(code, _)] = outcome(masked(b"\x41\x83", b"\xf2\x48\xcd"), masked(b"\x80\x80"), HELLO)
    assert code == 1007


@pytest.mark.parametrize("cut_off", [b"\x7b\x3b\x7f", b"\xfb\xd2\xbf\x7f"])
def test_data_that_is_cut_off_is_not_completed_by_what_ends_it_here(cut_off):
    stream = frame(0xC2, cut_off)
    assert outcome(stream) == [(1007, "compressed data is cut off")]
    assert outcome(stream[:-2], stream[-2:]) == [(1007, "compressed data is cut off")]


def test_a_compressed_text_that_is_not_utf8_is_refused():
    assert outcome(frame(0xC1, deflated(b"pie\xff"))) == [
        (1007, "text is not UTF-8: invalid start byte")
    ]


def test_a_bad_byte_fails_before_a_compressed_text_ends():
    stored = b"\x00\x0a\x00\xf5\xffpie\xff"  # of ten bytes, four are there
    assert outcome(masked(b"\x41\x89", stored)) == [(1007, "text is not UTF-8: invalid start byte")]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_compressed_text_that_ends_within_a_character_is_refused(size):
    [(code, _)] = outcome(frame(0xC1, deflated("🥧".encode()[:size])))
    assert code == 1007


def test_what_comes_out_last_is_checked_and_kept_too():
    takes_the_tail = b"\x01\x04\x00\xfb\xff"  # the 00 00 ff ff that ends a message
    assert outcome(masked(b"\xc2\x85", takes_the_tail)) == [(BINARY, b"\x00\x00\xff\xff")]
    assert outcome(masked(b"\xc1\x85", takes_the_tail)) == [
        (1007, "text is not UTF-8: invalid start byte")
    ]
