"""Whether to come back, and when."""

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosedError,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
)
from websockets.frames import Close
from websockets.http11 import Response

from piehub.client.coming_back import after_close, after_failure, wait_seconds
from piehub.client.errors import NotConnected, PieTimeout, Refused

FINAL, AT_ONCE, LATER = (True, 0.0), (False, 0.0), (False, 5.0)


def closed(rcvd=None, sent=None):
    frames = [frame and Close(frame, "why") for frame in (rcvd, sent)]
    return after_close(ConnectionClosedError(*frames, True if rcvd and sent else None))


@pytest.mark.parametrize(
    ("code", "what"),
    [
        *((code, FINAL) for code in (1002, 1003, 1007, 1008, 1009, 4409)),
        *((code, AT_ONCE) for code in (1000, 1001, 1011, 1012, 4000, 4408, 4413)),
        *((code, LATER) for code in (1013, 4429)),
    ],
)
def test_a_close_code_says_whether_to_come_back(code, what):
    end = closed(code, code)
    assert (end.is_final, end.least) == what
    assert isinstance(end.error, NotConnected)
    assert f"{code} why" in str(end.error)


def test_a_connection_that_just_broke_comes_back_at_once():
    assert closed()[1:] == AT_ONCE
    assert str(closed().error) == "The connection broke"


def test_what_websockets_objects_to_is_final_though_the_hub_says_nothing():
    assert closed(None, 1009)[1:] == FINAL
    assert closed(None, 1011)[1:] == AT_ONCE  # no pong in time


@pytest.mark.parametrize(
    ("status", "what"),
    [
        *((status, FINAL) for status in (301, 400, 401, 403, 404, 426)),
        *((status, AT_ONCE) for status in (408, 429, 500, 502, 503, 504)),
    ],
)
def test_an_upgrade_that_is_refused_says_whether_to_try_again(status, what):
    page = b"<title>No</title> <p>Not\n now.</p>" + b"x" * 1000
    end = after_failure(InvalidStatus(Response(status, "", Headers(), page)), "the hub")
    assert (end.is_final, end.least) == what
    assert isinstance(end.error, Refused)
    assert str(end.error).startswith(f"Could not connect to the hub: {status} No Not now. x")
    assert len(str(end.error)) < 350


def test_an_upgrade_may_be_refused_without_a_word():
    end = after_failure(InvalidStatus(Response(403, "", Headers())), "the hub")
    assert str(end.error) == "Could not connect to the hub: 403"


@pytest.mark.parametrize(
    ("error", "kind", "is_final"),
    [
        (ConnectionRefusedError("refused"), NotConnected, False),
        (InvalidMessage("no HTTP"), NotConnected, False),
        (TimeoutError("late"), PieTimeout, False),
        (InvalidHandshake("odd"), NotConnected, True),
        (ValueError("odd"), NotConnected, True),
    ],
)
def test_a_connection_that_does_not_open_says_why(error, kind, is_final):
    end = after_failure(error, "the hub")
    assert (type(end.error), end.is_final) == (kind, is_final)
    assert str(end.error).startswith("Could not connect to the hub: ")


def test_the_longer_the_hub_is_away_the_longer_are_the_waits():
    assert [round(wait_seconds(attempt, 0, 0), 3) for attempt in range(5)] == [
        *(0.05, 0.075, 0.15, 0.275, 0.45)
    ]
    assert wait_seconds(19, 0, 0) == 5
    assert wait_seconds(19, 0, 0.5) == 7.5


def test_those_who_were_cut_off_together_do_not_come_back_together():
    assert wait_seconds(0, 0, 0.99) == pytest.approx(0.1, rel=0.01)
    assert wait_seconds(0, 5.0, 0.0) == 5
    assert wait_seconds(0, 5.0, 0.5) > 5
