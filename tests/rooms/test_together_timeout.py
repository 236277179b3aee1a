import pytest

from piehub.rooms.entry import Refused


def test_a_group_is_sent_when_its_time_is_up(hub):
    a, b, c = hub.room_of("a b c", together_timeout_ms=250)
    hub.together(b, 1)
    hub.together(a, 2)
    hub.clock.advance(0.24)
    assert c.heard() == []
    hub.clock.advance(0.01)
    assert a.payloads() == b.payloads() == c.payloads() == [1, 2]
    assert a.times[-1] == a.times[-2] == c.times[-1]


def test_the_time_runs_from_the_first_message(hub):
    a, b, c = hub.room_of("a b c", together_timeout_ms=1000)
    hub.together(a, 1)
    hub.clock.advance(0.75)
    hub.together(b, 2)
    hub.together(a, 3)
    assert len(hub.clock.timers) == 1
    hub.clock.advance(0.25)
    assert c.payloads() == [3, 2]


def test_each_group_has_its_own_time(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, 1, "x")
    hub.clock.advance(0.5)
    hub.together(a, 2, None)
    hub.clock.advance(0.5)
    assert b.payloads() == [1]
    hub.clock.advance(0.5)
    assert b.payloads() == [2]


def test_a_room_that_sets_no_time_waits_for_ever(hub):
    a, b = hub.room_of("a b")
    hub.together(a, 1)
    hub.clock.advance(1e6)
    assert b.heard() == []
    assert hub.clock.timers == []


def test_a_complete_group_is_not_sent_again_when_its_time_is_up(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, 1)
    hub.together(b, 2)
    assert hub.clock.timers == []
    hub.clock.advance(10)
    assert a.payloads() == [1, 2]


def test_a_leaver_who_completes_a_group_stops_its_time(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, 1)
    hub.registry.leave(b)
    assert hub.clock.timers == []
    assert a.payloads() == [1]


def test_a_group_is_made_anew_after_its_time_was_up(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, 1)
    hub.clock.advance(1)
    hub.together(b, 2)
    assert b.payloads() == [1]
    hub.clock.advance(0.5)
    hub.together(a, 3)
    assert b.payloads() == [2, 3]


def test_a_timer_that_has_begun_does_not_end_the_next_group_of_that_name(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, 1)
    (late,) = hub.clock.timers
    hub.together(b, 2)
    hub.together(a, 3)
    late.run()
    assert b.payloads() == [1, 2]
    hub.clock.advance(1)
    assert b.payloads() == [3]


def test_a_timer_that_has_begun_finds_nothing_in_a_group_that_is_complete(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, 1)
    (late,) = hub.clock.timers
    hub.together(b, 2)
    late.run()
    assert b.payloads() == [1, 2]


def test_who_is_refused_at_the_limit_starts_no_timer(hub):
    a, _ = hub.room_of("a b", together_timeout_ms=1000)
    for number in range(32):
        hub.together(a, number, str(number))
    with pytest.raises(Refused):
        hub.together(a, "one more", "one more")
    assert len(hub.clock.timers) == 32
