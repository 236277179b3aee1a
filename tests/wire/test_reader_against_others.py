"""Our reader beside wsproto and websockets: the same frames, the same messages, the same end."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piehub.wire.frames import BINARY, FIN, PING, RSV1, TEXT
from tests.support.differences import for_websockets, for_wsproto
from tests.support.readers import Outcome, by_us, by_websockets, by_wsproto
from tests.support.streams import (
    ANYTHING,
    ANYTHING_COMPRESSED,
    MESSAGES,
    Frame,
    chances,
    encode,
    frames_of,
)

pytestmark = pytest.mark.no_cover  # which would take three times as long

few = settings(max_examples=1 + settings.default.max_examples // 10)


def ends_alike(outcome, others):
    return (outcome.messages, outcome.code) == (others.messages, others.code)


@pytest.mark.parametrize(
    ("steps", "inflates"),
    [(ANYTHING, False), (ANYTHING_COMPRESSED, True)],
    ids=["plain", "compressed"],
)
@given(chances)
def test_the_others_read_what_we_read(steps, inflates, chances):
    frames = frames_of(chances, steps)
    for expected, read in ((for_wsproto, by_wsproto), (for_websockets, by_websockets)):
        theirs, outcome = expected(frames, inflates=inflates)
        others = read(encode(theirs), inflates=inflates)
        assert ends_alike(outcome, others), (read, theirs, outcome, others)


@few
@given(chances, st.integers(0, 20))
def test_websockets_refuses_what_is_over_our_limit(chances, most):
    """websockets counts control frames, too, which are no messages; so there are none."""
    frames = [frame for frame in frames_of(chances, MESSAGES) if not frame.is_control]
    frames, outcome = for_websockets(frames, max_message_bytes=most)
    others = by_websockets(encode(frames), max_message_bytes=most)
    assert ends_alike(outcome, others), (frames, outcome, others)


@few
@given(chances, st.integers(0, 20), st.integers(1, 4))
def test_a_limit_does_not_depend_on_the_control_frames_between(chances, most, most_fragments):
    limits = {"max_message_bytes": most, "max_fragments": most_fragments}
    frames = frames_of(chances, MESSAGES)
    data = [frame for frame in frames if not frame.is_control]
    without = by_us([encode(data)], **limits)
    between = by_us([encode(frames)], **limits)
    messages = [message for message in between.messages if message[0] < PING]
    assert (messages, between.code) == (without.messages, without.code)


@few
@given(st.lists(st.integers(1, 6), max_size=4), st.integers(1, 5))
def test_a_message_in_more_frames_than_the_limit_is_refused(counts, most):
    """The others have no such limit."""
    frames = []
    for count in counts:
        frames += [Frame(0 if at else TEXT, b"pie") for at in range(count)]
        frames[-1] = frames[-1]._replace(first=frames[-1].first | FIN)
    over = next((at for at, count in enumerate(counts) if count > most), None)
    messages = [(TEXT, b"pie" * count) for count in counts[:over]]
    outcome = by_us([encode(frames)], max_fragments=most)
    assert (outcome.messages, outcome.code) == (messages, None if over is None else 1008)


def deflated(payload):
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


payloads = st.builds(bytes.__mul__, st.binary(max_size=3), st.integers(0, 20))


@few
@given(payloads, st.integers(0, 20), st.integers(0, 20))
def test_a_compressed_message_over_the_limit_is_refused_by_either_of_its_sizes(payload, most, cut):
    """By what its frames declare, and by what comes out. In one frame websockets does the same; in
    several it holds what one declares against what is left by that which has come out."""
    data = deflated(payload)
    whole = encode([Frame(FIN | RSV1 | BINARY, data)])
    in_two = encode([Frame(RSV1 | BINARY, data[:cut]), Frame(FIN, data[cut:])])
    is_over = max(len(data), len(payload)) > most
    expected = Outcome([], 1009) if is_over else Outcome([(BINARY, payload)])
    assert ends_alike(by_us([whole], inflates=True, max_message_bytes=most), expected)
    assert ends_alike(by_us([in_two], inflates=True, max_message_bytes=most), expected)
    assert ends_alike(by_websockets(whole, inflates=True, max_message_bytes=most), expected)


@pytest.mark.parametrize("first", [TEXT, BINARY, FIN | TEXT, FIN | BINARY])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 255, 256, 65535, 65536, 70000])
def test_a_length_is_read_alike_in_each_of_its_forms(size, first):
    frames = [Frame(first, b"x" * size, b"\x37\xfa\x21\x3d")]
    if not first & FIN:
        frames.append(Frame(FIN, b""))
    stream = encode(frames)
    read = Outcome([(first & 15, b"x" * size)])
    assert by_us([stream]) == by_wsproto(stream) == by_websockets(stream) == read


@pytest.mark.parametrize("first", [FIN | TEXT, BINARY])
@pytest.mark.parametrize(("size", "width"), [(0, 2), (125, 2), (0, 8), (126, 8), (65535, 8)])
def test_a_length_in_a_longer_form_than_it_needs_is_refused_by_wsproto_too(size, width, first):
    """websockets reads it."""
    stream = encode([Frame(first, b"x" * size, width=width), Frame(FIN, b"")])
    assert ends_alike(by_us([stream]), Outcome([], 1002))
    assert ends_alike(by_wsproto(stream), Outcome([], 1002))


@pytest.mark.parametrize("cut", range(9))
def test_of_a_message_in_two_streams_the_others_leave_the_second_unread(cut):
    one = zlib.compressobj(wbits=-15)
    data = (one.compress(b"pie") + one.flush()) + deflated(b"cake")
    stream = encode([Frame(RSV1 | TEXT, data[:cut]), Frame(FIN, data[cut:])])
    assert by_us([stream], inflates=True) == Outcome([(TEXT, b"piecake")])
    assert by_wsproto(stream, inflates=True) == Outcome([(TEXT, b"pie")])
    assert by_websockets(stream, inflates=True) == Outcome([(TEXT, b"pie")])
