import json

import pytest

from piehub.protocol.incoming import RoomInfo
from piehub.rooms.room import Emission

KEY = ("app", "r", "1")
TEXT = b'{"type":"Data","payload":"hi","time":5}'


def routed(mailbox):
    """What the mailbox was put since the last call: kind, type or payload, audience. A promise has
    no text yet."""
    return [
        (
            emission.kind,
            message.get("payload") or message["type"],
            [member.id for member in emission.audience],
        )
        for emission in mailbox.taken()
        for message in [json.loads(emission.text or b'{"type":"later"}')]
    ]


def promised(client):
    """The rooms of the promises since the last look."""
    return [one["data"]["name"] for one in client.heard() if one["type"] == "ResolvePromise"]


@pytest.fixture
def room(host_hub):
    """A room with a host app and three clients, all quiet so far: hub, mailbox, clients."""
    clients = host_hub.room_of("a b c", together_timeout_ms=1000)
    (mailbox,) = host_hub.mailboxes
    for emission in mailbox.taken():
        mailbox.deliver(emission)
    for client in clients:
        client.frames.clear()
    return host_hub, mailbox, clients


def test_each_room_has_a_mailbox_which_is_handed_the_rooms_info(host_hub):
    a, b, c = host_hub.clients("a b c")
    host_hub.join(a, max_clients=2)
    host_hub.join(b)
    host_hub.join(c, "other")
    first, second = host_hub.mailboxes
    assert first.info == RoomInfo("app", "1", "r", max_clients=2)
    assert second.info == RoomInfo("app", "1", "other")
    assert host_hub.registry.host_of(a) is host_hub.registry.host_of(b) is first
    assert host_hub.registry.host_of(c) is second
    assert host_hub.registry.host_of(host_hub.client("d")) is None
    assert host_hub.registry.host_in(("app", "other", "1")) is second
    assert host_hub.registry.host_in(("app", "another", "1")) is None


def test_presence_goes_through_the_host_app_and_the_promise_follows_it(host_hub):
    a, b = host_hub.clients("a b")
    host_hub.join(a)
    host_hub.join(b)
    host_hub.registry.leave(a)
    (mailbox,) = host_hub.mailboxes
    assert routed(mailbox) == [
        ("room", "ClientPresenceChanged", ["a"]),
        ("whisper", "later", ["a"]),
        ("room", "ClientPresenceChanged", ["a", "b"]),
        ("whisper", "later", ["b"]),
        ("room", "ClientPresenceChanged", ["b"]),
    ]
    assert b.frames == []


def test_data_goes_through_the_host_app_before_anyone_hears_it(room):
    hub, mailbox, (a, b, c) = room
    hub.say(a, "hello")
    assert routed(mailbox) == [("room", "hello", ["a", "b", "c"])]
    assert a.frames == b.frames == c.frames == []


def test_whispers_keep_their_place_but_are_no_room_messages(room):
    hub, mailbox, (a, b, c) = room
    hub.say(a, "before")
    hub.whisper(a, "whisper", ["c", "nobody", "b", "c"])
    hub.say(a, "after")
    assert routed(mailbox) == [
        ("room", "before", ["a", "b", "c"]),
        ("whisper", "whisper", ["c", "b"]),
        ("room", "after", ["a", "b", "c"]),
    ]
    assert b.frames == c.frames == []


def test_together_messages_go_through_the_host_app_one_by_one(room):
    hub, mailbox, (a, b, c) = room
    hub.together(a, 1)
    hub.together(b, 2)
    assert mailbox.taken() == []
    hub.together(c, 3)
    everyone = ["a", "b", "c"]
    assert routed(mailbox) == [("room", number, everyone) for number in (1, 2, 3)]
    hub.together(a, 4)
    hub.clock.advance(1)
    assert routed(mailbox) == [("room", 4, everyone)]


