"""A stream of bytes to the frame reader: it fails in one way only, wherever the stream is cut it
reads the same, and it never holds much more than a message of the largest size.

The first byte of an input chooses limits and whether messages may come compressed, the second where
the stream is cut.
"""

import gc
import sys
import tracemalloc
import types

from piehub.wire import frames
from piehub.wire.frames import BINARY, MAX_CONTROL_BYTES
from tests.support.cuts import agree, byte_by_byte, read

LIMITS = ((1000, 100), (70_000, 1024), (20, 4), (0, 1))
CODES = {1002, 1007, 1008, 1009}
A_BIT = 1500  # for the objects of a message under way, and a control frame between
OF_ZLIB = 60_000  # while it inflates a message


def check(data):
    if len(data) < 2:
        return
    flags, cut, stream = data[0], data[1], data[2:]
    most_bytes, most_fragments = LIMITS[flags >> 1 & 3]
    options = {
        "most_bytes": most_bytes,
        "most_fragments": most_fragments,
        "inflates": bool(flags & 1),
    }

    def holds_little(reader):
        # What grows byte by byte has an eighth more than it needs.
        assert held(reader) <= most_bytes * 9 // 8 + A_BIT, f"holds {held(reader)} bytes"

    [whole], peak = _traced(lambda: read([stream], **options, then=holds_little))
    came = sum(200 + len(one[1]) for one in whole if not isinstance(one, int))
    assert peak <= came + 3 * most_bytes + 4 * len(stream) + OF_ZLIB, f"took {peak} bytes"
    _is_well(whole, most_bytes)
    middle = cut * len(stream) // 255
    in_two = read([stream[:middle], stream[middle:]], **options, then=holds_little)
    in_bytes = read(byte_by_byte(stream), **options)
    for came in (in_two, in_bytes):
        flat = [one for part in came for one in part]
        assert agree(flat, whole, inflates=options["inflates"]), f"{came}, whole: {whole}"


def _traced(function):
    """What it returns, and the most memory that it had at once."""
    tracemalloc.start()
    try:
        return function(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


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
        zlibs = (getattr(thing, name, b"") for name in ("unconsumed_tail", "unused_data"))
        size += sys.getsizeof(thing) + sum(map(len, zlibs))
        waiting += gc.get_referents(thing)
    return size
