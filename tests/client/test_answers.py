from concurrent import futures
from concurrent.futures import Future
from time import monotonic

import pytest

from piehub.client.answers import settle, wait_for
from piehub.client.errors import PieTimeout, Refused
from tests.support.timing import MS


class LastMoment(Future):
    """Comes just as one has waited for long enough."""

    def result(self, timeout=None):
        if not self.done():
            settle(self, "here")
            raise futures.TimeoutError
        return super().result(timeout)


def test_an_answer_is_waited_for_so_long_and_then_given_up():
    answer = Future()
    with pytest.raises(PieTimeout, match="too late"):
        wait_for(answer, monotonic() + MS, "too late")
    assert answer.cancelled()
    settle(answer, 1)  # nobody waits any more


def test_an_answer_that_comes_at_the_last_moment_is_taken():
    assert wait_for(LastMoment(), monotonic(), "too late") == "here"


def test_an_answer_may_be_an_error_and_comes_once():
    answer = Future()
    settle(answer, None, Refused("no"))
    settle(answer, 1)
    with pytest.raises(Refused, match="no"):
        wait_for(answer, monotonic(), "too late")


def test_an_error_that_is_a_timeout_itself_is_raised_as_it_is():
    answer = Future()
    settle(answer, None, PieTimeout("the network's"))
    with pytest.raises(PieTimeout, match="the network's"):
        wait_for(answer, monotonic() + 1, "too late")
