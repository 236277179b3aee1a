import pytest

from piehub.wire.frames import BINARY, CLOSE, PING, TEXT, WireError
from piehub.wire.reader import Reader

HELLO = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
START = b"\x01\x83\x00\x00\x00\x00Hel"
GO_ON = b"\x00\x81\x00\x00\x00\x00l"
END = b"\x80\x81\x00\x00\x00\x00o"

RESERVED = (1002, "reserved bit set without an extension")
CONTROL_IN_FRAGMENTS = (1002, "control frame in fragments")
CONTROL_TOO_LONG = (1002, "control frame over 125 bytes")
NOT_MASKED = (1002, "a client's frames must be masked")
NOT_SHORTEST = (1002, "length not in its shortest form")
NO_MESSAGE = (1002, "continuation without a message")
NOT_ENDED = (1002, "new message before the last one ended")

# The bytes up to the one that breaks the protocol, and what the peer is told.
REFUSED = {
    "first reserved bit": (b"\xc1", RESERVED),
    "second reserved bit": (b"\xa1", RESERVED),
    "third reserved bit": (b"\x91", RESERVED),
    "reserved bit in a ping": (b"\xc9", RESERVED),
    "reserved bit in a continuation": (START + b"\xc0", RESERVED),
    "opcode 3": (b"\x83", (1002, "unknown opcode 3")),
    "opcode 4": (b"\x84", (1002, "unknown opcode 4")),
    "opcode 5": (b"\x85", (1002, "unknown opcode 5")),
    "opcode 6": (b"\x86", (1002, "unknown opcode 6")),
    "opcode 7": (b"\x87", (1002, "unknown opcode 7")),
    "opcode 11": (b"\x8b", (1002, "unknown opcode 11")),
    "opcode 12": (b"\x8c", (1002, "unknown opcode 12")),
    "opcode 13": (b"\x8d", (1002, "unknown opcode 13")),
    "opcode 14": (b"\x8e", (1002, "unknown opcode 14")),
    "opcode 15": (b"\x8f", (1002, "unknown opcode 15")),
    "unknown opcode in a message": (START + b"\x83", (1002, "unknown opcode 3")),
    "close in fragments": (b"\x08", CONTROL_IN_FRAGMENTS),
    "ping in fragments": (b"\x09", CONTROL_IN_FRAGMENTS),
    "pong in fragments": (b"\x0a", CONTROL_IN_FRAGMENTS),
    "continuation first": (b"\x80", NO_MESSAGE),
    "continuation that is not the last, first": (b"\x00", NO_MESSAGE),
    "continuation after the end": (START + END + b"\x80", NO_MESSAGE),
    "continuation after a whole message": (HELLO + b"\x80", NO_MESSAGE),
    "text in a message": (START + b"\x81", NOT_ENDED),
    "whole text in a message": (START + HELLO, NOT_ENDED),
    "binary in a message": (START + b"\x82", NOT_ENDED),
    "start in a message": (START + GO_ON + b"\x01", NOT_ENDED),
    "text of the RFC, not masked": (b"\x81\x05", NOT_MASKED),
    "long text, not masked": (b"\x81\x7e", NOT_MASKED),
    "ping of the RFC, not masked": (b"\x89\x05", NOT_MASKED),
    "empty binary, not masked": (b"\x82\x00", NOT_MASKED),
    "continuation, not masked": (START + b"\x80\x02", NOT_MASKED),
    "close over 125 bytes": (b"\x88\xfe", CONTROL_TOO_LONG),
    "ping over 125 bytes": (b"\x89\xfe", CONTROL_TOO_LONG),
    "pong over 65535 bytes": (b"\x8a\xff", CONTROL_TOO_LONG),
    "0 in 16 bits": (b"\x81\xfe\x00\x00\x00\x00\x00\x00", NOT_SHORTEST),
    "125 in 16 bits": (b"\x82\xfe\x00\x7d\x00\x00\x00\x00", NOT_SHORTEST),
    "125 in 64 bits": (b"\x82\xff\x00\x00\x00\x00\x00\x00\x00\x7d\x00\x00\x00\x00", NOT_SHORTEST),
    "65535 in 64 bits": (b"\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00", NOT_SHORTEST),
    "64 bits, top bit": (b"\x82\xff\x80\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00", NOT_SHORTEST),
    "64 bits, all set": (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", NOT_SHORTEST),
    "half a close code": (
        b"\x88\x81\x00\x00\x00\x00\x03",
        (1002, "close frame with half a code"),
    ),
    "close code 1005": (
        b"\x88\x82\x00\x00\x00\x00\x03\xed",
        (1002, "close code 1005 must not be sent"),
    ),
    "close reason not UTF-8": (
        b"\x88\x83\x00\x00\x00\x00\x03\xe8\xff",
        (1007, "close reason is not UTF-8"),
    ),
}

refused = pytest.mark.parametrize(("stream", "error"), REFUSED.values(), ids=REFUSED.keys())


def outcome(*chunks, max_message_bytes=1000, max_fragments=10):
    reader = Reader(max_message_bytes=max_message_bytes, max_fragments=max_fragments)

    def messages_and_errors():
        for chunk in chunks:
            try:
                yield from reader.feed(chunk)
            except WireError as error:
                yield error.code, error.reason

    return list(messages_and_errors())


@refused
def test_a_stream_is_refused_at_the_byte_that_breaks_the_protocol(stream, error):
    assert outcome(stream)[-1] == error


@refused
def test_a_stream_is_refused_alike_however_it_is_cut(stream, error):
    whole = outcome(stream)
    for at in range(len(stream) + 1):
        assert outcome(stream[:at], stream[at:]) == whole, f"cut at {at}"
    assert outcome(*[stream[at : at + 1] for at in range(len(stream))]) == whole


@refused
def test_what_came_before_an_error_is_yielded_first_and_nothing_is_read_after(stream, error):
    ping = b"\x89\x80\x00\x00\x00\x00"
    came = outcome(HELLO + ping + stream + HELLO, HELLO, stream)
    assert came[:2] == [(TEXT, b"Hello"), (PING, b"")]
    assert came[2:] == outcome(stream)
    assert came[-1] == error


@pytest.mark.parametrize("size", [0, 1, 125])
def test_a_whole_text_with_its_length_not_in_the_shortest_form_is_refused(size):
    text = b"\x81\xfe" + size.to_bytes(2, "big") + b"\x00\x00\x00\x00" + b"x" * size
    assert outcome(HELLO + text + HELLO) == [(TEXT, b"Hello"), NOT_SHORTEST]


@pytest.mark.parametrize("length", [b"\x7e\x00\x7e", b"\x7f\x00\x00\x00\x00\x00\x01\x00\x00"])
def test_a_whole_text_of_any_length_that_is_not_masked_is_refused(length):
    assert outcome(HELLO + b"\x81" + length + b"x" * 70_000) == [(TEXT, b"Hello"), NOT_MASKED]


def test_a_message_may_be_as_large_as_the_limit():
    stream = b"\x81\x85\x00\x00\x00\x00Hello"
    assert outcome(stream, stream, max_message_bytes=5) == [(TEXT, b"Hello"), (TEXT, b"Hello")]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"\x81\x8b\x00\x00\x00\x00", id="text"),
        pytest.param(b"\x01\x8b\x00\x00\x00\x00", id="first fragment"),
        pytest.param(b"\x82\xfe\x00\x7e\x00\x00\x00\x00", id="16 bits"),
        pytest.param(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", id="63 bits"),
    ],
)
def test_a_message_over_the_limit_is_refused_before_its_payload_arrives(header):
    assert outcome(header, max_message_bytes=10) == [(1009, "message over 10 bytes")]


