"""What waits for a host app that is slower than its room: bounded, whoever adds to it."""

import json
import socket
import struct
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from weakref import ref

import gevent
import pytest
from flask import Flask
from gevent.event import Event
from gevent.lock import Semaphore
from greenlet import GreenletExit

from piehub import HostApp, create_app, host_app, memory
from piehub.host_app import Mailbox
from piehub.net.greenlets import Greenlets
from piehub.net.threads import Threads
from piehub.protocol.incoming import RoomInfo
from piehub.rooms.room import Emission
from tests.support.peer import ROOM, masked
from tests.support.timing import MS, PATIENCE

MOST = 10_000  # bytes that may wait


class Slow(HostApp):
    """Looks at a message each time that it is let to."""

    def __init__(self):
        self.seen, self.turns, self.is_cleaned = [], Semaphore(0), False

    def handle_message(self, message):
        self.seen.append(message)
        self.turns.acquire(timeout=PATIENCE)

    def cleanup(self):
        self.is_cleaned = True

    def go_on(self, turns=1000):
        for _ in range(turns):
            self.turns.release()


def until(is_so):
    with gevent.Timeout(PATIENCE):
        while not is_so():
            gevent.sleep(MS)


def settle():
    """Let all greenlets run that can."""
    for _ in range(100):
        gevent.sleep(0)


class Closed(Exception):
    """It is of no use any longer to wait."""


def no_matter():
    """It is still of use to wait."""


@pytest.fixture(params=[Greenlets, Threads])
def busy(request):
    """A mailbox, and its host app, which looks at a first message already."""
    host, delivered = Slow(), []
    info = RoomInfo("chat", "1", "lobby")
    mailbox = Mailbox(
        request.param(), Flask(__name__), info, lambda: host, bytes, delivered.append, MOST
    )
    mailbox.put(message("first"))
    until(lambda: host.seen)
    yield mailbox, host
    mailbox.close()
    host.go_on()
    until(lambda: not mailbox._is_running)


def message(payload, audience=(), **kind):
    text = json.dumps({"type": "Data", "payload": payload}).encode()
    return Emission("room", text, audience, **kind)


def say(mailbox, payload, said, check=no_matter, audience=()):
    with mailbox.space(check):
        mailbox.put(message(payload, audience))
        said.append(payload[:2])


def test_who_speaks_to_a_full_mailbox_waits_before_and_all_get_their_turn_in_order(busy):
    mailbox, host = busy
    said, everybody = [], [f"{number}" for number in range(10, 40)]
    speakers = [gevent.spawn(say, mailbox, one + "x" * 6_000, said) for one in everybody]
    settle()
    assert said == everybody[:2]
    for count in range(3, 10):
        host.go_on(1)
        until(lambda count=count: len(said) == count)
        settle()
        assert said == everybody[:count]
    host.go_on()
    gevent.joinall(speakers, timeout=PATIENCE, raise_error=True)
    assert said == everybody


def test_who_has_its_turn_is_let_put_its_message_before_the_next(busy):
    mailbox, _ = busy
    said, goes_on = [], Event()

    def think():
        with mailbox.space(no_matter):
            goes_on.wait(PATIENCE)  # as a thread that is held up there
            mailbox.put(message("x" * 20_000))

    thinker = gevent.spawn(think)
    settle()
    speaker = gevent.spawn(say, mailbox, "late", said)
    settle()
    goes_on.set()
    thinker.get(timeout=PATIENCE)
    settle()
    assert said == []
    speaker.kill()


def test_who_has_nothing_to_say_after_all_does_not_keep_the_others_waiting(busy):
    mailbox, host = busy

    def fail():
        with mailbox.space(no_matter):
            raise ValueError

    said = []
    say(mailbox, "x" * 20_000, said)
    failing = [gevent.spawn(fail) for _ in range(3)]
    last = gevent.spawn(say, mailbox, "last", said)
    settle()
    assert said == ["xx"]
    host.go_on(1)
    gevent.joinall([*failing, last], timeout=PATIENCE)
    assert [type(one.exception) for one in failing] == [ValueError] * 3
    assert said == ["xx", "la"]


def test_who_need_not_wait_any_longer_leaves_the_others_their_turn(busy):
    mailbox, host = busy
    said, closed = [], Event()

    def check():
        if closed.is_set():
            raise Closed

    say(mailbox, "x" * 20_000, said)
    closing = gevent.spawn(say, mailbox, "closing", said, check)
    last = gevent.spawn(say, mailbox, "last", said)
    settle()
    closed.set()
    with pytest.raises(Closed):
        closing.get(timeout=PATIENCE)
    assert said == ["xx"]
    host.go_on(1)
    last.get(timeout=PATIENCE)
    assert said == ["xx", "la"]


