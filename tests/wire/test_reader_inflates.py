import gc
import sys
import zlib

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from piehub.wire.frames import BINARY, CLOSE, PING, TEXT, WireError
from piehub.wire.reader import Reader

KEY = b"\x37\xfa\x21\x3d"
HELLO = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
PIE = "Tarte aux pommes — 🥧🥧🥧, tarte aux poires".encode()


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


def outcome(*chunks, max_message_bytes=1000, max_fragments=10):
    reader = Reader(max_message_bytes=max_message_bytes, max_fragments=max_fragments, inflates=True)

    def messages_and_errors():
        for chunk in chunks:
            try:
                yield from reader.feed(chunk)
            except WireError as error:
                yield error.code, error.reason

    return list(messages_and_errors())


def byte_by_byte(stream):
    return [stream[at : at + 1] for at in range(len(stream))]


STREAM = b"".join(
    [
        HELLO,
        masked(b"\xc1\x87", b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
        masked(b"\x41\x83", b"\xf2\x48\xcd"),
        masked(b"\x89\x82", b"hi"),
        masked(b"\x00\x80"),
        masked(b"\x80\x84", b"\xc9\xc9\x07\x00"),
        masked(b"\x01\x83", b"Hel"),
        masked(b"\x80\x82", b"lo"),
        masked(b"\xc2\x88", b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
        masked(b"\xc1\x81", b"\x00"),
        frame(0xC1, deflated(PIE)),
        frame(0xC2, deflated(bytes(range(256)))),
        HELLO,
        masked(b"\x88\x82", b"\x03\xe8"),
    ]
)
MESSAGES = [
    (TEXT, b"Hello"),
    (TEXT, b"Hello"),
    (PING, b"hi"),
    (TEXT, b"Hello"),
    (TEXT, b"Hello"),
    (BINARY, b"Hello"),
    (TEXT, b""),
    (TEXT, PIE),
    (BINARY, bytes(range(256))),
    (TEXT, b"Hello"),
    (CLOSE, b"\x03\xe8"),
]


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"\xc1\x87\x00\x00\x00\x00\xf2\x48\xcd\xc9\xc9\x07\x00", id="one frame"),
        pytest.param(
            b"\x41\x83\x00\x00\x00\x00\xf2\x48\xcd\x80\x84\x00\x00\x00\x00\xc9\xc9\x07\x00",
            id="two frames",
        ),
        pytest.param(b"\xc1\x8b\x00\x00\x00\x00\x00\x05\x00\xfa\xffHello\x00", id="stored"),
        pytest.param(b"\xc1\x88\x00\x00\x00\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00", id="final block"),
        pytest.param(
            b"\xc1\x8d\x00\x00\x00\x00\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
            id="two blocks",
        ),
    ],
)
def test_a_hello_of_the_rfc_is_inflated(stream):
    assert outcome(stream) == [(TEXT, b"Hello")]


def test_plain_and_compressed_messages_come_out_in_order():
    assert outcome(STREAM) == MESSAGES


def test_a_stream_cut_in_two_anywhere_gives_the_same_messages():
    for at in range(len(STREAM) + 1):
        assert outcome(STREAM[:at], STREAM[at:]) == MESSAGES, f"cut at {at}"


def test_a_stream_byte_by_byte_gives_the_same_messages():
    assert outcome(*byte_by_byte(STREAM)) == MESSAGES


def test_a_message_in_three_fragments_cut_anywhere_is_the_same():
    data = deflated(PIE)
    for one in range(len(data) + 1):
        for two in range(one, len(data) + 1):
            stream = (
                frame(0x41, data[:one])
                + frame(0x89, b"now")
                + frame(0x00, data[one:two])
                + frame(0x80, data[two:])
            )
            assert outcome(stream) == [(PING, b"now"), (TEXT, PIE)], f"{one}, {two}"


def test_a_fragmented_message_cut_in_three_anywhere_is_the_same():
    data = deflated("é🥧".encode() * 9)
    stream = frame(0x41, data[:7]) + frame(0x80, data[7:])
    for one in range(len(stream) + 1):
        for two in range(one, len(stream) + 1):
            messages = outcome(stream[:one], stream[one:two], stream[two:])
            assert messages == [(TEXT, "é🥧".encode() * 9)], f"{one}, {two}"


@pytest.mark.parametrize("takeover", [False, True])
@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("fragment", [1_000_000, 1000, 7])
def test_what_the_websockets_library_compresses_is_inflated(takeover, bits, fragment):
    payload = (PIE + b'{"type":"Data"}') * 300
    peer = PerMessageDeflate(False, not takeover, 15, bits)
    cuts = range(0, len(payload), fragment)
    stream = b""
    for at in cuts:
        opcode = Opcode.CONT if at else Opcode.TEXT
        part = Frame(opcode, payload[at : at + fragment], fin=at == cuts[-1])
        sent = peer.encode(part)
        stream += frame(sent.fin << 7 | sent.rsv1 << 6 | sent.opcode, bytes(sent.data))
    messages = outcome(stream, max_message_bytes=100_000, max_fragments=10_000)
    assert messages == [(TEXT, payload)]


def test_each_message_starts_with_no_context():
    again = masked(b"\xc1\x85", b"\xf2\x00\x11\x00\x00")  # RFC 7692 section 7.2.3.2
    [hello, (code, reason)] = outcome(masked(b"\xc1\x87", b"\xf2\x48\xcd\xc9\xc9\x07\x00"), again)
    assert hello == (TEXT, b"Hello")
    assert code == 1007
    assert reason.startswith("compressed data is corrupt: ")


def test_a_reader_keeps_nothing_of_the_messages_it_has_inflated():
    reader = Reader(max_message_bytes=1000, inflates=True)
    idle = gc.get_referents(reader)
    for byte in byte_by_byte(STREAM[:-8]):
        list(reader.feed(byte))
    assert gc.get_referents(reader) == idle


def test_a_compressed_binary_message_need_not_be_utf8():
    assert outcome(frame(0xC2, deflated(b"\xff\xfe"))) == [(BINARY, b"\xff\xfe")]


def test_a_reader_that_is_to_forget_keeps_nothing_and_reads_nothing_more():
    reader = Reader(max_message_bytes=1000)
    list(reader.feed(frame(0x01, PIE) + frame(0x80, PIE)[:-1]))
    message = reader.message
    reader.forget()
    assert sys.getrefcount(message) == 2  # ours, and the call's
    assert list(reader.feed(frame(0x81, PIE))) == []


def test_a_message_under_way_says_what_it_takes_and_one_that_is_whole_nothing():
    reader = Reader(max_message_bytes=1000, inflates=True)
    assert reader.message is None
    plain, compressed = frame(0x01, PIE), frame(0x41, deflated(PIE))
    list(reader.feed(plain))
    assert reader.message.held == len(PIE)
    list(reader.feed(frame(0x80, b"")))
    assert reader.message is None
    list(reader.feed(compressed[:-10]))
    assert 40_000 < reader.message.held < 41_000
