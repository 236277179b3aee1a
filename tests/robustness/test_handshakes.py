"""Clients whose first words are wrong, incomplete, or no WebSocket at all."""

import base64
import hashlib
import re
import socket
from contextlib import ExitStack, closing

import pytest

from tests.robustness import each
from tests.robustness.handshakes import LET_IN, REFUSED, UNREADABLE, head
from tests.support.peer import Wire, masked


@pytest.fixture
def wire(server):
    """A client that has said nothing yet."""
    with closing(Wire(server.url, handshake=False)) as wire:
        yield wire


def answer_to(wire):
    """Status, head and body of an answer."""
    answer = wire.read_until(b"\r\n\r\n").decode()
    length = re.search(r"content-length: (\d+)", answer, re.IGNORECASE)
    body = wire.take(int(length[1])) if length else b""
    return int(answer.split()[1]), answer, body.decode("latin-1")


@each(REFUSED)
def test_what_is_no_handshake_is_answered_and_the_next_is_read(case, wire, guests, server):
    since = len(server.lines)
    wire.send(case.sent)
    status, answer, body = answer_to(wire)
    assert (status, case.text in body) == (case.status, True), body
    if "Connection: close" in answer:
        assert wire.rest() == b""
    else:
        wire.send(head())
        assert answer_to(wire)[0] == 101
        guests.closed_with(guests.greeted(wire))
        assert all(" INFO client " in line for line in server.lines[since:])


@each(UNREADABLE)
def test_what_cannot_be_read_is_answered_logged_and_closed(case, wire, server):
    since = len(server.lines)
    wire.send(case.sent)
    status, answer, body = answer_to(wire)
    assert (status, case.text in body) == (case.status, True), body
    assert "Connection: close" in answer
    assert wire.rest() == b""
    server.wait_for_line(f"Invalid request from .*{case.text}", since=since)


@each(LET_IN)
def test_what_is_odd_and_right_is_let_in(case, wire, guests):
    wire.send(case.sent)
    status, answer, _ = answer_to(wire)
    assert status == 101
    accept = hashlib.sha1(b"MDEyMzQ1Njc4OWFiY2RlZg==258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    assert f"Sec-WebSocket-Accept: {base64.b64encode(accept).decode()}\r\n" in answer
    assert not re.search("extensions|protocol:", answer, re.IGNORECASE)
    guest = guests.greeted(wire)
    assert guest.id == (case.id or guest.id)
    wire.send(masked(9, b"here?"))
    assert wire.frame() == (10, b"here?")


@pytest.mark.parametrize(("refused", "told"), [("POST", "Allow: "), ("version 8", "Version: 13")])
def test_a_refusal_says_in_its_head_what_would_do(refused, told, wire):
    wire.send(next(case.sent for case in REFUSED if case.name == refused))
    assert told in answer_to(wire)[1]


def test_a_head_may_come_a_byte_at_a_time(wire, guests):
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in head():
        wire.send(bytes([byte]))
    assert answer_to(wire)[0] == 101
    guests.greeted(wire)


def test_what_is_sent_behind_a_head_is_not_lost(wire, guests):
    wire.send(head() + masked(9, b"early"))
    assert answer_to(wire)[0] == 101
    guests.greeted(wire)
    assert wire.frame() == (10, b"early")


def test_who_leaves_in_the_middle_of_a_head_is_not_answered(wire, server):
    since = len(server.lines)
    wire.send(head()[:60])
    wire.socket.shutdown(socket.SHUT_WR)
    assert wire.rest() == b""
    assert server.lines[since:] == []


def test_who_never_ends_a_head_is_closed_without_a_word(server):
    unfinished = [b"", head()[:60], head()[:-2], bytes(100), masked(1, b"hello")]
    with ExitStack() as opened:
        wires = [
            opened.enter_context(closing(Wire(server.url, handshake=False))) for _ in unfinished
        ]
        for wire, sent in zip(wires, unfinished, strict=True):
            wire.send(sent)
        assert [wire.rest() for wire in wires] == [b""] * len(unfinished)
