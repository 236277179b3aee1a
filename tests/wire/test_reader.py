import gc

import pytest

from piehub.wire import reader as reader_module
from piehub.wire.frames import BINARY, CLOSE, PING, PONG, TEXT
from piehub.wire.mask import xor_mask
from piehub.wire.reader import Reader

KEY = b"\x37\xfa\x21\x3d"
HELLO = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"  # RFC 6455 section 5.7
EMPTY_TEXT = b"\x81\x80\x37\xfa\x21\x3d"


def masked(header, payload=b""):
    return header + KEY + bytes(byte ^ KEY[at % 4] for at, byte in enumerate(payload))


def read(*chunks, max_message_bytes=100_000):
    reader = Reader(max_message_bytes=max_message_bytes)
    return [message for chunk in chunks for message in reader.feed(chunk)]


def byte_by_byte(stream):
    return [stream[at : at + 1] for at in range(len(stream))]


STREAM = b"".join(
    [
        HELLO,
        masked(b"\x89\x80"),
        masked(b"\x01\x83", b"Hel"),
        masked(b"\x89\x85", b"there"),
        masked(b"\x00\x80"),
        masked(b"\x8a\x80"),
        masked(b"\x80\x82", b"lo"),
        EMPTY_TEXT,
        masked(b"\x82\x80"),
        masked(b"\x81\x87", b"\xc3\xa9\xf0\x9f\xa5\xa7!"),
        masked(b"\x82\xfe\x00\x7e", bytes(range(126))),
        masked(b"\x02\x81", b"\xff"),
        masked(b"\x80\x81", b"\x00"),
        masked(b"\x88\x85", b"\x03\xe8bye"),
    ]
)
MESSAGES = [
    (TEXT, b"Hello"),
    (PING, b""),
    (PING, b"there"),
    (PONG, b""),
    (TEXT, b"Hello"),
    (TEXT, b""),
    (BINARY, b""),
    (TEXT, b"\xc3\xa9\xf0\x9f\xa5\xa7!"),
    (BINARY, bytes(range(126))),
    (BINARY, b"\xff\x00"),
    (CLOSE, b"\x03\xe8bye"),
]


def test_nothing_comes_out_of_nothing():
    assert read(b"") == []


def test_the_masked_hello_of_the_rfc_is_a_text():
    assert read(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58") == [(TEXT, b"Hello")]


def test_the_masked_pong_of_the_rfc_is_a_pong():
    assert read(b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58") == [(PONG, b"Hello")]


def test_a_ping_comes_out_with_its_payload():
    assert read(b"\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58") == [(PING, b"Hello")]


def test_a_binary_message_need_not_be_utf8():
    assert read(b"\x82\x83\x01\x02\x04\x08\xfe\xfd\xc4") == [(BINARY, b"\xff\xff\xc0")]


def test_two_fragments_make_one_message():
    assert read(
        b"\x01\x83\x37\xfa\x21\x3d\x7f\x9f\x4d",
        b"\x80\x82\x01\x02\x04\x08\x6d\x6d",
    ) == [(TEXT, b"Hello")]


def test_fragments_of_a_binary_message_make_a_binary_message():
    assert read(masked(b"\x02\x81", b"\xc3"), masked(b"\x80\x81", b"\x28")) == [
        (BINARY, b"\xc3\x28")
    ]


def test_every_message_has_a_mask_of_its_own():
    other = b"\x81\x85\x00\x00\x00\x00Howdy"
    assert read(HELLO + other + HELLO) == [(TEXT, b"Hello"), (TEXT, b"Howdy"), (TEXT, b"Hello")]


def test_a_message_after_a_message_in_fragments_starts_afresh():
    fragments = masked(b"\x01\x81", b"a") + masked(b"\x80\x81", b"b")
    assert read(fragments + fragments + HELLO) == [(TEXT, b"ab"), (TEXT, b"ab"), (TEXT, b"Hello")]


def test_a_ping_between_two_fragments_comes_out_before_the_message():
    assert read(
        masked(b"\x01\x83", b"Hel"), masked(b"\x89\x82", b"hi"), masked(b"\x80\x82", b"lo")
    ) == [(PING, b"hi"), (TEXT, b"Hello")]


@pytest.mark.parametrize(("first", "opcode"), [(b"\x89", PING), (b"\x82", BINARY)])
def test_a_payload_that_looks_like_a_text_is_not_taken_for_one(first, opcode):
    stream = first + b"\x8b\x00\x00\x00\x00" + HELLO
    for at in range(len(stream) + 1):
        assert read(stream[:at], stream[at:]) == [(opcode, HELLO)], f"cut at {at}"


def test_a_ping_that_looks_like_a_text_from_its_second_byte_on_is_not_taken_for_one():
    ping = b"\x89\x81\x80\x00\x00\x00\xa1"  # and an empty text, without the first byte
    for at in range(len(ping) + 1):
        assert read(ping[:at], ping[at:]) == [(PING, b"!")], f"cut at {at}"


def test_two_pings_in_a_row_keep_their_payloads_apart():
    assert read(masked(b"\x89\x81", b"a") + masked(b"\x89\x81", b"b")) == [
        (PING, b"a"),
        (PING, b"b"),
    ]


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        pytest.param(EMPTY_TEXT, (TEXT, b""), id="text"),
        pytest.param(b"\x82\x80\x37\xfa\x21\x3d", (BINARY, b""), id="binary"),
        pytest.param(b"\x89\x80\x37\xfa\x21\x3d", (PING, b""), id="ping"),
        pytest.param(b"\x88\x80\x37\xfa\x21\x3d", (CLOSE, b""), id="close"),
        pytest.param(
            b"\x01\x80\x37\xfa\x21\x3d\x80\x80\x37\xfa\x21\x3d", (TEXT, b""), id="text in fragments"
        ),
    ],
)
def test_an_empty_message_comes_out_when_its_mask_has_come(stream, message):
    assert read(stream[:-1]) == []
    assert read(stream) == [message]


