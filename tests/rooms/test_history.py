"""What a room with a history numbers and keeps, and what a client that comes back is told."""

import gc
import json
import tracemalloc
from types import MappingProxyType

import pytest

from piehub.protocol.incoming import Recover
from piehub.rooms.history import Histories


def data(client):
    """(seq, payload) of the Data that it has heard since the last call."""
    return [(one.get("seq"), one["payload"]) for one in client.heard() if one["type"] == "Data"]


def answer(client):
    """A JoinRoom promise's data, and (seq, payload) of the Data that came after it."""
    heard = client.heard()
    types = [one["type"] for one in heard]
    assert types[:2] == ["ClientPresenceChanged", "ResolvePromise"]
    assert set(types[2:]) <= {"Data"}
    return heard[1]["data"], [(one["seq"], one["payload"]) for one in heard[2:]]


def come_back(hub, client_id, recover, **settings):
    client = hub.client(client_id)
    hub.join(client, recover=recover, **settings)
    return answer(client)


@pytest.fixture
def room(hub):
    """A room that keeps three messages: its hub, its epoch, two members."""
    anna, bert = hub.clients("anna bert")
    hub.join(anna, history=3)
    hub.join(bert)
    (told, _) = answer(bert)
    anna.heard()
    return hub, told["epoch"], anna, bert


def test_every_data_is_numbered_from_one_on(room):
    hub, _, anna, bert = room
    hub.say(anna, "a")
    hub.together(anna, "b")
    hub.together(bert, "c")
    hub.registry.announce(("app", "r", "1"), b'{"type":"Data","payload":"d","time":5}')
    assert data(anna) == data(bert) == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


def test_what_cannot_be_numbered_takes_no_number(room):
    hub, _, anna, _ = room
    deep = b'{"type":"Data","seq":%b1%b}' % (b"[" * 100_000, b"]" * 100_000)
    with pytest.raises(RecursionError):
        hub.registry.announce(("app", "r", "1"), deep)
    hub.say(anna, "a")
    assert data(anna) == [(1, "a")]


def test_whispers_and_presence_are_not_numbered(room):
    hub, epoch, anna, bert = room
    hub.whisper(anna, "psst", ["bert"])
    hub.client("carl")
    hub.registry.leave(anna)
    hub.join(anna)
    assert data(bert) == [(None, "psst")]
    assert answer(anna)[0]["seq"] == 0
    assert come_back(hub, "dora", Recover(epoch, 0))[1] == []


def test_a_room_without_a_history_numbers_nothing_and_recovers_nothing(hub):
    (anna,) = hub.room_of("anna")
    hub.say(anna, "a", "id")
    hub.say(anna, "a", "id")
    assert data(anna) == [(None, "a"), (None, "a")]
    told, missed = come_back(hub, "bert", Recover("epoch", 0))
    assert told == {
        "app": "app",
        "name": "r",
        "version": "1",
        "isPasswordProtected": False,
        "recovered": False,
    }
    assert not missed


def test_a_join_is_told_where_the_room_stands(room):
    hub, epoch, anna, _ = room
    for payload in "abcd":
        hub.say(anna, payload)
    told, missed = come_back(hub, "carl", None)
    assert (told["history"], told["epoch"], told["seq"]) == (3, epoch, 4)
    assert "recovered" not in told
    assert not missed


def test_who_comes_back_gets_all_it_missed_in_order_behind_its_promise(room):
    hub, epoch, anna, bert = room
    hub.registry.disconnect(bert)
    for payload in "abc":
        hub.say(anna, payload)
    told, missed = come_back(hub, "bert", Recover(epoch, 0))
    assert (told["recovered"], told["seq"]) == (True, 3)
    assert missed == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize(
    ("recovers", "count"),
    [
        pytest.param(lambda epoch: Recover(epoch, 1), 3, id="three of four"),
        pytest.param(lambda epoch: Recover(epoch, 4), 0, id="nothing missed"),
        pytest.param(lambda epoch: Recover(epoch, 0), 0, id="not all there"),
        pytest.param(lambda epoch: None, 0, id="asks for nothing"),
    ],
)
def test_a_join_says_how_many_bytes_it_has_missed_and_is_sent(room, recovers, count):
    hub, epoch, anna, _ = room
    for payload in ("a", "bb", "ccc", "dddd"):
        hub.say(anna, payload)
    back = hub.client("carl")
    size = hub.join(back, recover=recovers(epoch))
    missed = [text for text in back.frames if json.loads(text)["type"] == "Data"]
    assert len(missed) == count
    assert size == sum(map(len, missed))


