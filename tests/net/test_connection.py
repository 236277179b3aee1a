"""One client's socket: pings, limits, slow readers, and how connections end."""

import json
from contextlib import suppress
from time import monotonic
from types import SimpleNamespace

import gevent
import pytest
from gevent import monkey
from greenlet import GreenletExit

from piehub.net import greenlet_link
from piehub.net.connection import CLOSE_TIMEOUT, Connection, Limits
from piehub.net.drain import drain
from piehub.net.outbox import Outbox
from piehub.net.runtime import CLOCK, NOT_LATE
from tests.support.peer import ROOM, masked
from tests.support.timing import MS, PATIENCE

stand_still = monkey.get_original("time", "sleep")
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
PAYLOAD = "x" * 60_000
LIMITS = Limits(max_message_bytes=100, outbox_bytes=500, rate_limit=0, rate_burst=1)


def say(kind, **fields):
    return masked(TEXT, json.dumps({"type": kind, **fields}).encode())


def joined(service, url):
    """A client of bytes that is in a room and has read what that brings."""
    wire = service.wire(url)
    wire.frame()
    wire.send(say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True))
    while b"ResolvePromise" not in wire.frame()[1]:
        pass
    return wire


def newcomer(service, url, others=()):
    """A client of bytes that is in no room, and the hub's side of it."""
    wire = service.wire(url)
    wire.frame()
    (connection,) = set(service.hub.heartbeat) - set(others)
    return wire, connection


def code_of(close_payload):
    return int.from_bytes(close_payload[:2], "big")


def test_a_ping_is_answered_with_its_payload(service):
    wire = service.wire(service.start())
    wire.frame()
    wire.send(masked(PING, b"are you there?"))
    assert wire.frame() == (PONG, b"are you there?")


def test_a_close_frame_is_answered_with_its_code_and_nothing_more(service):
    wire = service.wire(service.start())
    wire.frame()
    wire.send(masked(CLOSE, b"\x0f\xa0bye"))
    assert wire.rest() == b"\x88\x02\x0f\xa0"


def test_an_empty_close_frame_is_answered_with_an_empty_one(service):
    wire = service.wire(service.start())
    wire.frame()
    wire.send(masked(CLOSE, b""))
    assert wire.rest() == b"\x88\x00"


def test_what_comes_after_a_close_frame_is_not_read(service):
    url = service.start(room_cleanup_delay=0)
    witness, wire = service.peer(url), joined(service, url)
    witness.join()
    wire.send(masked(CLOSE, b"\x03\xe8") + say("Data", payload="too late"))
    assert witness.hear_type("ClientPresenceChanged")["present"] is False
    assert witness.hears_nothing()


def test_who_has_been_told_to_close_is_heard_no_more(service):
    wire, connection = newcomer(service, service.start())
    service.hub.drain()
    wire.send(say("GetStats") + masked(CLOSE, b"\x03\xf4"))
    assert wire.frame()[0] == CLOSE
    assert wire.rest() == b""
    assert connection.received == 0


def test_who_has_closed_properly_is_let_go_at_once_with_its_socket_still_open(service):
    wire, _ = newcomer(service, service.start())
    began = monotonic()
    wire.send(masked(CLOSE, b"\x03\xe8"))
    with gevent.Timeout(PATIENCE):
        while list(service.hub.heartbeat):
            gevent.sleep(MS)
    assert monotonic() - began < CLOSE_TIMEOUT / 2


def test_who_closes_first_says_with_what_code_it_ended(service):
    url = service.start()
    wire, connection = newcomer(service, url)
    wire.send(masked(CLOSE, b"\x0f\xa0bye"))
    wire.rest()
    assert connection.how_it_ended() == (4000, "bye")
    wire, connection = newcomer(service, url, {connection})
    connection.close(1012, "the hub is restarting")
    wire.send(masked(CLOSE, b"\x0f\xa0bye"))
    wire.rest()
    assert connection.how_it_ended() == (1012, "the hub is restarting")


def test_a_client_that_vanishes_has_ended_with_1006(service):
    wire, connection = newcomer(service, service.start())
    wire.close()
    service.stop()
    assert connection.how_it_ended() == (1006, "")


def test_who_is_told_twice_to_close_gets_no_more_time_for_it(service, clock):
    _, connection = newcomer(service, service.start())
    connection.close(1012, "")
    told = clock.now
    clock.now += 1
    connection.close(4409, "")
    assert connection.closing_at == told


