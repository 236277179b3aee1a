"""What somebody waits for, but not for ever."""

from __future__ import annotations

from concurrent import futures
from concurrent.futures import Future
from time import monotonic
from typing import TypeVar

from piehub.client.errors import PieError, PieTimeout

T = TypeVar("T")


def settle(answer: Future[T], value: T, error: PieError | None = None) -> None:
    """Give the value, or raise the error, where somebody waits."""
    if answer.done() or not answer.set_running_or_notify_cancel():
        return  # whoever did has given up
    if error:
        answer.set_exception(error)
    else:
        answer.set_result(value)


def wait_for(answer: Future[T], deadline: float, what: str) -> T:
    """deadline: as of monotonic(); then the answer is cancelled, and PieTimeout(what) raised."""
    try:
        return answer.result(max(0.0, deadline - monotonic()))
    except futures.TimeoutError:
        if not answer.cancel():
            return answer.result()  # it has just come, if only as an error that is one of these
    raise PieTimeout(what)
