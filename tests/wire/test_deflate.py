import json
import random
import zlib

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from piehub.wire import deflate as module
from piehub.wire import frames
from piehub.wire.deflate import MIN_BYTES, WINDOW_BITS, deflate, encode, text
from piehub.wire.frames import BINARY, TEXT
from piehub.wire.inflate import Inflater
from piehub.wire.reader import Reader

PIES = b'{"type":"Data","payload":"' + b"pie " * 130 + b'"}'


def some_bytes(size):
    return random.Random(7).randbytes(size)


def some_json(size):
    numbers = random.Random(7)
    players = [
        {"id": f"{numbers.getrandbits(64):x}", "x": numbers.random(), "name": "Ann"}
        for _ in range(size // 40)
    ]
    return json.dumps({"type": "Data", "payload": players}).encode()[:size]


def payload_of(frame):
    """The payload of a server's frame of 126 to 65535 bytes, or of fewer."""
    return frame[4:] if frame[1] == 126 else frame[2:]


def test_the_hello_of_the_rfc_is_deflated_without_its_tail():
    assert deflate(b"Hello") == b"\xf2\x48\xcd\xc9\xc9\x07\x00"


def test_each_payload_is_deflated_with_no_context():
    assert deflate(b"Hello") == deflate(b"Hello")


@pytest.mark.parametrize("size", [0, 1, 511, 512, 4096, 4097, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("make", [some_bytes, some_json, bytes])
def test_what_is_deflated_can_be_inflated(make, size):
    payload = make(size)
    inflater = Inflater(size)
    assert inflater.inflate(deflate(payload)) + inflater.end() == payload


@pytest.mark.parametrize("bits", range(WINDOW_BITS, 16))
@pytest.mark.parametrize("size", [5000, 65_536, 200_000])
def test_a_client_with_a_window_of_12_bits_or_more_can_inflate_it(bits, size):
    payload = some_json(size)
    peer = zlib.decompressobj(-bits)
    deflated = deflate(payload)
    pieces = [deflated[at : at + 100] for at in range(0, len(deflated), 100)]
    assert b"".join(map(peer.decompress, pieces)) == payload


def test_a_client_with_a_window_of_11_bits_could_not_inflate_it():
    payload = some_bytes(3000) * 2
    peer = zlib.decompressobj(-11)
    deflated = deflate(payload)
    assert len(deflated) < 3200
    with pytest.raises(zlib.error, match="invalid distance"):
        [peer.decompress(deflated[at : at + 100]) for at in range(0, len(deflated), 100)]


@pytest.mark.parametrize("bits", range(9, 16))
def test_a_payload_may_be_deflated_for_the_window_of_one_client(bits):
    payload = some_json(65_536)
    peer = zlib.decompressobj(-bits)
    deflated = deflate(payload, bits)
    pieces = [deflated[at : at + 100] for at in range(0, len(deflated), 100)]
    assert b"".join(map(peer.decompress, pieces)) == payload


@pytest.mark.parametrize("bits", range(WINDOW_BITS, 16))
def test_the_websockets_library_decodes_it(bits):
    payload = some_json(60_000)
    peer = PerMessageDeflate(True, True, bits, 15)
    for _ in range(2):
        sent = Frame(Opcode.TEXT, payload_of(text(payload)), rsv1=True)
        assert peer.decode(sent, max_size=60_000).data == payload


def test_a_compressed_frame_is_final_not_masked_and_has_the_first_reserved_bit():
    deflated = deflate(PIES)
    assert text(PIES) == bytes([0xC1, len(deflated)]) + deflated
    assert encode(TEXT, PIES) == text(PIES)
    assert encode(BINARY, PIES) == bytes([0xC2, len(deflated)]) + deflated


def test_a_long_compressed_frame_has_its_length_in_16_bits():
    deflated = deflate(some_json(5000))
    assert text(some_json(5000)) == b"\xc1\x7e" + len(deflated).to_bytes(2, "big") + deflated


def test_a_frame_that_is_sent_back_masked_is_read_as_the_message_it_was():
    frame = text(PIES)
    reader = Reader(max_message_bytes=1000, inflates=True)
    sent_back = frame[:1] + bytes([frame[1] | 0x80]) + b"\x00\x00\x00\x00" + frame[2:]
    assert list(reader.feed(sent_back)) == [(TEXT, PIES)]


def test_a_short_message_stays_plain():
    assert MIN_BYTES == 512
    assert text(b"x" * 511) is None
    assert encode(BINARY, b"") is None
    assert text(b"x" * 512) is not None


def test_a_message_that_would_not_become_smaller_stays_plain():
    assert text(some_bytes(512)) is None
    assert encode(BINARY, some_bytes(65_536)) is None


@pytest.mark.parametrize(("size", "is_plain"), [(511, False), (512, True), (513, True)])
def test_a_message_that_stays_as_long_as_it_was_stays_plain(monkeypatch, size, is_plain):
    monkeypatch.setattr(module, "deflate", lambda payload: b"d" * size)
    assert text(b"x" * 512) == (None if is_plain else frames.encode(0x41, b"d" * 511))


@pytest.mark.parametrize("size", [1000, 4000, 60_000])
def test_json_becomes_less_than_two_thirds_of_what_it_was(size):
    assert len(text(some_json(size))) < size * 2 / 3