def test_announcements_go_through_the_host_app_and_are_counted(room):
    hub, mailbox, _ = room
    assert hub.registry.announce(KEY, TEXT) == 3
    assert hub.registry.announce(KEY, TEXT, ["c", "c", "nobody"]) == 1
    assert routed(mailbox) == [("room", "hi", ["a", "b", "c"]), ("whisper", "hi", ["c"])]


def test_a_match_goes_through_its_rooms_host_app(host_hub):
    a, b = host_hub.clients("a b")
    host_hub.play(a)
    host_hub.play(b)
    for player in (a, b):
        assert [message["type"] for message in player.heard()] == ["ResolvePromise"]
    (mailbox,) = host_hub.mailboxes
    assert mailbox.info == host_hub.registry.place_of(a)
    assert routed(mailbox) == [
        ("room", "ClientPresenceChanged", ["a"]),
        ("room", "ClientPresenceChanged", ["a", "b"]),
        ("whisper", "later", ["a"]),
        ("whisper", "later", ["b"]),
    ]


# What comes out of the host app


@pytest.mark.parametrize("kind", ["room", "direct", "whisper"])
def test_what_the_host_app_is_done_with_goes_to_those_it_was_meant_for(room, kind):
    _, mailbox, (a, b, c) = room
    mailbox.deliver(Emission(kind, TEXT, (a, c)))
    assert a.frames == c.frames == [TEXT]
    assert b.frames == []


@pytest.mark.parametrize("kind", ["room", "direct"])
def test_who_has_left_meanwhile_hears_no_more_of_the_room(room, kind):
    hub, mailbox, (a, b, c) = room
    hub.registry.leave(b)
    mailbox.deliver(Emission(kind, TEXT, (a, b, c)))
    assert a.frames == c.frames == [TEXT]
    assert b.frames == []


def test_who_leaves_before_its_promise_gets_it_before_that_of_the_room_it_joins_next(host_hub):
    anna = host_hub.client("anna")
    host_hub.join(anna, "slow")
    host_hub.registry.leave(anna)
    host_hub.join(anna, "fast")
    slow, fast = host_hub.mailboxes
    for mailbox in (fast, slow):
        for emission in mailbox.taken():
            mailbox.deliver(emission)
    assert promised(anna) == ["slow", "fast"]


def test_who_leaves_before_it_hears_of_its_match_hears_of_it_before_the_next_room(host_hub):
    anna, bert = host_hub.clients("anna bert")
    host_hub.play(anna)
    host_hub.play(bert)
    host_hub.registry.leave(anna)
    assert [one["type"] for one in anna.heard()] == ["ResolvePromise", "MatchFound"]
    host_hub.join(anna, "fast")
    for mailbox in host_hub.mailboxes:
        for emission in mailbox.taken():
            mailbox.deliver(emission)
    assert [one["type"] for one in anna.heard()] == ["ClientPresenceChanged", "ResolvePromise"]
    assert [one["type"] for one in bert.heard()[-2:]] == ["MatchFound", "ClientPresenceChanged"]


def test_who_leaves_before_its_promise_and_comes_back_gets_one_for_each_time(host_hub):
    anna = host_hub.client("anna")
    host_hub.join(anna)
    host_hub.registry.leave(anna)
    assert promised(anna) == ["r"]
    host_hub.join(anna)
    (mailbox,) = host_hub.mailboxes
    for emission in mailbox.taken():
        mailbox.deliver(emission)
    assert [one["type"] for one in anna.heard()] == ["ClientPresenceChanged", "ResolvePromise"]


def test_a_new_holder_of_an_id_does_not_hear_what_was_meant_for_the_old_one(room):
    hub, mailbox, (a, b, c) = room
    hub.say(a, "hello")
    (emission,) = mailbox.taken()
    hub.registry.disconnect(b)
    new = hub.client("b")
    hub.join(new)
    mailbox.deliver(emission)
    assert a.payloads() == c.payloads() == ["hello"]
    assert b.frames == new.frames == []