def test_who_leaves_a_close_frame_unanswered_is_ended_after_a_while(service, monkeypatch):
    wire, connection = newcomer(service, service.start())
    ended = []

    def end(connection):
        ended.append(connection)

    monkeypatch.setattr(Connection, "shut_down", end)
    connection.close(1012, "")
    assert wire.frame()[0] == CLOSE
    service.hub.heartbeat.sweep(connection.closing_at + CLOSE_TIMEOUT - 0.1)
    assert ended == []
    service.hub.heartbeat.sweep(connection.closing_at + CLOSE_TIMEOUT + 0.1)
    assert ended == [connection]


def test_who_answers_a_ping_is_alive_and_the_question_is_forgotten(service):
    wire, connection = newcomer(service, service.start())
    answers = gevent.spawn(connection.answers, PATIENCE)
    assert wire.frame() == (PING, b"")
    wire.send(masked(PONG, b""))
    assert answers.get() is True
    assert not connection._probes


def test_an_answer_that_came_while_the_hub_stood_still_counts(service):
    wire, connection = newcomer(service, service.start())
    asked = gevent.spawn(connection.answers, 100 * MS)
    assert wire.frame()[0] == PING
    wire.send(masked(PONG, b""))
    stand_still(1)
    assert asked.get(timeout=PATIENCE)


def test_who_is_being_closed_counts_as_dead(service):
    wire, connection = newcomer(service, service.start())
    connection.close(1012, "")
    answers = gevent.spawn(connection.answers, PATIENCE)
    wire.send(masked(PONG, b""))
    assert answers.get() is False


def test_who_has_hung_up_counts_as_dead_before_its_end_is_dealt_with(service):
    wire, connection = newcomer(service, service.start())
    wire.close()
    while connection.is_listening:
        gevent.sleep(0)
    assert connection in set(service.hub.heartbeat)
    assert not connection.answers(PATIENCE)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\x81\x02hi", 1002, id="not masked"),
        pytest.param(masked(3, b""), 1002, id="unknown opcode"),
        pytest.param(masked(TEXT, b"\xff"), 1007, id="not UTF-8"),
        pytest.param(masked(TEXT, b"x" * 1001)[:8], 1009, id="too long, by its header alone"),
        pytest.param(
            masked(TEXT, b"x" * 600, fin=False) + masked(0, b"x" * 600),
            1009,
            id="too long in fragments",
        ),
    ],
)
def test_a_broken_frame_closes_with_the_code_of_its_fault(data, code, service):
    wire = service.wire(service.start(max_message_bytes=1000))
    wire.frame()
    wire.send(data)
    opcode, payload = wire.frame()
    assert (opcode, code_of(payload)) == (CLOSE, code)
    wire.close()


def test_a_client_that_is_still_sending_gets_to_read_why_it_was_closed(service):
    wire = service.wire(service.start(max_message_bytes=1000))
    wire.frame()
    wire.send(masked(TEXT, b"x" * 3_000_000))
    opcode, payload = wire.frame()
    assert (opcode, code_of(payload)) == (CLOSE, 1009)
    assert wire.rest() == b""
    wire.send(b"x" * 3_000_000)  # a reset would fail this, and elsewhere lose the close frame


def test_who_never_stops_sending_is_cut_off(service, monkeypatch):
    monkeypatch.setattr(greenlet_link, "LINGER_BYTES", 1_000_000)
    wire = service.wire(service.start())
    wire.send(masked(3, b""))
    began = monotonic()
    flood_until_closed(wire, b"x" * 100_000)
    assert monotonic() - began < CLOSE_TIMEOUT / 2


def test_too_many_messages_at_once_close_with_4429(service):
    url = service.start(rate_limit=1, rate_burst=10)
    wire = service.wire(url)
    wire.frame()
    wire.send(say("GetStats") * 11)
    answers = [wire.frame() for _ in range(11)]
    assert [opcode for opcode, _ in answers] == [TEXT] * 10 + [CLOSE]
    assert code_of(answers[-1][1]) == 4429


def test_pings_count_against_the_rate(service):
    wire = service.wire(service.start(rate_limit=1, rate_burst=3))
    wire.frame()
    wire.send(masked(PING, b"") * 4)
    assert [wire.frame()[0] for _ in range(4)] == [PONG, PONG, PONG, CLOSE]


@pytest.mark.parametrize(
    "bursts",
    [
        pytest.param([(0, 3), (1, 2), (0.5, 1)], id="it comes back with time"),
        pytest.param([(0, 1), (100, 3)], id="up to the burst"),
    ],
)
def test_the_rate_allows_more_as_time_passes(bursts, service, clock):
    wire, _ = newcomer(service, service.start(rate_limit=2, rate_burst=3))
    for seconds, count in bursts:
        clock.now += seconds
        wire.send(masked(PING, b"") * count)
        assert [wire.frame()[0] for _ in range(count)] == [PONG] * count
    wire.send(masked(PING, b""))
    assert wire.frame()[0] == CLOSE


