"""What the sweep does for all clients together: too much that waits, too long without a room."""

import json
import sys
from time import monotonic

import gevent
import pytest

from piehub.net import heartbeat as heartbeat_module
from piehub.net.greenlets import Greenlets
from tests.support.peer import ROOM, masked
from tests.support.timing import MS, PATIENCE

TEXT, CLOSE, PING = 1, 8, 9
PAYLOAD = "x" * 60_000


@pytest.fixture
def room(service):
    """A hub with 3 MB for all outboxes together; one who speaks, and two who read nothing."""
    url = service.start(
        outbox_bytes=20_000_000, outboxes_bytes=3_000_000, rate_limit=0, room_cleanup_delay=0
    )
    sender = service.peer(url)
    sender.join()
    connections = set(service.hub.heartbeat)
    stalled = {}
    for name in ("slow", "slower"):
        wire = service.wire(url)
        client_id = json.loads(wire.frame()[1])["clientId"]
        message = {"type": "JoinRoom", "roomInfo": ROOM}
        wire.send(masked(TEXT, json.dumps(message).encode()))
        while b"ResolvePromise" not in wire.frame()[1]:
            pass
        (connection,) = set(service.hub.heartbeat) - connections
        connections.add(connection)
        stalled[name] = (wire, client_id, connection)
    return sender, stalled


def fill(sender, client_id, connection, bytes_):
    """Whisper to a client until so much waits for it."""
    with gevent.Timeout(PATIENCE):
        while connection.outbox.size < bytes_ and connection.outbox.is_open:
            sender.say("Data", subType="Whisper", whisperClientIds=[client_id], payload=PAYLOAD)
            sender.say("GetStats")
            sender.hear_type("GetStats")


def test_when_too_much_waits_for_all_together_the_slowest_are_closed(room, caplog):
    sender, stalled = room
    _, slow_id, slow = stalled["slow"]
    wire, slower_id, slower = stalled["slower"]
    fill(sender, slow_id, slow, 1_000_000)
    fill(sender, slower_id, slower, 2_500_000)
    with gevent.Timeout(PATIENCE):
        while slower.closing_at is None:
            gevent.sleep(MS)
    assert slower.how_it_ended()[0] == 4413
    assert slower.outbox.size < 100_000  # the rest of a frame, and the close frame
    assert slow.closing_at is None
    assert slow.outbox.size >= 1_000_000
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert record.message == (
        "closed the slowest clients, 1 of them: over 3000000 bytes were waiting for all together "
        "(PIEHUB_OUTBOXES_BYTES)"
    )
    frames = [wire.frame()]
    while frames[-1][0] != CLOSE:
        frames.append(wire.frame())
    assert frames[-1][1][:2] == (4413).to_bytes(2, "big")
    assert {json.loads(text)["payload"] for _, text in frames[:-1]} == {PAYLOAD}


def test_as_long_as_all_of_it_is_allowed_nobody_is_closed(room, service):
    sender, stalled = room
    for _, client_id, connection in stalled.values():
        fill(sender, client_id, connection, 1_000_000)
    service.hub.heartbeat.sweep(monotonic())
    for _, _, connection in stalled.values():
        assert connection.closing_at is None
        assert not connection.is_too_slow


@pytest.mark.parametrize("every", [1.0, 1.04])
@pytest.mark.parametrize("first", [0.0, 0.4, 0.999])
def test_who_vanishes_is_gone_within_45_seconds(first, every, service, clock):
    """By the defaults, whenever it was that it vanished, and if the sweeps come somewhat late."""
    began = clock.now
    service.wire(service.start()).frame()
    (connection,) = service.hub.heartbeat
    clock.now += first
    while connection.closing_at is None:
        service.hub.heartbeat.sweep(clock.now)
        clock.now += every
    assert 40 < connection.closing_at - began <= 45
    assert connection.closing_at - connection.pinged_at >= 20


# Messages on their way


