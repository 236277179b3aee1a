import pytest

from piehub.protocol.incoming import Match, Search
from piehub.rooms.room import Emission

KEY = ("app", "r", "1")

ASKED = {
    "enter": lambda hub, a, _: hub.registry.enter(hub.stranger("new")),
    "disconnect": lambda hub, a, _: hub.registry.disconnect(a),
    "check_join": lambda hub, _, idle: hub.registry.check_join(idle, hub.asking()),
    "join": lambda hub, _, idle: hub.join(idle),
    "leave": lambda hub, a, _: hub.registry.leave(a),
    "send": lambda hub, a, _: hub.say(a, 1),
    "whisper": lambda hub, a, _: hub.whisper(a, 1, ["a"]),
    "together": lambda hub, a, _: hub.together(a, 1),
    "announce": lambda hub, *_: hub.registry.announce(KEY, b"{}"),
    "enter_matchmaking": lambda hub, _, idle: hub.registry.enter_matchmaking(
        idle, Match("app", "1", 2)
    ),
    "leave_matchmaking": lambda hub, _, idle: hub.registry.leave_matchmaking(idle),
    "search": lambda hub, *_: hub.registry.search(Search()),
    "stats": lambda hub, *_: hub.registry.stats(),
    "close": lambda hub, *_: hub.registry.close(KEY, b"{}"),
    "page": lambda hub, *_: hub.registry.page(Search(), "", 1, 0),
    "clients": lambda hub, *_: hub.registry.clients(),
    "views": lambda hub, *_: hub.registry.views(),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_whatever_the_hub_is_asked_is_done_under_the_lock(hub, ask):
    a, _ = hub.room_of("a b")
    idle = hub.client("idle")
    before = hub.lock.entered
    ask(hub, a, idle)
    assert hub.lock.entered > before
    assert not hub.lock.is_held


def test_a_timer_takes_the_lock_itself(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, 1)
    before = hub.lock.entered
    hub.clock.advance(1)
    assert hub.lock.entered == before + 1
    hub.registry.leave(a)
    hub.registry.leave(b)
    before = hub.lock.entered
    hub.clock.advance(300)
    assert hub.lock.entered == before + 1


def test_what_comes_from_a_host_app_takes_the_lock(host_hub):
    (a,) = host_hub.room_of("a")
    (mailbox,) = host_hub.mailboxes
    before = host_hub.lock.entered
    mailbox.deliver(Emission("room", b"{}", (a,)))
    mailbox.send(b"{}", False)
    assert host_hub.lock.entered == before + 2
