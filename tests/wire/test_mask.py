import importlib
import sys
from types import ModuleType

import pytest

from piehub.wire import mask
from piehub.wire.mask import apply_mask, xor_mask

KEY = b"\x37\xfa\x21\x3d"

either = pytest.mark.parametrize(
    "unmask", [pytest.param(apply_mask, id="apply_mask"), pytest.param(xor_mask, id="xor_mask")]
)


def some_bytes(size):
    return bytes((7 * at + 3) % 256 for at in range(size))


@pytest.fixture(
    params=[
        pytest.param(None, id="not there"),
        pytest.param(ModuleType("websockets.speedups"), id="there but broken"),
    ]
)
def mask_without_speedups(request, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "websockets.speedups", request.param)
        yield importlib.reload(mask)
    importlib.reload(mask)


@either
def test_the_hello_of_the_rfc_is_unmasked(unmask):
    assert unmask(b"\x7f\x9f\x4d\x51\x58", KEY) == b"Hello"


@either
def test_masking_is_its_own_reverse(unmask):
    assert unmask(b"Hello", KEY) == b"\x7f\x9f\x4d\x51\x58"


@either
def test_nothing_masked_is_nothing(unmask):
    assert unmask(b"", KEY) == b""


@either
def test_zeros_at_either_end_are_kept(unmask):
    assert unmask(b"\x37\xfa\x00\x00\x37\xfa", KEY) == b"\x00\x00\x21\x3d\x00\x00"


@either
def test_a_mask_of_zeros_changes_nothing(unmask):
    assert unmask(b"Hello", b"\x00\x00\x00\x00") == b"Hello"


@either
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_unmasked_into_bytes(unmask, kind):
    hello = unmask(kind(b"\x7f\x9f\x4d\x51\x58"), KEY)
    assert hello == b"Hello"
    assert type(hello) is bytes


@pytest.mark.parametrize("size", [*range(70), 125, 126, 127, 1023, 1024, 1025, 65535, 65536])
def test_the_python_and_the_c_agree_at_every_size_and_offset(size):
    data = some_bytes(size + 8)
    for offset in range(9):
        part = memoryview(data)[offset : offset + size]
        key = KEY[offset % 4 :] + KEY[: offset % 4]
        assert xor_mask(part, key) == apply_mask(part, key)


@either
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 31, 64, 1001])
def test_each_byte_meets_the_byte_of_the_mask_at_its_place(unmask, size):
    data = some_bytes(size)
    assert unmask(data, KEY) == bytes(byte ^ KEY[at % 4] for at, byte in enumerate(data))


def test_the_c_is_used_where_it_is_installed():
    speedups = pytest.importorskip("websockets.speedups")
    assert mask.apply_mask is speedups.apply_mask


def test_without_the_c_the_python_takes_its_place(mask_without_speedups):
    assert mask_without_speedups.apply_mask is mask_without_speedups.xor_mask
    assert mask_without_speedups.apply_mask(b"\x7f\x9f\x4d\x51\x58", KEY) == b"Hello"
