"""What waits for one client, without a socket."""

import gevent
import pytest

from piehub.net import outbox as outbox_module
from piehub.net.flusher import Flusher
from piehub.net.greenlet_outbox import GreenletOutbox
from piehub.net.outbox import Outbox


def outbox_with(*frames, limit=100):
    outbox = Outbox(limit, b"last words")
    outbox.frames.extend(frames)
    outbox.size = sum(map(len, frames))
    return outbox


def send(outbox, capacity):
    """What a kernel that takes `capacity` bytes at a time gets."""
    sent = b""
    while outbox.frames:
        taken = bytes(outbox.chunk()[:capacity])
        outbox.taken(len(taken))
        sent += taken
    return sent


@pytest.mark.parametrize("capacity", range(1, 14))
def test_a_kernel_that_takes_a_little_at_a_time_gets_every_byte_in_order(capacity):
    outbox = outbox_with(b"one", b"two", b"three", b"4")
    assert send(outbox, capacity) == b"onetwothree4"
    assert (outbox.size, outbox.sent) == (0, 4)


def test_frames_count_as_sent_once_they_are_whole():
    outbox = outbox_with(b"one", b"two", b"three")
    outbox.taken(5)
    assert (outbox.sent, outbox.size) == (1, 6)
    outbox.taken(1)
    assert (outbox.sent, outbox.size) == (2, 5)


def test_a_long_queue_is_sent_in_chunks(monkeypatch):
    monkeypatch.setattr(outbox_module, "CHUNK", 5)
    outbox = outbox_with(b"one", b"two", b"three", b"4")
    assert outbox.chunk() == b"onetwo"
    assert send(outbox, 4) == b"onetwothree4"


def test_a_frame_alone_is_sent_without_a_copy():
    frame = b"x" * 50
    assert outbox_with(frame).chunk() is frame


class Kernel:
    """A socket's, which takes so many bytes, and then none."""

    def __init__(self, space):
        self._space = space

    def send(self, data):
        if not self._space:
            raise BlockingIOError
        taken = min(len(data), self._space)
        self._space -= taken
        return taken


def test_what_waits_is_too_much_by_its_bytes_however_many_frames_they_are():
    outbox = GreenletOutbox(Flusher(gevent.get_hub().loop), Kernel(20_000), 100_000, b"")
    for _ in range(1001):
        outbox.push(b"x" * 100)
    assert outbox.size == 80_100 < outbox.limit < outbox.held
    assert outbox.is_open
    outbox.release()


def test_an_overflow_drops_what_has_not_begun_and_says_why():
    outbox = outbox_with(b"one", b"two", b"three")
    outbox.overflow()
    assert outbox.overflowed
    assert not outbox.is_open
    assert send(outbox, 100) == b"last words"


@pytest.mark.parametrize(
    ("taken", "rest"), [(1, b"ne"), (3, b""), (4, b"wo"), (6, b""), (8, b"ree"), (0, b"")]
)
def test_an_overflow_ends_the_frame_that_is_half_sent(taken, rest):
    outbox = outbox_with(b"one", b"two", b"three")
    outbox.taken(taken)
    outbox.overflow()
    assert outbox.size == len(rest) + len(b"last words")
    assert send(outbox, 2) == rest + b"last words"


@pytest.mark.parametrize(
    ("steps", "rest"), [([1, 0], b"ne"), ([1, 1], b"e"), ([1, 2], b""), ([1, 3], b"wo")]
)
def test_an_overflow_ends_the_frame_that_was_sent_bit_by_bit(steps, rest):
    outbox = outbox_with(b"one", b"two", b"three")
    for taken in steps:
        outbox.taken(taken)
    outbox.overflow()
    assert send(outbox, 2) == rest + b"last words"


def test_an_abandoned_outbox_holds_nothing():
    outbox = outbox_with(b"one")
    outbox.abandon()
    assert (outbox.frames, outbox.size, outbox.is_open) == ([], 0, False)