def test_a_whole_text_over_the_limit_is_refused():
    assert outcome(HELLO, max_message_bytes=4) == [(1009, "message over 4 bytes")]


def test_a_whole_text_with_a_16_bit_length_over_the_limit_is_refused():
    text = b"\x81\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126
    assert outcome(text, max_message_bytes=126) == [(TEXT, b"x" * 126)]
    assert outcome(text, max_message_bytes=125) == [(1009, "message over 125 bytes")]


def test_the_limit_counts_over_all_fragments():
    assert outcome(START + GO_ON + END, max_message_bytes=5) == [(TEXT, b"Hello")]
    assert outcome(START + GO_ON + END[:6], max_message_bytes=4) == [(1009, "message over 4 bytes")]


def test_the_limit_counts_each_message_alone():
    stream = START + GO_ON + END
    assert outcome(stream + stream, max_message_bytes=5) == [(TEXT, b"Hello")] * 2


def test_a_limit_of_zero_lets_empty_messages_pass():
    empty = b"\x82\x80\x00\x00\x00\x00"
    assert outcome(empty + HELLO, max_message_bytes=0) == [
        (BINARY, b""),
        (1009, "message over 0 bytes"),
    ]


def test_control_frames_do_not_count_towards_the_limits():
    ping = b"\x89\x85\x00\x00\x00\x00still"
    close = b"\x88\x85\x00\x00\x00\x00\x03\xe8bye"
    assert outcome(START + ping + END + close, max_message_bytes=4, max_fragments=2) == [
        (PING, b"still"),
        (TEXT, b"Helo"),
        (CLOSE, b"\x03\xe8bye"),
    ]


def test_a_message_may_have_as_many_fragments_as_the_limit():
    stream = START + GO_ON + END
    assert outcome(stream + stream, max_fragments=3) == [(TEXT, b"Hello")] * 2


def test_a_message_in_more_fragments_than_the_limit_is_refused():
    assert outcome(START + GO_ON + END[:6], max_fragments=2) == [
        (1008, "message in over 2 fragments")
    ]


def test_empty_fragments_count_too():
    nothing = b"\x00\x80\x00\x00\x00\x00"
    assert outcome(START + nothing * 3, max_fragments=3) == [(1008, "message in over 3 fragments")]


def test_1024_fragments_are_let_through_unless_told_otherwise():
    reader = Reader(max_message_bytes=10_000)
    assert list(reader.feed(START + GO_ON * 1022 + END)) == [(TEXT, b"Hel" + b"l" * 1022 + b"o")]
    with pytest.raises(WireError, match="message in over 1024 fragments"):
        list(reader.feed(START + GO_ON * 1024))


def test_a_message_that_is_not_finished_does_not_come_out_before_an_error():
    assert outcome(START + GO_ON + b"\xff") == [RESERVED]
