import pytest

from piehub.protocol import texts
from piehub.rooms.entry import Refused


def test_an_empty_room_keeps_its_settings_so_that_those_who_dropped_can_come_back(hub, promise):
    a, b = hub.room_of("a b", max_clients=2, password="secret")
    hub.registry.disconnect(a)
    hub.registry.disconnect(b)
    hub.clock.advance(299.9)
    a = hub.client("a")
    with pytest.raises(Refused) as caught:
        hub.join(a)
    assert str(caught.value) == texts.WRONG_PASSWORD
    hub.join(a, make=False, password="secret")
    assert a.heard()[1] == promise(maxClients=2, protected=True)


def test_an_empty_room_goes_when_its_time_is_up(hub):
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    hub.clock.advance(300)
    assert hub.rooms() == {}
    with pytest.raises(Refused) as caught:
        hub.join(a, make=False)
    assert str(caught.value) == texts.NO_SUCH_ROOM


@pytest.mark.parametrize("delay", [0.5, 10, 3600.0])
def test_how_long_an_empty_room_stays_is_up_to_the_hub(make_hub, delay):
    hub = make_hub(cleanup_delay=delay)
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    hub.clock.advance(delay - 0.25)
    assert hub.rooms() == {"r": []}
    hub.clock.advance(0.25)
    assert hub.rooms() == {}


@pytest.mark.parametrize("delay", [0, 0.0])
def test_without_a_delay_an_empty_room_goes_at_once(make_hub, delay):
    hub = make_hub(cleanup_delay=delay)
    a, b = hub.room_of("a b")
    hub.registry.leave(a)
    assert hub.rooms() == {"r": ["b"]}
    hub.registry.leave(b)
    assert hub.rooms() == {}
    assert hub.clock.timers == []


def test_a_room_with_somebody_in_it_stays_for_ever(hub):
    a, _ = hub.room_of("a b")
    hub.registry.leave(a)
    assert hub.clock.timers == []
    hub.clock.advance(1e6)
    assert hub.rooms() == {"r": ["b"]}


def test_coming_back_calls_the_cleanup_off(hub):
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    hub.clock.advance(299)
    hub.join(a)
    assert hub.clock.timers == []
    hub.clock.advance(1e6)
    assert hub.rooms() == {"r": ["a"]}


def test_a_room_that_empties_again_has_its_whole_time_again(hub):
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    hub.clock.advance(299)
    hub.join(a)
    hub.registry.leave(a)
    assert len(hub.clock.timers) == 1
    hub.clock.advance(299)
    assert hub.rooms() == {"r": []}
    hub.clock.advance(1)
    assert hub.rooms() == {}


def test_a_cleanup_that_has_begun_spares_a_room_that_somebody_came_back_to(hub):
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    (cleanup,) = hub.clock.timers
    hub.join(a)
    cleanup.run()
    assert hub.rooms() == {"r": ["a"]}


def test_a_cleanup_that_has_begun_spares_a_room_that_somebody_came_back_to_and_left(hub):
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    (late,) = hub.clock.timers
    hub.join(a)
    hub.registry.leave(a)
    late.run()
    assert hub.rooms() == {"r": []}
    hub.clock.advance(300)
    assert hub.rooms() == {}


def test_a_room_that_was_cleaned_up_is_made_anew_with_new_settings(hub, promise):
    (a,) = hub.room_of("a", max_clients=1, password="secret")
    hub.registry.leave(a)
    hub.clock.advance(300)
    hub.join(a, hidden=True)
    assert a.heard()[1] == promise(hidden=True)
    hub.clock.advance(1e6)
    assert hub.rooms() == {"r": ["a"]}


def test_each_room_goes_in_its_own_time(hub):
    a, b = hub.clients("a b")
    hub.join(a, "first")
    hub.join(b, "second")
    hub.registry.leave(a)
    hub.clock.advance(100)
    hub.registry.leave(b)
    hub.clock.advance(200)
    assert hub.rooms() == {"second": []}
    hub.clock.advance(100)
    assert hub.rooms() == {}


def test_a_refused_client_does_not_keep_an_empty_room(hub):
    (a,) = hub.room_of("a", password="secret")
    hub.registry.leave(a)
    with pytest.raises(Refused):
        hub.join(hub.client("b"), password="wrong")
    hub.clock.advance(300)
    assert hub.rooms() == {}