@pytest.mark.parametrize(("spent", "left"), [(0, 10), (3, 7), (5, 5), (1000, 5)])
def test_what_is_spent_for_a_client_is_no_more_than_half_of_its_burst(spent, left, service, clock):
    wire, connection = newcomer(service, service.start(rate_limit=2, rate_burst=10))
    connection.spend(spent)
    wire.send(masked(PING, b"") * (left + 1))
    assert [wire.frame()[0] for _ in range(left + 1)] == [*[PONG] * left, CLOSE]


def test_what_was_left_unspent_long_ago_pays_for_nothing_now(service, clock):
    wire, connection = newcomer(service, service.start(rate_limit=2, rate_burst=10))
    wire.send(masked(PING, b""))
    wire.frame()
    clock.now += 100
    wire.send(masked(PING, b""))
    wire.frame()
    connection.spend(5)
    wire.send(masked(PING, b"") * 5)
    assert [wire.frame()[0] for _ in range(5)] == [*[PONG] * 4, CLOSE]


def test_whatever_is_spent_without_a_rate_limit_ends_nobody(service):
    wire, connection = newcomer(service, service.start(rate_limit=0, rate_burst=1))
    connection.spend(1000)
    wire.send(masked(PING, b"") * 5)
    assert [wire.frame()[0] for _ in range(5)] == [PONG] * 5


def test_what_piled_up_while_the_hub_stood_still_is_not_too_much_at_once(service, clock):
    wire, connection = newcomer(service, service.start(rate_limit=2, rate_burst=3))
    connection.excuse(seconds=10)
    wire.send(masked(PING, b"") * 6)  # three of them at once, and two that may have piled up
    assert [wire.frame()[0] for _ in range(6)] == [*[PONG] * 5, CLOSE]


def test_that_the_hub_stood_still_long_ago_pays_for_nothing_now(service, clock):
    wire, connection = newcomer(service, service.start(rate_limit=2, rate_burst=3))
    connection.excuse(seconds=10)
    clock.now += 11
    wire.send(masked(PING, b"") * 4)
    assert [wire.frame()[0] for _ in range(4)] == [PONG, PONG, PONG, CLOSE]


def test_a_rate_limit_of_0_is_no_limit(service):
    wire = service.wire(service.start(rate_limit=0, rate_burst=1))
    wire.frame()
    wire.send(masked(PING, b"") * 500)
    assert [wire.frame()[0] for _ in range(500)] == [PONG] * 500


def test_a_silent_client_is_pinged_and_stays_if_it_answers(service):
    wire = service.wire(service.start(ping_interval=60 * MS, ping_timeout=80 * MS))
    wire.frame()
    for _ in range(4):
        assert wire.frame() == (PING, b"")
        wire.send(masked(PONG, b""))


def test_silence_counts_from_the_last_bytes_and_an_answer_from_the_ping(service, clock):
    wire, connection = newcomer(service, service.start(ping_interval=100, ping_timeout=50))

    def after(seconds):
        clock.now += seconds
        service.hub.heartbeat.sweep(clock.now)
        return connection.pinged_at is not None, connection.closing_at is not None

    assert after(97) == (False, False)  # two sweeps, which come once a second, before 100
    wire.send(masked(PING, b""))
    assert wire.frame()[0] == PONG
    assert [after(97), after(1)] == [(False, False), (True, False)]
    assert wire.frame()[0] == PING
    assert [after(49), after(1)] == [(True, False), (True, True)]
    assert code_of(wire.frame()[1]) == 4408


def test_a_client_that_answers_no_ping_is_closed_with_4408(service):
    url = service.start(ping_interval=60 * MS, ping_timeout=60 * MS, room_cleanup_delay=0)
    witness = service.peer(url)
    witness.join()
    wire = joined(service, url)
    assert witness.hear()["present"] is True
    assert wire.frame() == (PING, b"")
    opcode, payload = wire.frame()
    assert (opcode, code_of(payload)) == (CLOSE, 4408)
    began = monotonic()
    assert witness.hear()["present"] is False
    assert monotonic() - began < CLOSE_TIMEOUT / 2