def speaking(service, url, size, of):
    """A client that has sent so much of a message, and the hub's side of it."""
    others = set(service.hub.heartbeat)
    wire = service.wire(url)
    wire.frame()
    (connection,) = set(service.hub.heartbeat) - others
    wire.send(masked(TEXT, b"x" * of)[: size - of])
    with gevent.Timeout(PATIENCE):
        while connection.reader.message is None or connection.held < size:
            gevent.sleep(MS)
    return wire, connection


def test_a_message_that_takes_longer_than_30_seconds_to_arrive_ends_its_client(service):
    _, connection = speaking(service, service.start(), 900, of=1000)
    sweep, now = service.hub.heartbeat.sweep, monotonic()
    sweep(now)
    connection.heard_at = now + 29  # another byte
    sweep(now + 29)
    assert connection.closing_at is None
    sweep(now + 31)
    assert connection.how_it_ended() == (1008, "a message took too long to arrive")


def test_each_message_has_its_own_time_to_arrive(service):
    wire, connection = speaking(service, service.start(), 900, of=1000)
    sweep, now = service.hub.heartbeat.sweep, monotonic()
    sweep(now)
    wire.send(masked(TEXT, b"x" * 1000)[-100:] + masked(TEXT, b"x" * 1000)[:-100])
    wire.frame()  # that the first one is no JSON
    sweep(now + 20)
    sweep(now + 40)
    assert connection.closing_at is None


def test_messages_may_take_any_time_where_that_is_set(service):
    _, connection = speaking(service, service.start(message_timeout=0), 900, of=1000)
    sweep, now = service.hub.heartbeat.sweep, monotonic()
    sweep(now)
    sweep(now + 10)
    connection.pinged_at = None
    connection.heard_at = now + 10_000
    sweep(now + 10_000)
    assert connection.closing_at is None


@pytest.mark.parametrize("compressed", [False, True])
def test_messages_on_their_way_count_with_what_waits_for_all(compressed, service):
    url = service.start(outboxes_bytes=100_000, compression=compressed)
    connections = [speaking(service, url, size, of=60_000)[1] for size in (50_000, 55_000)]
    service.hub.heartbeat.sweep(monotonic())
    assert [connection.how_it_ended()[0] for connection in connections] == [1006, 4413]


def test_a_message_that_is_whole_is_held_no_longer_however_it_goes_on(service):
    wire, connection = speaking(service, service.start(), 900, of=1000)
    service.hub.heartbeat.sweep(monotonic())
    message = connection.reader.message
    wire.send(masked(TEXT, b"x" * 1000)[-106:])
    wire.frame()  # that it is no JSON
    with gevent.Timeout(PATIENCE):
        while connection.reader.message:
            gevent.sleep(MS)
    assert sys.getrefcount(message) == 2  # ours, and the call's


def test_who_is_closed_for_its_message_holds_it_no_longer_and_the_next_one_stays(service):
    url = service.start(outboxes_bytes=100_000)
    (_, small), (_, large) = (speaking(service, url, size, of=63_000) for size in (45_000, 60_000))
    message = large.reader.message
    for _ in range(3):  # the large one is still about to end
        service.hub.heartbeat.sweep(monotonic())
    assert small.closing_at is None
    assert large.how_it_ended()[0] == 4413
    assert large.held < 1000
    assert sys.getrefcount(message) == 2  # ours, and the call's


def test_who_takes_much_and_is_about_to_end_anyway_is_not_closed_again(room, service, caplog):
    sender, stalled = room
    _, slower_id, slower = stalled["slower"]
    fill(sender, slower_id, slower, 4_000_000)
    with gevent.Timeout(PATIENCE):
        while slower.closing_at is None:
            gevent.sleep(MS)
    caplog.clear()
    slower.outbox.put(b"x" * 4_000_000)  # as a frame of which a part is out, and the rest stays
    service.hub.heartbeat.sweep(monotonic())
    assert not caplog.records


# When the hub itself is late


class Steps:
    """What a sweep waits for; each time, the clock has moved by so many seconds."""

    def __init__(self, clock, steps):
        self._clock = clock
        self._steps = iter(steps)

    def wait(self, timeout):
        for seconds in self._steps:
            self._clock.now += seconds
            return False
        return True

    def set(self):
        pass


