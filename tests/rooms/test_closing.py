"""A room that an operator closes, and what becomes of those who were in it."""

import json

import pytest

from piehub.protocol.incoming import Recover, RoomInfo
from piehub.rooms.entry import Refused
from piehub.rooms.presence import SMALL_ROOM

KEY = ("app", "r", "1")
WORDS = b'{"type":"Err","message":"closed"}'
ERR = {"type": "Err", "message": "closed"}


def close(hub, key=KEY):
    return hub.registry.close(key, WORDS)


def recover(client):
    """From where its last promise has left it."""
    promised = [one["data"] for one in client.heard() if one["type"] == "ResolvePromise"][-1]
    return Recover(promised["epoch"], promised["seq"])


def test_everybody_in_it_is_told_and_is_in_no_room_any_more(hub):
    a, b = hub.room_of("a b")
    (c,) = hub.room_of("c", name="other")
    close(hub)
    for client in (a, b):
        assert client.heard() == [ERR]
        assert hub.registry.place_of(client) is None
        with pytest.raises(Refused):
            hub.say(client, 1)
    assert c.heard() == []
    assert hub.rooms() == {"other": ["c"]}


def test_it_is_said_which_room_that_was_and_who_was_in_it(hub):
    a, b = hub.room_of("a b", max_clients=5)
    assert close(hub) == (RoomInfo("app", "1", "r", max_clients=5), (a, b))


def test_there_is_nothing_to_close_where_there_is_no_such_room(hub):
    (a,) = hub.room_of("a")
    assert close(hub, ("app", "1", "r")) is None
    assert a.heard() == []
    assert hub.rooms() == {"r": ["a"]}


def test_its_clients_stay_in_the_hub(hub):
    a, b = hub.room_of("a b")
    close(hub)
    assert hub.registry.clients() == [a, b]
    hub.play(a)
    assert hub.play(b) == [a, b]


def test_who_comes_back_at_once_makes_a_new_room(hub, promise):
    a, b = hub.room_of("a b", max_clients=2, password="secret")
    close(hub)
    with pytest.raises(Refused):
        hub.join(a, make=False)
    hub.join(a)
    assert a.heard()[-1] == promise()
    hub.join(b)
    hub.registry.leave(a)
    hub.clock.advance(1e6)
    assert hub.rooms() == {"r": ["b"]}


def test_what_waited_together_in_it_is_not_sent_and_frees_its_space(hub):
    a, b = hub.room_of("a b", together_timeout_ms=1000)
    hub.together(a, 1, "one")
    hub.together(b, 2, "two")
    close(hub)
    assert hub.registry._together.size == 0
    assert hub.clock.timers == []
    assert a.heard() == b.heard() == [ERR]


def test_its_history_goes_with_it(hub):
    a, b = hub.room_of("a b", history=10)
    hub.registry.leave(b)
    hub.join(b)
    last = recover(b)
    hub.say(a, "x" * 1000)
    close(hub)
    assert hub.registry._histories.held == 0
    hub.join(a, history=10)
    assert hub.join(b, recover=last) == 0
    assert b.heard()[-1]["data"]["recovered"] is False


def test_an_empty_room_is_closed_before_its_time(hub):
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    assert close(hub) == (RoomInfo("app", "1", "r"), ())
    assert hub.rooms() == {}
    assert hub.clock.timers == []


def test_a_room_that_was_closed_gives_its_place_to_another(make_hub):
    hub = make_hub(rooms=1)
    (a,) = hub.room_of("a")
    b = hub.client("b")
    with pytest.raises(Refused):
        hub.join(b, "other")
    close(hub)
    hub.join(b, "other")
    hub.registry.leave(b)
    hub.join(a, "third")  # as nothing that has gone is thought to be empty
    assert hub.rooms() == {"third": ["a"]}


def test_a_big_room_is_told_nothing_more_of_who_came_and_went(hub):
    clients = hub.room_of(" ".join(f"c{number}" for number in range(SMALL_ROOM + 10)))
    hub.registry.leave(clients[0])
    for client in clients:
        client.heard()
    close(hub)
    assert hub.clock.timers == []
    assert clients[0].heard() == []
    assert [client.heard() for client in clients[1:]] == [[ERR]] * (SMALL_ROOM + 9)


def test_players_whose_match_is_closed_play_no_more(hub):
    a, b = hub.clients("a b")
    hub.play(a)
    hub.play(b)
    close(hub, hub.registry.place_of(a).key)
    assert hub.registry.stats()["matchmaking"]["playersInMatchmakingGames"] == 0
    assert [a.heard()[-1], b.heard()[-1]] == [ERR, ERR]
    assert hub.play(a) == []


def test_what_all_are_told_is_framed_once(make_hub):
    texts = []

    def frame(text):
        texts.append(text)
        return bytes(bytearray(text))

    hub = make_hub(frame=frame)
    a, b = hub.room_of("a b")
    texts.clear()
    close(hub)
    assert WORDS in texts
    assert a.frames[-1] is b.frames[-1]


# With a host app


def test_its_host_app_sees_that_all_have_gone_and_then_that_the_room_has(host_hub):
    a, _ = host_hub.room_of("a b")
    (mailbox,) = host_hub.mailboxes
    mailbox.taken()
    host_hub.together(a, "never sent")
    close(host_hub)
    (emission,) = mailbox.taken()
    assert (emission.kind, emission.audience, emission.is_presence) == ("room", (), True)
    assert json.loads(emission.text)["clients"] == []
    assert mailbox.is_closed


def test_what_its_host_app_has_not_let_through_is_not_heard(host_hub):
    a, b = host_hub.room_of("a b")
    (mailbox,) = host_hub.mailboxes
    for emission in mailbox.taken():
        mailbox.deliver(emission)
    for client in (a, b):
        client.heard()
    host_hub.say(a, "late")
    host_hub.whisper(a, "late, too", ["b"])
    close(host_hub)
    for client in (a, b):
        host_hub.join(client)
    for emission in mailbox.taken():
        mailbox.deliver(emission)
    mailbox.send(b'{"type":"Data"}', True)
    assert mailbox.taken() == []
    assert a.heard() == b.heard() == [ERR]


def test_who_waits_for_its_promise_has_it_before_it_hears_that_the_room_is_closed(host_hub):
    a, b = host_hub.clients("a b")
    host_hub.join(a)
    (mailbox,) = host_hub.mailboxes
    for emission in mailbox.taken():
        mailbox.deliver(emission)
    a.heard()
    host_hub.join(b)
    close(host_hub)
    assert a.heard() == [ERR]
    assert [one["type"] for one in b.heard()] == ["ResolvePromise", "Err"]


def test_who_would_recover_when_the_room_is_closed_is_told_that_it_has_not(host_hub):
    (a,) = host_hub.room_of("a", history=10)
    (mailbox,) = host_hub.mailboxes
    host_hub.say(a, 1)
    for emission in mailbox.taken():
        mailbox.deliver(emission)
    last = recover(a)
    host_hub.registry.leave(a)
    host_hub.join(a, recover=last)
    close(host_hub)
    promise, err = a.heard()
    assert promise["data"]["recovered"] is False
    assert err == ERR
