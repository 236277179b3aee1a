"""Many talk for long: nothing is lost, nothing doubled, all in one order, and nothing grows."""

import random
from collections import Counter
from time import monotonic

import gevent

from tests.soak import members
from tests.soak.figures import below, left_behind, none, receipts
from tests.soak.server import need_files, running

ROOMS, MEMBERS = 100, 20
RATE = 10  # messages a second in a room
SECONDS, WARM_UP = 220, 30
MOST_GROWTH = 1.0  # MB in ten minutes
TEN_MINUTES = 600


def run(extent):
    need_files(ROOMS * MEMBERS + 500)
    wrong = Counter()
    chance = random.Random(extent.seed)
    with running("steady", PIEHUB_ROOM_RATE="0", PIEHUB_ROOM_CLEANUP_DELAY="0.5") as hub:
        before = hub.look()
        rooms = members.seat(hub.port, wrong, extent.many(ROOMS), MEMBERS)
        members.talk(rooms, RATE, extent.seconds(WARM_UP), chance)
        sampler = gevent.spawn(sample, hub.memory, extent.seconds(SECONDS))
        members.talk(rooms, RATE, extent.seconds(SECONDS), chance)
        growth, spread = slope(sampler.get())
        members.settle(rooms)
        closed = sum(len(member.closings) for room in rooms for member in room.members)
        members.empty(rooms)
        after = hub.look_when_empty()
        tracebacks = hub.tracebacks()
    sent = sum(len(room.sent) for room in rooms)
    heard = f"of {sent:,} messages, each to {MEMBERS}"
    yield from receipts(wrong, heard)
    yield none("connections that ended", closed)
    yield below(
        "MB that memory grows in ten minutes",
        growth * TEN_MINUTES / 1e6,
        MOST_GROWTH,
        f"± {spread * TEN_MINUTES / 1e6:.2f}",
        judged=extent.is_long,
    )
    yield from left_behind(before, after)
    yield none("tracebacks", tracebacks)


def sample(look, seconds, every=0.5):
    """What `look` sees, as (seconds, value)."""
    began, seen = monotonic(), []
    while (now := monotonic() - began) < seconds:
        seen.append((now, look()))
        gevent.sleep(every)
    return seen


def slope(samples):
    """By least squares: what the values grow by in a second, and the standard error of that."""
    count = len(samples)
    middle = sum(x for x, _ in samples) / count
    mean = sum(y for _, y in samples) / count
    width = sum((x - middle) ** 2 for x, _ in samples)
    steep = sum((x - middle) * (y - mean) for x, y in samples) / width
    rest = sum((y - mean - steep * (x - middle)) ** 2 for x, y in samples)
    return steep, (rest / (count - 2) / width) ** 0.5