def test_who_missed_nothing_recovers_nothing_and_is_told_that_it_is_well(room):
    hub, epoch, anna, bert = room
    hub.say(anna, "a")
    hub.registry.disconnect(bert)
    told, missed = come_back(hub, "bert", Recover(epoch, 1))
    assert told["recovered"] is True
    assert not missed


def test_what_is_new_comes_behind_what_was_missed(room):
    hub, epoch, anna, bert = room
    hub.say(anna, "a")
    hub.registry.leave(bert)
    bert.heard()
    hub.join(bert, recover=Recover(epoch, 0))
    hub.say(anna, "b")
    _, heard = answer(bert)
    assert heard == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("last", [0, 5, 1_000_000])
def test_a_gap_or_what_was_never_said_is_not_recovered(room, last):
    hub, epoch, anna, _ = room
    for payload in "abcd":  # three are kept
        hub.say(anna, payload)
    told, missed = come_back(hub, "carl", Recover(epoch, last))
    assert told["recovered"] is False
    assert not missed


def test_another_life_of_the_room_is_not_recovered(make_hub):
    hub = make_hub(cleanup_delay=0)
    (anna,) = hub.room_of("anna", history=3)
    hub.say(anna, "a")
    hub.registry.leave(anna)
    anna.heard()
    hub.join(anna, history=3)
    first, _ = answer(anna)
    hub.registry.leave(anna)
    anna.heard()
    hub.join(anna, history=3, recover=Recover(first["epoch"], 0))
    told, missed = answer(anna)
    assert told["epoch"] != first["epoch"]
    assert (told["seq"], told["recovered"], missed) == (0, False, [])


def test_an_empty_room_keeps_its_history(room):
    hub, epoch, anna, bert = room
    hub.say(anna, "a")
    hub.registry.disconnect(anna)
    hub.registry.disconnect(bert)
    hub.clock.advance(100)
    told, missed = come_back(hub, "anna", Recover(epoch, 0))
    assert (told["recovered"], missed) == (True, [(1, "a")])


def test_a_message_is_kept_for_its_time_and_no_longer(room):
    hub, epoch, anna, _ = room
    hub.say(anna, "a", "id")
    hub.clock.advance(60)
    hub.say(anna, "b")
    hub.clock.advance(59.9)
    assert come_back(hub, "carl", Recover(epoch, 0))[1] == [(1, "a"), (2, "b")]
    hub.clock.advance(0.1)
    assert come_back(hub, "dora", Recover(epoch, 0))[0]["recovered"] is False
    assert come_back(hub, "emil", Recover(epoch, 1))[1] == [(2, "b")]
    anna.heard()
    hub.say(anna, "a", "id")  # is forgotten with its id
    assert data(anna) == [(3, "a")]


def test_a_message_that_is_past_its_time_may_be_said_again(room):
    hub, _, anna, bert = room
    hub.say(anna, "a", "id")
    hub.clock.advance(120)
    hub.say(anna, "a", "id")
    assert data(anna) == data(bert) == [(1, "a"), (2, "a")]


def test_a_message_that_was_kept_is_not_said_twice_and_its_sender_alone_gets_its_echo(room):
    hub, _, anna, bert = room
    hub.say(anna, "a", "id")
    hub.say(anna, "b")
    assert data(anna) == [(1, "a"), (2, "b")]
    hub.say(anna, "other words", "id")
    assert data(anna) == [(1, "a")]
    assert data(bert) == [(1, "a"), (2, "b")]


def test_another_clients_id_is_another_message(room):
    hub, _, anna, bert = room
    hub.say(anna, "a", "id")
    hub.say(bert, "b", "id")
    assert data(bert) == [(1, "a"), (2, "b")]


