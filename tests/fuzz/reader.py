"""A stream of bytes to the frame reader: it fails in one way only, wherever the stream is cut it
reads the same, and it holds no more than a message of the largest size.

The first byte of an input chooses limits and whether messages may come compressed, the second where
the stream is cut.
"""

import gc
import sys
import types

from piehub.wire import frames
from piehub.wire.frames import BINARY, MAX_CONTROL_BYTES
from tests.support.cuts import agree, byte_by_byte, read

LIMITS = ((1000, 100), (70_000, 1024), (20, 4), (0, 1))
CODES = {1002, 1007, 1008, 1009}
A_BIT = 2000  # for the objects of a message under way and what is left over of a frame's header


def check(data):
    if len(data) < 2:
        return
    most_bytes, most_fragments = LIMITS[data[0] >> 1 & 3]
    inflates = bool(data[0] & 1)
    stream = data[2:]
    cut = data[1] * len(stream) // 255

    def holds_little(reader):
        assert held(reader) <= most_bytes * 9 // 8 + A_BIT, f"holds {held(reader)} bytes"

    def came(chunks, then):
        came = read(
            chunks,
            most_bytes=most_bytes,
            most_fragments=most_fragments,
            inflates=inflates,
            then=then,
        )
        return [one for part in came for one in part]

    whole = came([stream], holds_little)
    _is_well(whole, most_bytes)
    for chunks, then in (
        ([stream[:cut], stream[cut:]], holds_little),
        (byte_by_byte(stream), lambda reader: None),
    ):
        assert agree(came(chunks, then), whole, inflates=inflates), f"{whole} but cut at {cut}"


def _is_well(came, most_bytes):
    for at, one in enumerate(came):
        if isinstance(one, int):
            assert one in CODES
            assert at == len(came) - 1, "something came after the failure"
        else:
            opcode, payload = one
            assert len(payload) <= (most_bytes if opcode <= BINARY else MAX_CONTROL_BYTES)
            if opcode == frames.TEXT:
                payload.decode()
            if opcode == frames.CLOSE:
                frames.parse_close(payload)
                assert at == len(came) - 1, "something came after the close frame"


def held(reader):
    """The bytes of all that it refers to, and of what zlib holds back for it."""
    seen, waiting, size = set(), [reader], 0
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type | types.ModuleType | types.FunctionType):
            continue
        seen.add(id(thing))
        size += sys.getsizeof(thing)
        size += len(getattr(thing, "unconsumed_tail", b"")) + len(
            getattr(thing, "unused_data", b"")
        )
        waiting += gc.get_referents(thing)
    return size
