import threading

import pytest

from piehub.client.coming_back import End
from piehub.client.errors import NotConnected
from piehub.client.inbox import Inbox
from tests.support.timing import MS, PATIENCE

BROKE = End(NotConnected("broke"))


@pytest.fixture
def inbox():
    return Inbox(1000)


def test_what_comes_is_taken_in_order_and_the_end_behind_it(inbox):
    inbox.put(b"a")
    inbox.end(BROKE)
    inbox.end(End(NotConnected("twice")))
    inbox.put(b"b")
    assert [inbox.take(0) for _ in range(4)] == [b"a", b"b", BROKE, BROKE]


def test_what_finds_no_space_is_refused_until_there_is_some(inbox):
    assert inbox.put(b"x" * 500)
    assert inbox.put(b"x" * 400)
    assert not inbox.put(b"x")
    inbox.take(0)
    assert inbox.put(b"x" * 500)
    assert not inbox.put(b"x" * 500)


def test_one_message_has_space_however_long(inbox):
    assert inbox.put(b"x" * 5000)
    assert not inbox.put(b"")
    inbox.take(0)
    assert inbox.put(b"x" * 5000)


def test_many_empty_messages_find_no_space_either(inbox):
    assert sum(inbox.put(b"") for _ in range(1000)) < 12


def test_nothing_comes_in_time(inbox):
    assert inbox.take(MS) is None


def test_who_waits_can_be_woken(inbox):
    threading.Timer(5 * MS, inbox.wake).start()
    assert inbox.take(PATIENCE) is None
    inbox.wake()
    assert inbox.take(PATIENCE) is None
    inbox.put(b"a")
    assert inbox.take(PATIENCE) == b"a"
