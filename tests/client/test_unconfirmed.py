import pytest

from piehub.client.unconfirmed import AT_ONCE, MOST, Said, Unconfirmed


@pytest.fixture
def unconfirmed():
    return Unconfirmed()


def say(unconfirmed, *names, group=None):
    return [unconfirmed.add(name, Said(name.encode(), group)) for name in names]


def names(count):
    return [f"m{number}" for number in range(count)]


def test_what_is_said_is_due_once_in_order(unconfirmed):
    say(unconfirmed, "a", "b")
    assert unconfirmed.due(0) == [b"a", b"b"]
    assert unconfirmed.due(0) == []
    say(unconfirmed, "c")
    assert unconfirmed.due(0) == [b"c"]


def test_what_has_no_echo_when_the_connection_ends_is_due_again(unconfirmed):
    say(unconfirmed, "a", "b", "c")
    unconfirmed.due(0)
    assert unconfirmed.confirm("a")
    unconfirmed.unsend()
    say(unconfirmed, "d")
    assert unconfirmed.due(0) == [b"b", b"c", b"d"]


def test_only_the_first_echo_of_ones_own_confirms(unconfirmed):
    say(unconfirmed, "a")
    assert not unconfirmed.confirm("somebody else's")
    assert not unconfirmed.confirm(None)
    assert unconfirmed.confirm("a")
    assert not unconfirmed.confirm("a")


def test_an_echo_says_that_what_was_said_before_will_have_none(unconfirmed):
    say(unconfirmed, "a", "b", "c")
    unconfirmed.confirm("b")
    unconfirmed.unsend()
    assert unconfirmed.due(0) == [b"c"]


def test_an_echo_says_nothing_of_what_waits_together_nor_does_that_of_others(unconfirmed):
    say(unconfirmed, "a")
    say(unconfirmed, "t", group="g")
    say(unconfirmed, "u", group="h")
    say(unconfirmed, "b")
    assert unconfirmed.confirm("u")
    unconfirmed.unsend()
    assert unconfirmed.due(0) == [b"a", b"t", b"b"]
    unconfirmed.confirm("b")
    unconfirmed.unsend()
    assert unconfirmed.due(0) == [b"t"]


def test_in_a_group_the_last_message_takes_the_place_of_the_one_before(unconfirmed):
    say(unconfirmed, "t1", group="g")
    say(unconfirmed, "u1", group="")
    say(unconfirmed, "t2", group="g")
    assert unconfirmed.due(0) == [b"u1", b"t2"]
    assert not unconfirmed.confirm("t1")


def test_so_many_are_due_at_once_and_the_others_by_and_by(unconfirmed):
    said = names(2 * AT_ONCE + 1)
    say(unconfirmed, *said)
    texts = [name.encode() for name in said]
    assert unconfirmed.due(100) == texts[:AT_ONCE]
    say(unconfirmed, "new")
    assert unconfirmed.due_at() == 101
    assert unconfirmed.due(100.9) == []
    assert unconfirmed.due(101) == texts[AT_ONCE : 2 * AT_ONCE]
    assert unconfirmed.due(102.5) == [*texts[2 * AT_ONCE :], b"new"]
    assert unconfirmed.due_at() is None


def test_a_new_connection_does_not_wait_for_the_one_before(unconfirmed):
    say(unconfirmed, *names(AT_ONCE + 1))
    unconfirmed.due(100)
    unconfirmed.unsend()
    assert len(unconfirmed.due(100)) == AT_ONCE


def test_what_is_confirmed_before_its_turn_is_not_due(unconfirmed):
    say(unconfirmed, "a", "b", "c")
    unconfirmed.confirm("b")
    assert unconfirmed.unsent() == 1
    assert unconfirmed.due(0) == [b"c"]


def test_the_oldest_gives_way_where_too_many_wait_which_is_said_once(unconfirmed):
    assert all(say(unconfirmed, *names(MOST)))
    assert say(unconfirmed, "x", "y", "z") == [False, True, True]
    assert len(unconfirmed) == MOST
    assert "m2" not in unconfirmed
    unconfirmed.confirm("z")
    assert all(say(unconfirmed, *names(MOST)))
    assert say(unconfirmed, "too many") == [False]


def test_nothing_is_due_once_it_is_cleared(unconfirmed):
    say(unconfirmed, *names(AT_ONCE + 1))
    unconfirmed.due(100)
    unconfirmed.clear()
    say(unconfirmed, "a")
    assert unconfirmed.due(100) == [b"a"]
    assert len(unconfirmed) == 1
