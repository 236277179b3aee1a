"""Some never read: the others hardly notice, and who stalls is told why it is closed."""

import random
from collections import Counter
from itertools import cycle
from statistics import median, quantiles

import gevent

from tests.soak import members
from tests.soak.clients import Client, connect, frame
from tests.soak.figures import Figure, below, exactly, none, receipts
from tests.soak.server import need_files, running
from tests.support.timing import PATIENCE

ROOMS, MEMBERS = 50, 19  # and in each room one more, which stalls
RATE, FILLING = 10, "x" * 1000
ROUNDS, ROUND = 5, 8  # of each kind; seconds
OUTBOX = 300_000  # bytes, more than a round has for one client
SURFEIT = 10 * ["x" * 60_000]  # more than outbox and kernel take together
MOST = 2  # times as long as without them


def run(extent):
    need_files(ROOMS * (MEMBERS + 1) + 500)
    wrong, codes = Counter(), Counter()
    alone, beside = [], []
    rounds = extent.count(ROUNDS, 2)
    seconds = extent.seconds(ROUND) if not extent.is_long else ROUND
    chance = random.Random(extent.seed)
    with running(
        "stalled", PIEHUB_ROOM_RATE="0", PIEHUB_OUTBOX_BYTES=str(OUTBOX), PIEHUB_MAX_MEMBERS="1000"
    ) as hub:
        rooms = members.seat(hub.port, wrong, extent.many(ROOMS), MEMBERS)
        members.talk(rooms, RATE, seconds / 2, chance, FILLING)  # to warm up
        for _ in range(rounds):
            alone.append(tail(rooms, seconds, chance))
            stalled = [stall(hub.port, room) for room in rooms]
            beside.append(tail(rooms, seconds, chance))
            for room in rooms:
                surfeit(room)
            gevent.sleep(0.3)
            codes.update(drained(stalled))
        members.settle(rooms)
        closed = sum(len(member.closings) for room in rooms for member in room.members)
        members.empty(rooms)
        tracebacks = hub.tracebacks()
    ratio = median(beside) / median(alone)
    yield from receipts(wrong)
    yield none("connections that ended", closed)
    yield exactly("stalled that were told 4413", codes[4413], rounds * len(rooms))
    yield Figure("p99 without them, ms", median(alone) * 1000, note=spread(alone))
    yield Figure("p99 beside them, ms", median(beside) * 1000, note=spread(beside))
    yield below("times as long beside them", ratio, MOST if extent.is_long else 5)
    yield none("tracebacks", tracebacks)


def tail(rooms, seconds, chance):
    """The 99th of 100 latencies, of all who talk for so long."""
    latencies = []
    for room in rooms:
        room.latencies = latencies
    members.talk(rooms, RATE, seconds, chance, FILLING)
    gevent.sleep(0.2)
    for room in rooms:
        room.latencies = None
    return quantiles(latencies, n=100)[-1]


def stall(port, room):
    """Join a room, and read no more."""
    opened, _ = connect(port, f"/?clientId={stalled_id(room)}", is_far=True)
    client = Client(opened, hear=lambda text: None)
    client.stop_reading()
    client.send(frame(members.as_text({"type": "JoinRoom", "roomInfo": room.info})))
    return client


def surfeit(room):
    """Whisper to who stalls here until its outbox cannot hold it."""
    message = {"type": "Data", "subType": "Whisper", "whisperClientIds": [stalled_id(room)]}
    for speaker, filling in zip(cycle(room.members), SURFEIT, strict=False):
        speaker.send(message | {"payload": filling})


def stalled_id(room):
    return f"stalled-{room.info['name']}"


def drained(stalled):
    """The close codes of those who stalled, once they read again."""
    for client in stalled:
        client.read_again()
    for client in stalled:
        client.ended.wait(PATIENCE)
        client.close()
        yield client.close_code


def spread(values):
    return f"between {min(values) * 1000:.2f} and {max(values) * 1000:.2f}"