@pytest.fixture
def sweeping(service, clock):
    """Sweep over a client, each time after so many seconds; return the hub's side of it."""

    def sweep(steps, first=b"", **options):
        wire = service.wire(service.start(ping_interval=0))
        wire.frame()
        wire.send(first + masked(PING, b""))
        wire.frame()
        (connection,) = service.hub.heartbeat
        begun = []
        runtime = Greenlets()
        runtime.event, runtime.spawn = lambda: Steps(clock, steps), begun.append
        heartbeat = heartbeat_module.Heartbeat(lambda: runtime, 25, 20, **options)
        heartbeat.watch(connection)
        begun[0]()
        heartbeat.forget(connection)
        return connection

    return sweep


def test_nobody_is_late_for_a_pong_while_the_hub_itself_stood_still(sweeping):
    connection = sweeping([1] * 30 + [60] + [1] * 5)
    assert connection.pinged_at is not None
    assert connection.closing_at is None


def test_who_does_not_answer_is_closed_all_the_same_once_the_hub_goes_on(sweeping):
    assert sweeping([1] * 30 + [60] + [1] * 20).how_it_ended()[0] == 4408


def test_no_message_is_late_while_the_hub_itself_stood_still(sweeping):
    begun = masked(TEXT, b"x" * 9, fin=False)
    assert sweeping([1] * 5 + [60], first=begun).closing_at is None


def test_nobody_is_late_for_its_first_room_while_the_hub_itself_stood_still(sweeping):
    assert sweeping([1] * 5 + [60], join_timeout=30).closing_at is None


def test_a_sweep_that_fails_is_logged_and_the_next_one_comes(sweeping, monkeypatch, capsys):
    sweep, faults = heartbeat_module.Heartbeat.sweep, [ZeroDivisionError("a bug")]

    def fail_once(self, now):
        if faults:
            raise faults.pop()
        sweep(self, now)

    monkeypatch.setattr(heartbeat_module.Heartbeat, "sweep", fail_once)
    connection = sweeping([1] * 46)
    assert connection.how_it_ended()[0] == 4408
    assert "the heartbeat failed" in capsys.readouterr().err


def ends(peer):
    """The close code and the reason that a client reads in the end."""
    code = peer.close_code()
    return code, peer.socket.close_reason


def test_who_joins_nothing_in_time_is_closed_where_that_is_required(service):
    url = service.start(require_join=True, join_timeout=200 * MS)
    began = monotonic()
    assert ends(service.peer(url)) == (1008, f"no room was joined in {200 * MS:g} s")
    assert monotonic() - began >= 200 * MS


def test_who_has_joined_something_stays(service):
    url = service.start(require_join=True, join_timeout=200 * MS, room_cleanup_delay=0)
    member, player, left, idler = (service.peer(url) for _ in range(4))
    member.join()
    player.say("EnterMatchmaking", app="a", version="1", matchSize=2)
    player.hear_type("ResolvePromise")
    left.join()
    left.say("LeaveRoom")
    assert idler.close_code() == 1008
    for peer in (member, player, left):
        peer.say("GetStats")
        assert peer.hear_type("GetStats")


def test_a_join_that_is_refused_is_none(service):
    url = service.start(require_join=True, join_timeout=200 * MS)
    peer = service.peer(url)
    assert peer.join(make=False)["type"] == "RejectPromise"
    assert peer.close_code() == 1008


def test_nobody_has_to_join_unless_that_is_required(service):
    peer = service.peer(service.start(join_timeout=50 * MS, ping_timeout=50 * MS))
    assert peer.hears_nothing()
    peer.say("GetStats")
    assert peer.hear_type("GetStats")


def test_what_is_known_of_newcomers_goes_with_them(service):
    url = service.start(require_join=True)
    service.peer(url).close()
    with gevent.Timeout(PATIENCE):
        while list(service.hub.heartbeat):
            gevent.sleep(MS)
    assert not service.hub.heartbeat._newcomers