def test_nobody_waits_for_the_host_app_of_a_room_that_has_gone(busy):
    mailbox, _ = busy
    said = []
    say(mailbox, "x" * 20_000, said)
    waiting = [gevent.spawn(say, mailbox, "late", said) for _ in range(3)]
    settle()
    assert said == ["xx"]
    mailbox.close()
    settle()
    assert said == ["xx", "la", "la", "la"]
    gevent.joinall(waiting)


def test_an_audience_that_a_message_alone_keeps_is_counted_and_a_shared_one_once(busy):
    mailbox, _ = busy
    said, everybody = [], tuple(range(500))  # 4 kB
    for _ in range(10):
        say(mailbox, "same", said, audience=everybody)
    assert len(said) == 10
    speakers = [
        gevent.spawn(say, mailbox, "own", said, audience=(one, *everybody)) for one in range(10)
    ]
    settle()
    assert len(said) == 11
    gevent.killall(speakers)


@pytest.mark.parametrize("size", [0, 100, 5_000])
def test_what_waits_is_counted_at_about_what_it_takes(size, busy):
    mailbox, _ = busy
    before = mailbox._size
    tracemalloc.start()
    for number in range(1000):
        late = partial(list, (number, number))  # as a promise or an echo has it
        mailbox.put(Emission("answer", bytes(size), (number,), late=late))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.7 < taken / (mailbox._size - before) < 1.3


def test_of_presence_that_comes_to_a_full_mailbox_only_the_newest_waits(busy):
    mailbox, host = busy
    for number in range(5):
        mailbox.put(message(number, is_presence=True))
    mailbox.put(message("x" * 20_000))
    for number in range(5, 1000):
        mailbox.put(message(number, is_presence=True))
    host.go_on()
    until(lambda: not mailbox._is_running)
    seen = [one["payload"] for one in host.seen]
    assert seen == ["first", 0, 1, 2, 3, 4, "x" * 20_000, 999]


def test_of_a_room_that_goes_its_busy_host_app_sees_the_last_messages_and_cleans_up(busy, caplog):
    mailbox, host = busy
    for number in range(50):
        mailbox.put(message(f"{number} " + "x" * 1_000))
        mailbox.put(message("a whisper")._replace(kind="whisper"))
    mailbox.close()
    mailbox.close()
    assert 0 < mailbox._size <= 16_384
    host.go_on()
    until(lambda: host.is_cleaned)
    seen = [one["payload"].split()[0] for one in host.seen]
    assert seen == ["first", *(str(number) for number in range(39, 50))]
    (line,) = [one.message for one in caplog.records]
    assert "has not seen 39 messages" in line


def test_a_host_app_that_is_little_behind_sees_all_before_it_cleans_up(busy, caplog):
    mailbox, host = busy
    for number in range(30):
        mailbox.put(message(number))
    mailbox.close()
    host.go_on()
    until(lambda: host.is_cleaned)
    assert [one["payload"] for one in host.seen] == ["first", *range(30)]
    assert not caplog.records


def test_what_waits_as_its_room_goes_keeps_nobody_whom_it_was_for(busy):
    mailbox, _ = busy
    somebody = Event()
    mailbox.put(message("hello", audience=(somebody,)))
    is_kept = ref(somebody)
    del somebody
    assert is_kept()
    mailbox.close()
    assert not is_kept()


@pytest.mark.parametrize("runtime", [Greenlets, Threads])
@pytest.mark.parametrize("fault", [RecursionError("a bug"), GreenletExit("a kill")])
def test_a_message_that_cannot_be_delivered_is_logged_and_the_next_ones_are(runtime, fault, caplog):
    delivered = []

    def deliver(emission):
        if b"bad" in emission.text:
            raise fault
        delivered.append(json.loads(emission.text)["payload"])

    info = RoomInfo("chat", "1", "lobby")
    mailbox = Mailbox(runtime(), Flask(__name__), info, HostApp, bytes, deliver, MOST)
    for payload in ("good", "bad", "next"):
        mailbox.put(message(payload))
    until(lambda: not mailbox._is_running)
    mailbox.put(message("bad")._replace(kind="direct"))
    until(lambda: not mailbox._is_running)
    mailbox.put(message("last"))
    until(lambda: not mailbox._is_running)
    assert delivered == ["good", "next", "last"]
    assert caplog.text.count("cannot deliver a message of the host app of room") == 2
    assert str(fault) in caplog.text


class Crowd(NamedTuple):
    url: str
    client: Callable  # opens one, which is in the room
    hosts: list[Slow]


