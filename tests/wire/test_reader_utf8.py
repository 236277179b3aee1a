import pytest

from piehub.wire.frames import BINARY, PING, TEXT, WireError
from piehub.wire.reader import Reader

KEY = b"\x37\xfa\x21\x3d"
KOSME = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"  # the example of many test suites
PIE = b"\xf0\x9f\xa5\xa7"

# The bytes up to the one that cannot be UTF-8.
BAD = {
    "continuation byte first": b"pie\x80",
    "never in UTF-8": b"pie\xff",
    "overlong in two bytes": b"pie\xc0",
    "overlong in three bytes": b"pie\xe0\x80",
    "overlong in four bytes": b"pie\xf0\x80",
    "surrogate": b"pie\xed\xa0",
    "after U+10FFFF": b"pie\xf4\x90",
    "far after U+10FFFF": b"pie\xf5",
    "second of two bytes missing": b"pie\xc3(",
    "third of three bytes missing": b"pie\xe2\x82(",
    "fourth of four bytes missing": b"pie\xf0\x9f\xa5(",
}

bad = pytest.mark.parametrize("payload", BAD.values(), ids=BAD.keys())


def masked(header, payload=b""):
    return header + KEY + bytes(byte ^ KEY[at % 4] for at, byte in enumerate(payload))


def outcome(*chunks):
    reader = Reader(max_message_bytes=1000)

    def messages_and_errors():
        for chunk in chunks:
            try:
                yield from reader.feed(chunk)
            except WireError as error:
                yield error.code

    return list(messages_and_errors())


def byte_by_byte(stream):
    return [stream[at : at + 1] for at in range(len(stream))]


@bad
def test_a_text_that_is_not_utf8_is_refused(payload):
    assert outcome(masked(bytes([0x81, 0x80 | len(payload)]), payload)) == [1007]


@bad
def test_a_bad_byte_fails_in_the_first_fragment(payload):
    assert outcome(masked(bytes([0x01, 0x80 | len(payload)]), payload)) == [1007]


@bad
def test_a_bad_byte_fails_in_the_middle_of_one_unfinished_frame(payload):
    assert outcome(masked(b"\x81\xe4", payload)) == [1007]


@bad
def test_a_bad_byte_fails_when_it_comes_alone(payload):
    stream = masked(b"\x81\xe4", payload)
    assert outcome(stream[:-1]) == []
    assert outcome(*byte_by_byte(stream)) == [1007]


@bad
def test_a_bad_byte_fails_in_a_continuation(payload):
    start = masked(b"\x01\x85", payload[:1] + b"\xf0\x9f\xa5\xa7")
    assert outcome(start + masked(b"\x00\xe4", payload)) == [1007]


@pytest.mark.parametrize("payload", [b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb0\x80"])
def test_a_surrogate_is_refused_however_it_is_cut(payload):
    stream = masked(bytes([0x81, 0x80 | len(payload)]), payload)
    for at in range(len(stream) + 1):
        assert 1007 in outcome(stream[:at], stream[at:]), f"cut at {at}"
    assert outcome(*byte_by_byte(stream)) == [1007]


def test_the_error_says_what_is_wrong():
    with pytest.raises(WireError, match=r"^text is not UTF-8: invalid start byte$"):
        list(Reader(max_message_bytes=10).feed(b"\x81\x81\x00\x00\x00\x00\xff"))


def test_nothing_is_read_after_a_text_that_is_not_utf8():
    hello = masked(b"\x81\x85", b"Hello")
    bad_text = b"\x81\x81\x00\x00\x00\x00\xff"
    assert outcome(hello + bad_text + hello, hello, bad_text) == [(TEXT, b"Hello"), 1007]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_text_that_ends_within_a_character_is_refused(size):
    stream = masked(bytes([0x81, 0x80 | size]), PIE[:size])
    assert outcome(stream) == [1007]
    assert outcome(*byte_by_byte(stream)) == [1007]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_last_fragment_that_ends_within_a_character_is_refused(size):
    start = masked(b"\x01\x83", b"pie")
    assert outcome(start + masked(bytes([0x80, 0x80 | size]), PIE[:size])) == [1007]


def test_an_empty_last_fragment_does_not_complete_a_character():
    assert outcome(masked(b"\x01\x82", PIE[:2])) == []
    assert outcome(masked(b"\x01\x82", PIE[:2]) + masked(b"\x80\x80")) == [1007]


@pytest.mark.parametrize("at", range(len(KOSME) + 1))
def test_a_character_may_be_split_over_two_fragments(at):
    stream = masked(bytes([0x01, 0x80 | at]), KOSME[:at]) + masked(
        bytes([0x80, 0x80 | len(KOSME) - at]), KOSME[at:]
    )
    assert outcome(stream) == [(TEXT, KOSME)]
    assert outcome(*byte_by_byte(stream)) == [(TEXT, KOSME)]


def test_a_character_may_be_split_over_four_fragments_with_pings_between():
    ping = masked(b"\x89\x81", b"\xff")
    stream = ping.join(
        [
            masked(b"\x01\x81", b"\xf0"),
            masked(b"\x00\x81", b"\x9f"),
            masked(b"\x00\x81", b"\xa5"),
            masked(b"\x80\x81", b"\xa7"),
        ]
    )
    assert outcome(stream) == [(PING, b"\xff")] * 3 + [(TEXT, PIE)]


def test_a_character_may_be_split_over_chunks_of_one_frame():
    stream = masked(b"\x81\x8b", KOSME)
    for at in range(len(stream) + 1):
        assert outcome(stream[:at], stream[at:]) == [(TEXT, KOSME)], f"cut at {at}"


@pytest.mark.parametrize(
    "character",
    [
        b"\x00",
        b"\x7f",
        b"\xc2\x80",
        b"\xed\x9f\xbf",
        b"\xee\x80\x80",
        b"\xef\xbf\xbf",
        b"\xf4\x8f\xbf\xbf",
    ],
)
def test_the_first_and_last_characters_of_each_range_are_valid(character):
    stream = masked(bytes([0x81, 0x80 | len(character)]), character)
    assert outcome(stream) == [(TEXT, character)]
    assert outcome(*byte_by_byte(stream)) == [(TEXT, character)]


def test_a_message_after_a_text_starts_with_no_character_under_way():
    stream = masked(b"\x01\x82", PIE[:2]) + masked(b"\x80\x82", PIE[2:])
    assert outcome(stream + stream) == [(TEXT, PIE), (TEXT, PIE)]


def test_binary_fragments_after_a_text_in_fragments_need_not_be_utf8():
    text = masked(b"\x01\x81", b"a") + masked(b"\x80\x81", b"b")
    binary = masked(b"\x02\x81", b"\xff") + masked(b"\x80\x81", b"\xc3")
    assert outcome(text + binary) == [(TEXT, b"ab"), (BINARY, b"\xff\xc3")]