def test_nothing_follows_the_hubs_close_frame(service):
    url = service.start(room_cleanup_delay=0)
    wire = joined(service, url)
    (connection,) = service.hub.heartbeat
    talker = service.peer(url)
    talker.join()
    connection.close(1012, "")  # it stays in its room until it answers
    talker.say("Data", payload="too late")
    assert talker.hear_type("Data")["payload"] == "too late"
    wire.send(masked(PING, b"too late") + masked(CLOSE, b"\x03\xf4"))
    while wire.frame()[0] != CLOSE:
        pass
    assert wire.rest() == b""
    assert talker.hear_type("ClientPresenceChanged")["clients"] == [talker.id]


def test_who_breaks_the_protocol_is_out_of_the_room_at_once(service):
    url = service.start(room_cleanup_delay=0)
    witness = service.peer(url)
    witness.join()
    wire = joined(service, url)
    witness.hear()
    wire.send(masked(3, b""))  # and it leaves the hub's close frame unanswered
    began = monotonic()
    assert witness.hear()["present"] is False
    assert monotonic() - began < CLOSE_TIMEOUT / 2


def test_a_client_that_takes_nothing_for_too_long_is_given_up(service):
    url = service.start(
        outbox_bytes=400_000,
        max_members=100,
        rate_limit=0,
        room_cleanup_delay=0,
        stall_timeout=200 * MS,
    )
    wire = joined(service, url)
    (connection,) = service.hub.heartbeat
    message = say("Data", payload="x" * 50_000)
    flood = gevent.spawn(flood_until_closed, wire, message)
    with gevent.Timeout(PATIENCE):
        while connection.closing_at is None:
            gevent.sleep(MS)
    assert connection.how_it_ended()[0] == 4413
    flood.kill()


def flood_until_closed(wire, message):
    try:
        while True:
            wire.send(message)
    except OSError:
        return


@pytest.mark.parametrize("fault", [None, GreenletExit])
def test_the_link_is_let_go_of_however_a_connection_ends(fault):
    link = Stuck(fault)  # as when the server ends a greenlet that waits for an outbox
    with suppress(GreenletExit):
        Connection(link, None, LIMITS).end()
    assert link.is_released


class Stuck:
    """The link of a client that takes nothing."""

    held_up_since = None
    is_released = False
    late = NOT_LATE
    clock = CLOCK

    def __init__(self, fault=None):
        self.outbox = Outbox(500, b"")
        self._fault = fault

    def link(self, *_):
        return self

    def push(self, frame):
        pass

    def flush(self, timeout):
        if self._fault:
            raise self._fault

    def shut_down(self):
        pass

    def release(self):
        self.is_released = True


def test_a_client_that_takes_a_little_at_a_time_is_waited_for(clock):
    link = Stuck()
    connection = Connection(link, None, LIMITS)
    clock.now += 3600
    link.held_up_since = clock.now
    assert not connection.is_stalled(clock.now)
    for _ in range(10):
        clock.now += Limits.stall_timeout * 0.9
        link.outbox.put(b"ten bytes.")
        link.outbox.taken(10)
        assert not connection.is_stalled(clock.now)
    clock.now += Limits.stall_timeout * 0.9
    assert not connection.is_stalled(clock.now)
    clock.now += Limits.stall_timeout * 0.9
    assert connection.is_stalled(clock.now)
    connection.excuse(Limits.stall_timeout)  # the hub itself stood still
    assert not connection.is_stalled(clock.now)
    clock.now += Limits.stall_timeout
    assert connection.is_stalled(clock.now)
    link.held_up_since = None
    assert not connection.is_stalled(clock.now)


def test_a_long_turn_of_the_loop_is_not_taken_for_a_slow_client(service):
    url = service.start(max_message_bytes=1000, outbox_bytes=4048, max_members=20, rate_limit=0)
    wire, _ = newcomer(service, url)
    wire.send(masked(PING, b"x" * 100) * 200)
    assert [wire.frame()[0] for _ in range(200)] == [PONG] * 200


def test_a_ping_interval_of_0_pings_nobody(service):
    wire = service.wire(service.start(ping_interval=0, ping_timeout=50 * MS))
    wire.frame()
    wire.socket.settimeout(200 * MS)
    with pytest.raises(TimeoutError):
        wire.frame()


def room_with_a_stalled_client(service):
    """A sender, a reader, a client that reads nothing more, and the hub's side of the last."""
    url = service.start(outbox_bytes=200_000, max_members=100, rate_limit=0, room_cleanup_delay=0)
    sender, reader = service.peer(url), service.peer(url)
    others = set()
    for peer in (sender, reader):
        peer.join()
        others = set(service.hub.heartbeat)
    slow = joined(service, url)
    (connection,) = set(service.hub.heartbeat) - others
    return sender, reader, slow, connection