def test_who_comes_back_and_says_it_again_doubles_nothing(room):
    hub, epoch, anna, bert = room
    hub.say(anna, "a", "id")
    hub.registry.disconnect(anna)
    anna = hub.client("anna")
    hub.join(anna, recover=Recover(epoch, 0))
    assert answer(anna)[1] == [(1, "a")]
    hub.say(anna, "a", "id")
    assert data(anna) == [(1, "a")]
    assert data(bert) == [(1, "a")]


def test_a_message_that_is_no_longer_kept_may_be_said_again(room):
    hub, _, anna, bert = room
    for count, payload in enumerate("abcd"):
        hub.say(anna, payload, f"id {count}")
    hub.say(anna, "a", "id 0")
    hub.say(anna, "d", "id 3")
    assert data(bert) == [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "a")]


def test_together_messages_are_not_doubled_either(room):
    hub, _, anna, bert = room
    hub.together(anna, "a", message_id="id")
    hub.together(anna, "a again", message_id="id")
    hub.together(bert, "b")
    assert data(bert) == [(1, "a again"), (2, "b")]
    hub.together(anna, "a once more", message_id="id")
    assert data(bert) == []
    assert data(anna) == [(1, "a again"), (2, "b"), (1, "a again")]


def test_what_was_said_while_it_waited_in_a_group_is_not_said_again_with_the_group(room):
    hub, _, anna, bert = room
    hub.together(anna, "a", message_id="id")
    hub.say(anna, "a", "id")
    hub.together(bert, "b")
    assert data(bert) == [(1, "a"), (2, "b")]


def test_a_stranger_to_the_room_is_acknowledged_nothing(room):
    hub, _, anna, _ = room
    hub.say(anna, "a", "id")
    hub.registry.leave(anna)
    assert not hub.registry.acknowledge(anna, "id")
    assert not hub.registry.keeps_history(anna)


def test_a_room_keeps_no_more_than_finds_space_in_an_outbox(make_hub):
    hub = make_hub(outbox_bytes=2000)
    (anna,) = hub.room_of("anna", history=1000)
    hub.registry.leave(anna)
    anna.heard()
    hub.join(anna)
    epoch = answer(anna)[0]["epoch"]
    for _ in range(50):
        hub.say(anna, "x" * 100)
    sizes = [len(frame) for frame in anna.frames if b"x" * 100 in frame]
    kept = 1000 // sizes[-1]
    assert come_back(hub, "bert", Recover(epoch, 50 - kept))[0]["recovered"] is True
    assert come_back(hub, "carl", Recover(epoch, 50 - kept - 1))[0]["recovered"] is False


def test_the_longest_histories_give_way_to_the_others(make_hub):
    hub = make_hub(history_bytes=50_000)
    loud, quiet = hub.clients("loud quiet")
    epochs = {}
    for client in (loud, quiet):
        hub.join(client, client.id, history=1000)
        epochs[client.id] = answer(client)[0]["epoch"]
    hub.say(quiet, "words")
    for _ in range(1000):
        hub.say(loud, "x" * 100)
    for client, last, recovered in ((quiet, 0, True), (loud, 0, False), (loud, 900, True)):
        back = hub.client(f"{client.id} {last}")
        hub.join(back, client.id, recover=Recover(epochs[client.id], last))
        assert answer(back)[0]["recovered"] is recovered


def test_histories_that_are_level_give_up_alike():
    histories = Histories(60, 100_000, 90_000, lambda: 0.0)
    rooms = [histories.open(1000) for _ in range(4)]
    for _ in range(500):
        for room in rooms:
            room.add(b'{"payload":"' + b"x" * 200 + b'"}', None)
        assert histories.held <= 100_000
    sizes = [room.held for room in rooms]
    assert max(sizes) - min(sizes) <= 100_000 / 16
    assert sum(sizes) == histories.held > 80_000


