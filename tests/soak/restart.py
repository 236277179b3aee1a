"""The hub is restarted, or all lines to it are cut, while rooms talk: everybody comes back to its
room, and nothing that was said is lost, or said twice."""

import random
from collections import Counter

import gevent

from tests.soak import members
from tests.soak.faults import Proxy
from tests.soak.figures import Figure, below, exactly, none, receipts
from tests.soak.server import need_files, running

ROOMS, MEMBERS = 500, 10
RATE, HISTORY = 1, 200  # messages: a second in a room; that the hub keeps
TIMES, BETWEEN = 2, 5  # that each happens; seconds of calm before
MOST_AWAY = 10  # seconds
SETTINGS = {"PIEHUB_ROOM_RATE": "0", "PIEHUB_ROOM_CLEANUP_DELAY": "5"}


def run(extent):
    need_files(3 * extent.many(ROOMS) * MEMBERS + 1000)  # of each client two are the proxy's
    for name, try_it in (("restart", restart), ("cut", cut)):
        with running(name, **SETTINGS) as hub:
            yield from try_it(hub, extent)
            yield none(f"{name}: tracebacks", hub.tracebacks())


def restart(hub, extent):
    """What a room has said is gone with the hub, and nobody is told otherwise. But what was not
    echoed before is, once it was said again."""

    def happen(rooms):
        hub.terminate()
        hub.start()

    everybody, wrong, times = talk_through(happen, hub.port, extent)
    codes = Counter(code for member in everybody for code in member.closings)
    yield exactly("restart: closed with 1012", codes[1012], times * len(everybody))
    yield none("restart: closed otherwise", codes.total() - codes[1012])
    yield from came_back("restart", everybody, wrong, recovered=False)
    yield none("restart: said by both hubs", wrong["said again"])


def cut(hub, extent):
    """The hub still knows all, and tells everybody what it has missed."""
    proxy = Proxy(hub.port, extent.seed)

    def happen(rooms):
        proxy.is_deaf = True
        for room in rooms:
            room.members[0].say()  # the hub hears it, but its echo is lost
        gevent.sleep(0.3)
        proxy.cut_all()

    try:
        everybody, wrong, times = talk_through(happen, proxy.port, extent)
    finally:
        proxy.stop()
    yield exactly("cut: connections cut", proxy.struck["cut"], times * len(everybody))
    yield from came_back("cut", everybody, wrong, recovered=True)


def talk_through(happen, port, extent):
    """Let it happen some times to rooms that talk; return everybody, what went wrong, and how
    often it has happened."""
    wrong, times = Counter(), extent.count(TIMES)
    rooms = members.seat(port, wrong, extent.many(ROOMS), MEMBERS, history=HISTORY)
    everybody = [member for room in rooms for member in room.members]
    talking = gevent.spawn(members.talk, rooms, RATE, float("inf"), random.Random(extent.seed))
    for time in range(1, times + 1):
        gevent.sleep(extent.seconds(BETWEEN, 0.3))
        happen(rooms)
        members.wait_until_back(everybody, time)
    gevent.sleep(extent.seconds(BETWEEN, 0.3))
    talking.kill()
    members.settle(rooms)
    members.empty(rooms)
    return everybody, wrong, times


def came_back(what, everybody, wrong, *, recovered):
    """Figures of how that was. recovered: whether they are to be told that they missed nothing."""
    away = [seconds for member in everybody for seconds in member.away]
    returns = [promise for member in everybody for promise in member.promises[1:]]
    told = sum(promise["recovered"] is recovered for promise in returns)
    repeated = sum(member.repeated for member in everybody)
    yield below(f"{what}: seconds away, at most", max(away), MOST_AWAY)
    yield exactly(f"{what}: told recovered: {str(recovered).lower()}", told, len(away))
    yield Figure(f"{what}: said once more", repeated)
    yield from receipts(wrong, what=f"{what}: ")
