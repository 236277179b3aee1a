import pytest

from piehub.wire import frames
from piehub.wire.frames import BINARY, PING, PONG, TEXT, WireError


def refusal(payload):
    with pytest.raises(WireError) as caught:
        frames.parse_close(payload)
    return caught.value.code, caught.value.reason


@pytest.mark.parametrize(
    ("opcode", "payload", "frame"),
    [
        pytest.param(TEXT, b"Hello", b"\x81\x05\x48\x65\x6c\x6c\x6f", id="text"),
        pytest.param(PING, b"Hello", b"\x89\x05\x48\x65\x6c\x6c\x6f", id="ping"),
        pytest.param(PONG, b"Hello", b"\x8a\x05\x48\x65\x6c\x6c\x6f", id="pong"),
        pytest.param(BINARY, b"\x00\xff", b"\x82\x02\x00\xff", id="binary"),
        pytest.param(TEXT, b"", b"\x81\x00", id="empty"),
    ],
)
def test_a_frame_is_final_and_not_masked(opcode, payload, frame):
    assert frames.encode(opcode, payload) == frame


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, b"\x82\x00"),
        (1, b"\x82\x01"),
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (127, b"\x82\x7e\x00\x7f"),
        (256, b"\x82\x7e\x01\x00"),
        (65535, b"\x82\x7e\xff\xff"),
        (65536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        (70000, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x70"),
    ],
)
def test_a_length_is_written_in_its_shortest_form(size, header):
    assert frames.encode(BINARY, b"x" * size) == header + b"x" * size


def test_a_text_frame_carries_its_utf8_as_it_is():
    assert frames.text(b"\xce\xba\xe1\xbd\xb9") == b"\x81\x05\xce\xba\xe1\xbd\xb9"


def test_a_close_frame_carries_its_code_and_its_reason():
    assert frames.close(1000, "bye") == b"\x88\x05\x03\xe8bye"


def test_a_close_frame_needs_no_reason():
    assert frames.close(4409) == b"\x88\x02\x11\x39"


def test_a_close_reason_is_sent_in_utf8():
    assert frames.close(1008, "né") == b"\x88\x05\x03\xf0n\xc3\xa9"


def test_a_close_reason_that_just_fits_is_whole():
    assert frames.close(1000, "r" * 123) == b"\x88\x7d\x03\xe8" + b"r" * 123


def test_a_close_reason_of_a_byte_too_many_is_cut():
    assert frames.close(1000, "r" * 122 + "st") == b"\x88\x7d\x03\xe8" + b"r" * 122 + b"s"


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        pytest.param("é" * 70, b"\xc3\xa9" * 61, id="two bytes"),
        pytest.param("r" * 121 + "€", b"r" * 121, id="two of three bytes"),
        pytest.param("r" * 122 + "€", b"r" * 122, id="one of three bytes"),
        pytest.param("r" * 120 + "🥧", b"r" * 120, id="three of four bytes"),
        pytest.param("r" * 119 + "🥧🥧", b"r" * 119 + b"\xf0\x9f\xa5\xa7", id="between two"),
    ],
)
def test_a_long_close_reason_is_cut_between_characters(reason, kept):
    assert frames.close(1000, reason) == bytes([0x88, 2 + len(kept)]) + b"\x03\xe8" + kept


def test_an_empty_close_payload_is_no_status():
    assert frames.parse_close(b"") == (1005, "")


def test_a_close_payload_of_two_bytes_is_a_code_without_a_reason():
    assert frames.parse_close(b"\x03\xe8") == (1000, "")


def test_a_close_reason_is_read_as_utf8():
    assert frames.parse_close(b"\x0f\xa0n\xc3\xa9") == (4000, "né")


def test_half_a_close_code_is_refused():
    assert refusal(b"\x03") == (1002, "close frame with half a code")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x00\x00", 0),
        (b"\x03\xe7", 999),
        (b"\x03\xec", 1004),
        (b"\x03\xed", 1005),
        (b"\x03\xee", 1006),
        (b"\x03\xf7", 1015),
        (b"\x0b\xb7", 2999),
        (b"\x13\x88", 5000),
        (b"\xff\xff", 65535),
    ],
)
def test_a_close_code_that_must_not_be_sent_is_refused(payload, code):
    assert refusal(payload) == (1002, f"close code {code} must not be sent")


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param(b"\xff", id="never in UTF-8"),
        pytest.param(b"bye \xc3", id="cut off"),
        pytest.param(b"\xed\xa0\x80", id="a surrogate"),
        pytest.param(b"\xc0\xaf", id="overlong"),
    ],
)
def test_a_close_reason_that_is_not_utf8_is_refused(reason):
    assert refusal(b"\x03\xe8" + reason) == (1007, "close reason is not UTF-8")


def test_a_bad_close_code_weighs_more_than_a_bad_reason():
    assert refusal(b"\x03\xed\xff")[0] == 1002


def test_what_a_close_frame_carries_can_be_read_back():
    assert frames.parse_close(frames.close(1013, "the room is full")[2:]) == (
        1013,
        "the room is full",
    )


def test_a_wire_error_says_the_code_and_the_reason_to_close_with():
    error = WireError(1009, "message over 10 bytes")
    assert (error.code, error.reason, str(error)) == (
        1009,
        "message over 10 bytes",
        "message over 10 bytes",
    )


@pytest.mark.parametrize("size", [0, 125, 126, 127, 65_535, 65_536])
def test_a_text_of_any_size_is_a_frame_like_others(size):
    assert frames.text(b"x" * size) == frames.encode(frames.TEXT, b"x" * size)
