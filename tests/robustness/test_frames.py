"""Clients that break RFC 6455 or a limit, or that end in an odd way."""

import socket
import struct

import pytest

from tests.robustness import each
from tests.robustness.frames import (
    ANSWER,
    ASK,
    BROKEN_CLOSES,
    BROKEN_FRAMES,
    BROKEN_TEXTS,
    CLOSE,
    CLOSINGS,
    LEGAL,
    PING,
    PONG,
    TEXT,
    frame,
    text,
)
from tests.support.peer import masked

BURST = 120  # messages at once, as PIEHUB_RATE_BURST is by default
FLOOD = 3 * BURST  # more than the rate allows while it is read, on a slow machine too


@each(BROKEN_FRAMES + BROKEN_TEXTS + BROKEN_CLOSES)
def test_what_breaks_the_protocol_is_closed_with_its_reason_and_nothing_else(case, guests):
    guest = guests.wire()
    guest.send(case.sent)
    assert guest.frame() == (CLOSE, case.code.to_bytes(2, "big") + case.reason.encode())
    assert guest.rest() == b""
    assert guests.closed_with(guest) == case.code


@each(CLOSINGS)
def test_a_close_is_answered_with_its_code_and_nothing_after_it_is_read(case, guests):
    guest = guests.wire()
    guest.send(case.sent)
    assert guest.frame() == (CLOSE, case.payload)
    assert guest.rest() == b""
    assert guests.closed_with(guest) == case.logged


@each(LEGAL)
def test_what_is_odd_and_right_is_taken(case, guests):
    guest = guests.wire()
    guest.send(case.sent + masked(PING, b"the end"))
    for answer in [*case.answers, (PONG, b"the end")]:
        assert guest.frame() == answer
    assert guests.closed_with(guest) == 1006


def test_what_came_before_a_broken_frame_is_answered(guests):
    guest = guests.wire()
    guest.send(text(ASK) * 3 + b"\xff")
    assert [guest.frame() for _ in range(3)] == [(TEXT, ANSWER)] * 3
    assert guest.frame()[0] == CLOSE
    assert guest.rest() == b""


def test_the_close_arrives_however_much_is_sent_behind_the_broken_frame(guests):
    guest = guests.wire()
    guest.send(b"\xff" * 4_000_000)
    assert guest.frame()[0] == CLOSE
    assert guest.rest() == b""


@pytest.mark.parametrize(
    ("kind", "payload", "answer"),
    [(PING, b"x", (PONG, b"x")), (PONG, b"x", None), (TEXT, ASK, (TEXT, ANSWER))],
    ids=["pings", "pongs", "texts"],
)
def test_a_flood_is_answered_up_to_its_limit_and_then_closed(kind, payload, answer, guests):
    guest = guests.wire()
    guest.send(masked(kind, payload) * FLOOD)
    came = []
    while not came or came[-1][0] != CLOSE:
        came.append(guest.frame())
    assert came.pop() == (CLOSE, (4429).to_bytes(2, "big") + b"Rate limit exceeded")
    assert guest.rest() == b""
    assert set(came) <= {answer}
    assert answer is None or BURST <= len(came) < FLOOD
    assert guests.closed_with(guest) == 4429


@pytest.mark.parametrize(
    "sent",
    [text(ASK)[:1], text(ASK)[:10], frame(TEXT, ASK)],
    ids=["in a header", "in a payload", "between fragments"],
)
def test_a_reset_in_the_middle_of_a_message_is_logged_as_1006_and_no_more(sent, guests):
    guest = guests.wire()
    guest.send(sent)
    guest.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert guests.closed_with(guest) == 1006


def test_who_has_said_all_is_answered_before_its_socket_ends(guests):
    guest = guests.wire()
    guest.send(text(ASK))
    guest.socket.shutdown(socket.SHUT_WR)
    assert guest.frame() == (TEXT, ANSWER)
    assert guest.rest() == b""
    assert guests.closed_with(guest) == 1006


def test_a_message_that_its_sender_never_ends_leads_to_nothing(guests):
    guest = guests.wire()
    guest.send(text(ASK)[:10])
    guest.socket.shutdown(socket.SHUT_WR)
    assert guest.rest() == b""
    assert guests.closed_with(guest) == 1006