def test_what_is_past_its_time_goes_before_anything_else():
    now = [0.0]
    histories = Histories(60, 100_000, 90_000, lambda: now[0])
    old, new = histories.open(1000), histories.open(1000)
    for _ in range(200):
        old.add(b'{"payload":"' + b"x" * 200 + b'"}', None)
    now[0] = 61
    while old.held:
        new.add(b'{"payload":"' + b"x" * 100 + b'"}', None)
    assert new.seq * 280 > 15_000
    assert new.since(Recover(new.epoch, 0)) is not None


def test_a_room_that_has_gone_takes_nothing(make_hub):
    hub = make_hub(cleanup_delay=0)
    (anna,) = hub.room_of("anna", history=100)
    histories = hub.registry._histories
    hub.say(anna, "x" * 1000, "id")
    assert histories.held > 1000
    hub.registry.leave(anna)
    assert histories.held == 0


@pytest.mark.parametrize(
    ("sender", "message_id"),
    [
        ("a client's id", None),
        ("a client's id", "0123456789abcdef0123456789abcdef"),
        ("a client's id", "\N{PIE}" * 60),
        ("\N{PIE}" * 128, "\N{PIE}" * 60),
    ],
    ids=["no messageId", "a short one", "a long one", "and a long sender's id"],
)
def test_a_message_is_counted_at_what_it_takes(sender, message_id):
    histories = Histories(60, 100_000_000, 100_000_000, lambda: 1.5)
    room = histories.open(1000)
    gc.collect()
    tracemalloc.start()
    for count in range(1000):
        key = (f"{sender} {count}", f"{message_id} {count}") if message_id else None
        room.add(b'{"payload":"' + b"x" * 100 + b'"}', key)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.7 * histories.held < taken < histories.held


def test_a_host_apps_room_numbers_what_the_host_app_lets_through(host_hub):
    anna, mailbox, told = hosted(host_hub)
    host_hub.say(anna, "a")
    host_hub.say(anna, "dropped")
    host_hub.say(anna, "changed")
    mailbox.send(b'{"type":"Data","payload":"its own","time":5}', True)
    mailbox.send(b'{"type":"Data","payload":"seen by it","seq":9,"time":5}', False)
    changes = {
        "dropped": b"",
        "changed": b'{"seq":77,"type":"Data","payload":"otherwise","time":5}',
    }
    deliver_all(mailbox, changes)
    numbered = [(1, "a"), (2, "otherwise"), (3, "its own"), (4, "seen by it")]
    assert data(anna) == numbered
    assert b'"seq":77' not in b"".join(anna.frames)
    back = host_hub.client("back")
    host_hub.join(back, recover=Recover(told["epoch"], 0))
    deliver_all(mailbox)
    assert answer(back) == ({**told, "seq": 4, "recovered": True}, numbered)


def test_what_a_host_app_makes_of_data_is_numbered_if_it_is_data(host_hub):
    anna, mailbox, _ = hosted(host_hub)
    for payload in ("a", "b"):
        host_hub.say(anna, payload)
    deliver_all(mailbox, {"a": b'{"type":"Other","payload":"a"}'})
    assert [(one["type"], one.get("seq")) for one in anna.heard()] == [("Other", None), ("Data", 1)]


def test_what_a_host_app_makes_of_presence_has_no_number_and_is_not_recovered(host_hub):
    anna, mailbox, told = hosted(host_hub)
    host_hub.say(anna, "a")
    back = host_hub.client("back")
    host_hub.join(back, recover=Recover(told["epoch"], 0))
    for emission in mailbox.taken():
        if emission.is_presence:
            text = b'{"type":"Data","payload":"back","time":5,"seq":7}'
            mailbox.deliver(emission._replace(text=text))
        else:
            mailbox.deliver(emission)
    assert data(anna) == [(1, "a"), (None, "back")]
    came, promise, missed = back.heard()
    assert (came["payload"], "seq" in came) == ("back", False)
    assert promise["data"] == {**told, "seq": 1, "recovered": True}
    assert (missed["payload"], missed["seq"]) == ("a", 1)


def test_what_is_still_with_the_host_app_comes_before_the_promise_of_who_comes_back(host_hub):
    anna, mailbox, told = hosted(host_hub)
    host_hub.say(anna, "a")
    back = host_hub.client("back")
    host_hub.join(back, recover=Recover(told["epoch"], 0))
    host_hub.say(anna, "b")
    deliver_all(mailbox)
    assert answer(back) == ({**told, "seq": 1, "recovered": True}, [(1, "a"), (2, "b")])


