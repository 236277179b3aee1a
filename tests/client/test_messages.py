"""Iterating over what a room says."""

import gc
import threading

import pytest

from piehub.client import NotConnected, PieError, PieTimeout
from tests.client.people import ROOM
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def ann(person, url):
    return person(url).joins(ROOM)


def test_messages_come_in_order(ann):
    messages = ann.pie.messages(timeout=PATIENCE)
    ann.says(*range(100))
    assert [next(messages)["payload"] for _ in range(100)] == list(range(100))


def test_each_reader_has_all_since_it_began(ann):
    early = ann.pie.messages(timeout=PATIENCE)
    ann.says("a")
    assert ann.has_heard("a")
    late = ann.pie.messages(timeout=PATIENCE)
    ann.says("b")
    assert next(late)["payload"] == "b"
    assert [next(early)["payload"], next(early)["payload"]] == ["a", "b"]


def test_they_end_with_the_client_once_all_is_read(ann):
    messages = ann.pie.messages(timeout=PATIENCE)
    ann.says("a", "b")
    assert ann.has_heard("a", "b")
    threading.Timer(20 * MS, ann.pie.close).start()
    assert [message["payload"] for message in messages] == ["a", "b"]
    assert list(messages) == []


def test_they_go_on_after_the_connection_broke(person, url, network):
    ann, bob = person(network.url).joins(ROOM), person(url).joins(ROOM)
    messages = ann.pie.messages(timeout=PATIENCE)
    bob.says("before")
    assert next(messages)["payload"] == "before"
    network.cut()
    ann.comes_back()
    bob.waits_for(lambda: ann.id in bob.pie.clients)
    bob.says("after")
    assert next(messages)["payload"] == "after"


def test_more_than_may_wait_are_an_error_behind_those_that_do(ann):
    messages = ann.pie.messages(limit=3, timeout=PATIENCE)
    others = ann.pie.messages(timeout=PATIENCE)
    ann.says(*range(5))
    assert ann.has_heard(*range(5))
    assert [next(messages)["payload"] for _ in range(3)] == [0, 1, 2]
    for _ in range(2):
        with pytest.raises(PieError, match="More than 3 messages waited to be read"):
            next(messages)
    assert [next(others)["payload"] for _ in range(5)] == list(range(5))


def test_when_none_comes_in_time_that_is_an_error_and_it_may_go_on(ann):
    messages = ann.pie.messages(timeout=20 * MS)
    with pytest.raises(PieTimeout, match=f"No message came in {20 * MS} seconds"):
        next(messages)
    ann.says("late")
    assert ann.has_heard("late")
    assert next(messages)["payload"] == "late"


def test_what_nobody_reads_any_more_is_not_kept(ann):
    ann.pie.messages()
    ann.says(1)
    for _ in ann.pie.messages(timeout=PATIENCE):
        break
    messages = ann.pie.messages()
    gc.collect()
    assert list(ann.pie._readers) == [messages]


def test_there_are_none_after_closing(ann):
    ann.pie.close()
    with pytest.raises(NotConnected, match=r"call connect\(\) first"):
        ann.pie.messages()