@pytest.fixture
def crowd(service, monkeypatch):
    """A hub whose host app is slow: starts it, and opens clients that have asked to join."""
    monkeypatch.setattr(memory, "of_machine", lambda: MOST * 40)
    hosts = []

    class Kept(Slow):
        def __init__(self):
            super().__init__()
            hosts.append(self)

    config = {"PIEHUB_ROOM_CLEANUP_DELAY": 0, "PIEHUB_SECRET_KEY": "for tests"}
    app = create_app(host_app=Kept, PIEHUB_RATE_LIMIT=0, PIEHUB_MAX_ROOMS=10, **config)
    url = service.start(app)

    def client():
        peer = service.peer(url)
        peer.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
        until(lambda: any(view.clients[-1:] == (peer.id,) for view in service.hub.registry.views()))
        return peer

    yield Crowd(url, client, hosts)
    for host in hosts:
        host.go_on(10_000)


def mailboxes(service):
    return [room.host for room in service.hub.registry._rooms.values()]


def received_from(service, peer):
    return service.hub.registry._clients[peer.id]._connection.received


def say_in_a_frame(kind, **fields):
    return masked(1, json.dumps({"type": kind, **fields}).encode())


def test_who_joins_and_leaves_and_joins_a_busy_room_waits_and_is_answered_each_time(service, crowd):
    client = crowd.client
    client()
    restless = client()
    (mailbox,) = mailboxes(service)
    for _ in range(500):
        restless.say("LeaveRoom")
        restless.say("JoinRoom", roomInfo=ROOM)
    restless.say("Data", payload="done")
    until(lambda: mailbox._turns)
    assert received_from(service, restless) < 60  # of 10 kB, each takes 300 bytes and more
    crowd.hosts[0].go_on(10_000)
    promises = 0
    while (heard := restless.hear())["type"] != "Data":
        promises += heard["type"] == "ResolvePromise"
    assert (promises, heard["payload"]) == (501, "done")


def test_who_comes_to_a_busy_room_or_goes_waits_for_its_host_app(service, crowd):
    client, hosts = crowd.client, crowd.hosts
    goes, speaks, comes = client(), client(), service.peer(crowd.url)
    speaks.say("Data", payload="x" * 20_000)
    until(lambda: received_from(service, speaks) == 2)
    goes.say("LeaveRoom")
    comes.say("JoinRoom", roomInfo=ROOM)
    until(lambda: received_from(service, goes) == 2 and received_from(service, comes) == 1)
    settle()
    (room,) = service.hub.registry.views()
    assert room.clients == (goes.id, speaks.id)
    hosts[0].go_on(1000)
    comes.hear_type("ResolvePromise")
    (room,) = service.hub.registry.views()
    assert room.clients == (speaks.id, comes.id)


def test_who_waits_to_join_a_room_that_goes_waits_for_the_next_one_of_its_name(service, crowd):
    keeper = crowd.client()
    keeper.say("Data", payload="x" * 20_000)
    until(lambda: received_from(service, keeper) == 2)
    many = [service.peer(crowd.url) for _ in range(40)]
    for peer in many:
        peer.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    until(lambda: all(received_from(service, peer) for peer in many))
    keeper.close()
    until(lambda: len(crowd.hosts) == 2)
    settle()
    (room,) = service.hub.registry.views()
    assert len(room.clients) < 20  # of 10 kB, each takes 800 bytes and more
    for host in crowd.hosts:
        host.go_on(10_000)
    for peer in many:
        assert peer.hear_type("ResolvePromise")["data"]["name"] == ROOM["name"]


def test_what_a_busy_room_has_no_part_in_is_answered_before_the_promise_of_joining_it(crowd):
    peer = crowd.client()
    peer.say("JoinRoom", roomInfo=ROOM | {"name": "elsewhere"}, makeRoomIfNonExistant=True)
    peer.say("EnterMatchmaking", app="chat", version="1", matchSize=2)
    peer.say("LeaveMatchmaking")
    peer.say("GetRooms")
    heard = [peer.hear() for _ in range(4)]
    assert [(one["type"], one.get("func")) for one in heard] == [
        ("RejectPromise", "JoinRoom"),
        ("RejectPromise", "EnterMatchmaking"),
        ("ResolvePromise", "LeaveMatchmaking"),
        ("Rooms", None),
    ]
    crowd.hosts[0].go_on()
    assert peer.hear_type("ResolvePromise")["func"] == "JoinRoom"


def test_rooms_that_go_leave_little_behind_however_much_waited_in_them(service, crowd):
    left = []
    for number in range(20):  # where ten rooms may be at once
        peer = crowd.client()
        until(lambda number=number: len(crowd.hosts) == number + 1)
        left += mailboxes(service)
        for size in (1_000, 2_000, 60_000):
            peer.say("Data", payload="x" * size)
        until(lambda peer=peer: received_from(service, peer) == 4)
        assert left[-1]._size > 60_000
        peer.close()
        until(lambda: service.hub.registry.counts() == (0, 0))
    assert len(left) == 20
    assert sum(mailbox._size for mailbox in left) < 20 * 16_384
    for host in crowd.hosts:
        host.go_on()
    until(lambda: all(host.is_cleaned for host in crowd.hosts))