def fill(sender, reader, connection):
    """Send until too much waits for `connection`; the others must get all of it meanwhile."""
    reader.hear_type("ClientPresenceChanged")
    while not connection.is_too_slow:
        sender.say("Data", payload=PAYLOAD)
        assert reader.hear()["payload"] == PAYLOAD
        assert sender.hear_type("Data")["payload"] == PAYLOAD


def test_who_pings_and_reads_nothing_is_closed_for_the_memory_that_its_pongs_take(service):
    sender, _, slow, connection = room_with_a_stalled_client(service)
    while not connection.outbox.size:
        sender.say("Data", payload=PAYLOAD)
        sender.hear_type("Data")
    slow.send(masked(PING, b"") * 3000)  # 6 kB of pongs
    with gevent.Timeout(PATIENCE):
        while not connection.is_too_slow:
            gevent.sleep(MS)
    assert connection.how_it_ended()[0] == 4413


def test_a_slow_client_reads_whole_messages_and_then_4413(service):
    sender, reader, slow, connection = room_with_a_stalled_client(service)
    fill(sender, reader, connection)
    frames = [slow.frame()]
    while frames[-1][0] != CLOSE:
        frames.append(slow.frame())
    assert code_of(frames.pop()[1]) == 4413
    assert slow.rest() == b""
    assert {json.loads(text)["payload"] for _, text in frames} == {PAYLOAD}
    slow.close()
    assert reader.hear()["clients"] == [sender.id, reader.id]


def test_a_client_that_never_reads_again_is_gone_for_the_others(service):
    sender, reader, _, connection = room_with_a_stalled_client(service)
    fill(sender, reader, connection)
    sender.say("Data", payload="the room goes on")
    assert reader.hear()["payload"] == "the room goes on"
    assert reader.hear()["clients"] == [sender.id, reader.id]
    assert connection.how_it_ended()[0] == 4413


def test_a_client_that_is_too_slow_counts_as_dead(service):
    sender, reader, _, connection = room_with_a_stalled_client(service)
    fill(sender, reader, connection)
    began = monotonic()
    assert not connection.answers(PATIENCE)
    assert monotonic() - began < PATIENCE / 2


def test_a_bug_with_one_client_does_not_keep_the_others_frames_back(service, capsys):
    url = service.start(room_cleanup_delay=0)
    joined(service, url)
    (connection,) = service.hub.heartbeat
    peers = [service.peer(url) for _ in range(2)]
    for peer in peers:
        peer.join()
    connection.outbox.send_by(lambda data: 1 / 0)
    peers[0].say("Data", payload="the room goes on")
    for peer in peers:
        assert peer.hear_type("Data")["payload"] == "the room goes on"
    assert connection.waiting == 0
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_client_that_does_not_read_is_not_read_from(service):
    """Its own echoes fill its outbox by half, never to the limit: it may come back."""
    url = service.start(outbox_bytes=400_000, max_members=100, rate_limit=0, room_cleanup_delay=0)
    wire = joined(service, url)
    hub = service.hub
    message = say("Data", payload="x" * 50_000)
    flood = gevent.spawn(lambda: [wire.send(message) for _ in range(400)])
    connection = next(iter(hub.heartbeat))
    deadline = monotonic() + PATIENCE
    while connection.waiting <= 200_000 and monotonic() < deadline:
        gevent.sleep(MS)
    assert not connection.is_listening
    assert 200_000 < connection.waiting < 400_000
    heard = [json.loads(wire.frame()[1]) for _ in range(400)]
    assert {message["type"] for message in heard} == {"Data"}
    flood.get()


def test_a_reset_connection_leaves_its_room(service):
    url = service.start(room_cleanup_delay=0)
    witness = service.peer(url)
    witness.join()
    wire = joined(service, url)
    witness.hear()
    wire.close()
    assert witness.hear()["present"] is False


@pytest.mark.parametrize(
    ("clients", "seconds"), [(1, 0.005), (100, 0.5), (800, 4), (8000, 4), (20_000, 4)]
)
def test_leave_is_taken_of_few_at_once_and_of_many_in_four_seconds(clients, seconds):
    told, naps = [], []
    client = SimpleNamespace(close=lambda code, reason: told.append(code))
    drain([client] * clients, SimpleNamespace(sleep=naps.append))
    assert told == [1012] * clients
    assert sum(naps) == pytest.approx(seconds)
    assert min(naps) > 0.004  # a loop that naps for less is late each time
