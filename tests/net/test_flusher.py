"""One flush a loop turn: each socket gets what it is owed, in order, whatever was said to whom."""

import socket
from contextlib import ExitStack
from types import SimpleNamespace

import gevent
import pytest

from piehub.net.greenlets import Greenlets
from piehub.net.outbox import CHUNK
from tests.support.timing import PATIENCE

BIG_HEADER = b"\x81\x7f" + CHUNK.to_bytes(8, "big")


@pytest.fixture
def runtime():
    return Greenlets()


@pytest.fixture
def audience(runtime):
    with ExitStack() as stack:
        members = []
        for _ in range(3):
            ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
            theirs.settimeout(PATIENCE)
            link = runtime.link(ours, 1_000_000, b"too slow")
            stack.callback(link.release)
            members.append(
                SimpleNamespace(outbox=link.outbox, push=link.push, link=link, theirs=theirs)
            )
        yield tuple(members)


def heard(member, size):
    """Bytes of texts and of single pushes, without the frames' headers."""
    data = b""
    while len(plain(data)) < size:
        data += member.theirs.recv(65_536)
    return plain(data)


def plain(data):
    return data.replace(b"\x81\x01", b"").replace(BIG_HEADER, b"")


def test_what_a_room_is_told_in_one_turn_leaves_each_socket_in_one_send(runtime, audience):
    sends = []
    for member in audience:
        send = member.outbox.send_now
        member.outbox.send_now = lambda data, send=send: sends.append(data) or send(data)
    for frame in (b"1", b"2", b"3"):
        runtime.broadcast(audience, frame)
    assert not sends
    assert [heard(member, 3) for member in audience] == [b"123"] * 3
    assert len(sends) == 3
    assert sends[0] is sends[1] is sends[2]


def test_what_is_said_to_one_keeps_its_place_between_what_all_are_told(runtime, audience):
    runtime.broadcast(audience, b"1")
    audience[1].push(b"-")
    runtime.broadcast(audience, b"2")
    runtime.broadcast(audience, b"3")
    audience[0].push(b"+")
    assert [heard(audience[0], 4), heard(audience[1], 4), heard(audience[2], 3)] == [
        b"123+",
        b"1-23",
        b"123",
    ]


def test_who_comes_or_goes_within_a_turn_hears_its_own_part(runtime, audience):
    fewer = audience[:2]
    runtime.broadcast(audience, b"1")
    runtime.broadcast(fewer, b"2")
    runtime.broadcast(audience, b"3")
    assert [heard(audience[0], 3), heard(audience[1], 3), heard(audience[2], 2)] == [
        b"123",
        b"123",
        b"13",
    ]


def test_a_turn_in_which_much_is_said_does_not_gather_it_all(runtime, audience):
    runtime.broadcast(audience, b"x" * CHUNK)
    assert audience[0].outbox.audience.frames == []
    assert audience[0].outbox.written + audience[0].outbox.size == CHUNK + len(BIG_HEADER)
    runtime.broadcast(audience, b"y")
    assert heard(audience[0], CHUNK + 1) == b"x" * CHUNK + b"y"


def test_who_has_left_for_good_does_not_keep_the_others_waiting(runtime, audience):
    runtime.broadcast(audience, b"1")
    audience[0].link.release()
    runtime.broadcast(audience, b"2")
    assert [heard(member, 2) for member in audience[1:]] == [b"12"] * 2
    assert (audience[0].outbox.frames, audience[0].outbox.audience.frames) == ([], [])


def test_a_last_frame_comes_behind_what_the_room_was_told_and_nothing_after_it(runtime, audience):
    runtime.broadcast(audience, b"1")
    audience[0].link.push_last(b"bye")
    runtime.broadcast(audience, b"2")
    gevent.sleep(0)
    assert heard(audience[0], 4) == b"1bye"
    assert heard(audience[1], 2) == b"12"
    assert audience[0].outbox.sent == 2


def test_nothing_comes_behind_the_words_to_one_for_whom_too_much_waits(runtime, audience):
    """Not even what is said to it while the room's messages are counted among what waits for it."""
    slow = audience[0]
    slow.push(b"x" * 900_000)  # more than a socket takes
    gevent.sleep(0)
    slow.outbox.limit = slow.outbox.size + 100_000
    runtime.broadcast(audience, b"y" * 200_000)
    slow.push(b"answer")
    assert slow.outbox.overflowed
    while not (last := slow.theirs.recv(CHUNK)).endswith((b"too slow", b"answer")):
        pass
    assert last.endswith(b"too slow")


def test_a_fault_with_one_keeps_nothing_back_from_those_behind_it(runtime, audience, caplog):
    runtime.broadcast(audience, b"1")
    audience[0].outbox.limit = None  # a bug of ours
    audience[2].push(b"+")
    assert [heard(audience[1], 1), heard(audience[2], 2)] == [b"1", b"1+"]
    assert audience[0].theirs.recv(1) == b""
    assert "cannot flush an outbox" in caplog.text


def test_who_is_let_go_of_with_the_rooms_message_unsent_has_not_been_sent_it(runtime, audience):
    runtime.broadcast(audience, b"1")
    assert heard(audience[0], 1) == b"1"
    runtime.broadcast(audience, b"2")
    audience[0].link.release()
    assert heard(audience[1], 2) == b"12"
    assert audience[0].outbox.sent == 1


def test_what_all_are_told_counts_in_bytes_for_each_as_far_as_it_was_taken(runtime, audience):
    slow, *others = audience
    slow.push(b"x" * 900_000)  # more than a socket takes
    gevent.sleep(0)
    before = slow.outbox.written
    for _ in range(2):
        runtime.broadcast(audience, b"12")
        gevent.sleep(0)
    assert 0 < slow.outbox.written == before
    assert [member.outbox.written for member in others] == [8, 8]
    waited = slow.outbox.waiting
    while slow.outbox.waiting:
        slow.theirs.recv(CHUNK)
        gevent.sleep(0)
    assert slow.outbox.written == before + waited == 900_008
    for member in audience:
        member.link.release()
    assert [member.outbox.written for member in audience] == [900_008, 8, 8]


def test_a_flush_is_timed_once_when_somebody_asks(runtime, audience):
    took = []
    runtime.time_flush(took.append)
    gevent.sleep(0)
    assert not took
    for text in (b"1", b"2"):
        runtime.broadcast(audience, text)
        gevent.sleep(0)
    assert [heard(member, 2) for member in audience] == [b"12"] * 3
    (seconds,) = took
    assert 0 < seconds < PATIENCE