def test_a_room_that_nobody_has_left_or_joined_meanwhile_hears_it_whole(room):
    hub, mailbox, clients = room
    hub.say(clients[0], "hello")
    (emission,) = mailbox.taken()
    mailbox.deliver(emission)
    assert [client.payloads() for client in clients] == [["hello"]] * 3


def test_who_came_meanwhile_does_not_hear_what_was_said_before(room):
    hub, mailbox, (a, *_) = room
    hub.say(a, "hello")
    (emission,) = mailbox.taken()
    late = hub.client("late")
    hub.join(late)
    mailbox.deliver(emission)
    assert late.frames == []


def test_what_the_host_app_is_done_with_is_framed_once(make_hub):
    texts = []

    def frame(text):
        texts.append(text)
        return bytes(bytearray(text))

    hub = make_hub(frame=frame, host_for=make_hub.mailbox)
    a, b = hub.room_of("a b")
    (mailbox,) = hub.mailboxes
    assert texts == []
    mailbox.deliver(Emission("room", TEXT, (a, b)))
    assert texts == [TEXT]
    assert a.frames[0] is b.frames[0]


def test_what_the_host_app_says_itself_it_sees_again(room):
    _, mailbox, (a, *_) = room
    mailbox.send(TEXT, False)
    assert routed(mailbox) == [("room", "hi", ["a", "b", "c"])]
    assert a.frames == []


def test_what_the_host_app_says_itself_can_pass_it_by(room):
    hub, mailbox, (_, b, _) = room
    hub.registry.leave(b)
    mailbox.taken()
    mailbox.send(TEXT, True)
    assert routed(mailbox) == [("direct", "hi", ["a", "c"])]


def test_a_room_that_no_host_app_was_made_for_is_a_room_without_one(make_hub):
    sends = []
    hub = make_hub(host_for=lambda hub, info, deliver, send: sends.append(send))
    a, b = hub.room_of("a b")
    hub.say(a, "hello")
    assert b.payloads() == ["hello"]
    sends[0](TEXT, False)
    assert a.payloads() == ["hello"]
    hub.registry.leave(a)
    hub.registry.leave(b)
    hub.clock.advance(300)
    assert hub.rooms() == {}


# Its end


def test_a_mailbox_is_closed_when_its_empty_room_goes(room):
    hub, mailbox, clients = room
    for client in clients:
        hub.registry.leave(client)
    hub.clock.advance(299)
    assert not mailbox.is_closed
    hub.clock.advance(1)
    assert mailbox.is_closed
    hub.join(clients[0])
    assert len(hub.mailboxes) == 2
    assert hub.registry.host_of(clients[0]) is not mailbox


def test_a_mailbox_is_closed_at_once_where_empty_rooms_go_at_once(make_hub):
    hub = make_hub(cleanup_delay=0, host_for=make_hub.mailbox)
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    (mailbox,) = hub.mailboxes
    assert mailbox.is_closed
    assert routed(mailbox)[-1] == ("room", "ClientPresenceChanged", [])


def test_who_comes_back_in_time_finds_the_same_host_app(room):
    hub, mailbox, clients = room
    for client in clients:
        hub.registry.leave(client)
    hub.clock.advance(299)
    hub.join(clients[0])
    hub.clock.advance(1e6)
    assert not mailbox.is_closed
    assert hub.registry.host_of(clients[0]) is mailbox


@pytest.mark.parametrize("skip_host", [True, False])
def test_what_a_host_app_says_once_its_room_has_gone_goes_nowhere(skip_host, make_hub):
    hub = make_hub(cleanup_delay=0, host_for=make_hub.mailbox)
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    (mailbox,) = hub.mailboxes
    mailbox.taken()
    mailbox.send(b"goodbye", skip_host)
    assert mailbox.taken() == []