@pytest.mark.parametrize(("first", "opcode"), [(b"\x81", TEXT), (b"\x82", BINARY)])
@pytest.mark.parametrize(
    ("size", "length"),
    [
        (125, b"\xfd"),
        (126, b"\xfe\x00\x7e"),
        (127, b"\xfe\x00\x7f"),
        (256, b"\xfe\x01\x00"),
        (65535, b"\xfe\xff\xff"),
        (65536, b"\xff\x00\x00\x00\x00\x00\x01\x00\x00"),
        (70000, b"\xff\x00\x00\x00\x00\x00\x01\x11\x70"),
    ],
)
def test_a_length_is_read_in_each_of_its_three_forms(first, opcode, size, length):
    payload = b"0123456789" * 7000
    stream = masked(first + length, payload[:size]) + HELLO
    assert read(stream) == [(opcode, payload[:size]), (TEXT, b"Hello")]


@pytest.mark.parametrize("size", [1, 2, 3, 125, 126, 127, 300])
def test_a_text_cut_in_two_anywhere_is_the_same(size):
    payload = b"0123456789" * 30
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    stream = masked(b"\x81" + length, payload[:size])
    for at in range(len(stream) + 1):
        messages = read(HELLO + stream[:at], stream[at:] + HELLO)
        assert messages == [(TEXT, b"Hello"), (TEXT, payload[:size]), (TEXT, b"Hello")], at


def test_a_ping_may_have_125_bytes():
    assert read(masked(b"\x89\xfd", b"p" * 125)) == [(PING, b"p" * 125)]


def test_a_stream_comes_out_in_order():
    assert read(STREAM) == MESSAGES


def test_a_stream_cut_in_two_anywhere_gives_the_same_messages():
    for at in range(len(STREAM) + 1):
        assert read(STREAM[:at], STREAM[at:]) == MESSAGES, f"cut at {at}"


@pytest.mark.parametrize("size", range(1, 18))
def test_a_stream_in_pieces_of_one_size_gives_the_same_messages(size):
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert read(*pieces) == MESSAGES


def test_a_stream_byte_by_byte_gives_the_same_messages():
    assert read(*byte_by_byte(STREAM)) == MESSAGES


def test_a_fragmented_message_cut_in_three_anywhere_is_the_same():
    stream = (
        masked(b"\x01\x87", b"\xc3\xa9tude ")
        + masked(b"\x89\x83", b"now")
        + masked(b"\x80\x84", b"in C")
    )
    for one in range(len(stream) + 1):
        for two in range(one, len(stream) + 1):
            messages = read(stream[:one], stream[one:two], stream[two:])
            assert messages == [(PING, b"now"), (TEXT, b"\xc3\xa9tude in C")], f"{one}, {two}"


def test_a_64_bit_length_may_come_byte_by_byte():
    header = b"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00"
    stream = masked(header, b"pie!" * 16384)
    assert read(*byte_by_byte(stream[:20]), stream[20:]) == [(BINARY, b"pie!" * 16384)]


def test_a_message_comes_out_with_its_last_byte():
    reader = Reader(max_message_bytes=100)
    assert [list(reader.feed(byte)) for byte in byte_by_byte(HELLO)] == [
        *[[]] * 10,
        [(TEXT, b"Hello")],
    ]


def test_nothing_is_read_after_a_close_frame():
    close = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
    assert read(HELLO + close + HELLO, HELLO, b"\xff\xff") == [
        (TEXT, b"Hello"),
        (CLOSE, b"\x03\xe8"),
    ]


def test_a_close_frame_in_the_middle_of_a_message_ends_it():
    close = b"\x88\x82\x00\x00\x00\x00\x03\xe9"
    rest = masked(b"\x80\x82", b"lo")
    assert read(masked(b"\x01\x83", b"Hel") + close + rest, rest) == [(CLOSE, b"\x03\xe9")]


def test_each_reader_reads_a_stream_of_its_own():
    one, two = Reader(max_message_bytes=100), Reader(max_message_bytes=100)
    assert list(one.feed(HELLO[:8])) == []
    assert list(two.feed(HELLO)) == [(TEXT, b"Hello")]
    assert list(one.feed(HELLO[8:])) == [(TEXT, b"Hello")]


def test_a_reader_keeps_nothing_of_the_messages_it_has_read():
    reader = Reader(max_message_bytes=1000)
    idle = gc.get_referents(reader)
    for byte in byte_by_byte(STREAM[:-11]):
        list(reader.feed(byte))
    assert gc.get_referents(reader) == idle


def test_a_stream_gives_the_same_messages_without_speedups(monkeypatch):
    monkeypatch.setattr(reader_module, "apply_mask", xor_mask)
    assert read(STREAM) == MESSAGES
    assert read(*byte_by_byte(STREAM)) == MESSAGES