def test_who_has_left_before_its_promise_is_sent_nothing_that_it_missed(host_hub):
    anna, mailbox, told = hosted(host_hub)
    host_hub.say(anna, "a")
    deliver_all(mailbox)
    back = host_hub.client("back")
    host_hub.join(back, recover=Recover(told["epoch"], 0))
    host_hub.registry.leave(back)
    (promise,) = back.heard()
    assert promise["data"] == {**told, "seq": 1, "recovered": False}
    deliver_all(mailbox)
    assert back.heard() == []


def test_what_is_still_with_the_host_app_is_not_shown_to_it_twice(host_hub):
    anna, mailbox, _ = hosted(host_hub)
    host_hub.say(anna, "a", "id")
    host_hub.say(anna, "a", "id")
    assert [emission.kind for emission in mailbox.emissions] == ["room", "whisper"]
    deliver_all(mailbox)
    assert data(anna) == [(1, "a"), (1, "a")]
    host_hub.say(anna, "a", "id")
    deliver_all(mailbox)
    assert data(anna) == [(1, "a")]


def test_what_a_host_app_dropped_may_be_said_again(host_hub):
    anna, mailbox, _ = hosted(host_hub)
    host_hub.say(anna, "a", "id")
    host_hub.say(anna, "a", "id")
    deliver_all(mailbox, {"a": b""})
    assert data(anna) == []
    host_hub.say(anna, "a", "id")
    assert [emission.kind for emission in mailbox.emissions] == ["room"]


def test_what_a_host_app_let_through_may_be_said_again_once_it_is_past_its_time(host_hub):
    anna, mailbox, _ = hosted(host_hub)
    for seq in (1, 2):
        host_hub.say(anna, "a", "id")
        deliver_all(mailbox)
        assert data(anna) == [(seq, "a")]
        host_hub.clock.advance(120)


def test_who_leaves_and_comes_back_hears_once_what_the_host_app_had_still_to_look_at(host_hub):
    anna, mailbox, told = hosted(host_hub)
    bert = host_hub.client("bert")
    host_hub.join(bert)
    deliver_all(mailbox)
    host_hub.say(bert, "a")
    host_hub.registry.leave(anna)
    anna.heard()
    host_hub.join(anna, recover=Recover(told["epoch"], 0))
    deliver_all(mailbox)
    assert answer(anna) == ({**told, "seq": 1, "recovered": True}, [(1, "a")])


def test_what_a_host_app_is_done_with_once_its_room_has_gone_is_kept_nowhere(make_hub):
    hub = make_hub(host_for=make_hub.mailbox, cleanup_delay=0)
    anna, mailbox, _ = hosted(hub)
    hub.say(anna, "a")
    hub.registry.leave(anna)
    deliver_all(mailbox)
    assert hub.registry._histories.held == 0


def test_nothing_is_kept_of_who_has_left_a_host_apps_room(host_hub):
    anna, *_ = hosted(host_hub)
    bert, carl = host_hub.clients("bert carl")
    host_hub.join(bert)
    host_hub.join(carl)
    room = host_hub.registry._places[anna]
    host_hub.registry.leave(anna)
    host_hub.registry.leave(carl)
    assert list(room._came) == list(room._owed) == ["bert"]
    deliver_all(host_hub.mailboxes[0])
    assert not room._owed


def hosted(hub):
    """A client in a host app's room with a history, the room's mailbox, and what it was told."""
    anna = hub.client("anna")
    hub.join(anna, history=10)
    (mailbox,) = hub.mailboxes
    deliver_all(mailbox)
    return anna, mailbox, answer(anna)[0]


def deliver_all(mailbox, changes=MappingProxyType({})):
    """Let the host app be done with all that waits, changing what has these payloads."""
    for emission in mailbox.taken():
        payload = json.loads(emission.text or b"{}").get("payload")
        mailbox.deliver(emission._replace(text=changes.get(payload, emission.text)))