def test_who_leaves_a_busy_room_for_another_gets_the_promises_in_that_order(service, crowd):
    peer = crowd.client()
    peer.say("LeaveRoom")
    peer.say("JoinRoom", roomInfo=ROOM | {"name": "elsewhere"}, makeRoomIfNonExistant=True)
    until(lambda: len(crowd.hosts) == 2)
    crowd.hosts[1].go_on()
    heard = [peer.hear_type("ResolvePromise") for _ in range(2)]
    assert [one["data"]["name"] for one in heard] == ["lobby", "elsewhere"]


def test_what_a_client_said_before_it_went_is_said_although_it_had_to_wait(
    service, crowd, monkeypatch
):
    monkeypatch.setattr(host_app, "_LOOK_EVERY", 20 * MS)
    speakers = [crowd.client() for _ in range(4)]
    leaver = service.wire(crowd.url)
    gone = service.hub.registry._clients[json.loads(leaver.frame()[1])["clientId"]]
    leaver.send(say_in_a_frame("JoinRoom", roomInfo=ROOM))
    until(lambda: gone._connection.received == 1)
    for speaker in speakers:
        speaker.say("Data", payload="x" * 11_000)
        until(partial(lambda one: received_from(service, one) == 2, speaker))
    leaver.send(say_in_a_frame("Data", payload="my last word"))
    until(lambda: gone._connection.received == 2)
    leaver.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    leaver.close()
    while gone.outbox.is_open:  # until some of what it was sent could not be
        crowd.hosts[0].go_on(1)
        settle()
    gevent.sleep(5 * host_app._LOOK_EVERY)
    crowd.hosts[0].go_on(10_000)
    heard = [speakers[0].hear_type("Data")["payload"] for _ in range(5)]
    assert heard == ["x" * 11_000] * 4 + ["my last word"]


def test_each_of_many_who_speak_to_a_busy_host_app_waits_before(service, crowd):
    client, hosts = crowd.client, crowd.hosts
    peers = [client() for _ in range(10)]
    for number, peer in enumerate(peers):
        peer.say("Data", payload=f"{number}" + "x" * 6_000)
    until(lambda: all(received_from(service, peer) == 2 for peer in peers))
    settle()
    (mailbox,) = mailboxes(service)
    assert mailbox._size < MOST + 7_000
    hosts[0].go_on(1000)
    heard = {peers[0].hear_type("Data")["payload"][0] for _ in peers}
    assert heard == set("0123456789")


def test_of_many_who_vanish_from_a_busy_room_its_host_app_hears_at_the_end(service, crowd):
    client, hosts = crowd.client, crowd.hosts
    stays = client()
    until(lambda: hosts)
    hosts[0].go_on(29)
    vanish = [client() for _ in range(29)]
    until(lambda: len(hosts[0].seen) == 30)
    stays.say("Data", payload="x" * 20_000)
    until(lambda: received_from(service, stays) == 2)
    for peer in vanish:
        peer.close()
    until(lambda: len(list(service.hub.heartbeat)) == 1)
    hosts[0].go_on(1000)
    stays.say("Data", payload="last")
    until(lambda: hosts[0].seen[-1].get("payload") == "last")
    kinds = [(one["type"], one.get("present")) for one in hosts[0].seen]
    assert kinds[30:] == [("Data", None), ("ClientPresenceChanged", False), ("Data", None)]
    assert hosts[0].seen[31]["clients"] == [stays.id]


def test_the_hub_takes_leave_of_who_waits_for_a_busy_host_app(service, crowd):
    client = crowd.client
    peers = [client() for _ in range(5)]
    for peer in peers:
        peer.say("Data", payload="x" * 20_000)
    until(lambda: all(received_from(service, peer) == 2 for peer in peers))
    service.hub.drain()
    assert [peer.close_code() for peer in peers] == [1012] * 5
    until(lambda: not list(service.hub.heartbeat))


def test_who_waits_for_a_busy_host_app_can_come_back_on_another_connection(service, crowd):
    client, hosts = crowd.client, crowd.hosts
    client()
    waits = client()
    for payload in ("x" * 20_000, "late"):
        waits.say("Data", payload=payload)
    until(lambda: received_from(service, waits) == 3)
    token = waits.hello["resumeToken"]
    back = service.peer(crowd.url, clientId=waits.id, resumeToken=token)
    assert back.id == waits.id
    assert waits.close_code() == 4409
    until(lambda: len(list(service.hub.heartbeat)) == 2)
    hosts[0].go_on(1000)
    until(lambda: hosts[0].seen[-1]["type"] == "ClientPresenceChanged")
    assert "late" not in [one.get("payload") for one in hosts[0].seen]
