"""Trouble of all kinds, drawn by a seed: whom it does not concern does not notice."""

import random
from collections import Counter

import gevent

from tests.soak import members, troubles
from tests.soak.faults import FAULTS, Proxy
from tests.soak.figures import Figure, at_least, left_behind, none, receipts
from tests.soak.server import need_files, running

LEAST = 200  # faults
ROOMS, MEMBERS = 6, 10  # behind the proxy, and the witnesses' room beside it
RATE, HISTORY = 5, 1000  # messages: a second in a room; that the hub keeps
FILES = 300  # that the hub may have open
PAUSE = 2  # seconds between two troubles


def run(extent):
    need_files(3 * FILES + 500)
    wrong = Counter()
    # Seconds.
    standstill, ping, pong, cleanup = (5, 1, 6, 10) if extent.is_long else (1, 1, 2, 2)
    settings = {
        "PIEHUB_PING_INTERVAL": str(ping),
        "PIEHUB_PING_TIMEOUT": str(pong),
        "PIEHUB_ROOM_CLEANUP_DELAY": str(cleanup),
    }
    with running("chaos", files=FILES, **settings) as hub:
        before = hub.look()
        proxy = Proxy(hub.port, extent.seed, FAULTS)
        [witnesses] = members.seat(hub.port, wrong, 1, MEMBERS, name="witnesses", history=HISTORY)
        rooms = members.seat(proxy.port, wrong, ROOMS, MEMBERS, history=HISTORY, patience=0)
        everywhere = [witnesses, *rooms]
        talking = gevent.spawn(
            members.talk, everywhere, RATE, float("inf"), random.Random(extent.seed)
        )
        scene = troubles.Scene(hub, witnesses, FILES, standstill, ping, pong)
        schedule = draw(extent)
        for trouble in schedule:
            gevent.sleep(extent.seconds(PAUSE, 0.3))
            trouble(scene)
        talking.kill()
        proxy.faults = ()
        members.settle(everywhere)
        members.empty(everywhere)
        proxy.stop()
        after = hub.look_when_empty()
        tracebacks = hub.tracebacks()
    struck = Counter(trouble.__name__ for trouble in schedule) + proxy.struck
    closings = sum(len(member.closings) for member in witnesses.members)
    away = [seconds for member in witnesses.members for seconds in member.away]
    for name, times in sorted(struck.items()):
        yield Figure(f"fault: {name}", times)
    yield at_least("faults", struck.total(), extent.count(LEAST))
    for name, times in sorted(scene.faults.items()):
        yield none(name, times)
    yield none("what the troubles found", scene.faults.total())
    yield none("witnesses cut off while the hub lived", closings - scene.deaths * MEMBERS)
    yield Figure("seconds away after a worker's death, at most", max(away))
    yield Figure("messages said again by the next worker", wrong["said again"])
    yield from receipts(wrong)
    yield from left_behind(before, after)
    yield none("tracebacks", tracebacks)


def draw(extent):
    """What happens, in the order that the seed gives."""
    drawn = [each for each, times in troubles.ALL.items() for _ in range(extent.count(times))]
    random.Random(extent.seed).shuffle(drawn)
    return drawn
