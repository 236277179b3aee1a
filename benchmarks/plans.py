"""The two runs: who is put through what, and for how long."""

from typing import NamedTuple

from benchmarks import servers
from benchmarks.measures import (
    AUDIENCE,
    BUSIEST,
    Measure,
    Pace,
    again,
    compress,
    connect,
    deliver,
    idle,
    join,
    paced,
)


class Exercise(NamedTuple):
    """keys: of the servers. rounds: if not the pace's. is_fresh: with a server of its own each
    time. needs: the exercises whose results it looks at."""

    name: str
    measure: Measure
    keys: tuple[str, ...]
    rounds: int = 0
    is_fresh: bool = False
    needs: tuple[str, ...] = ()


class Plan(NamedTuple):
    """name: also that of its folder, when its report is not the one to keep. limit: seconds, after
    which what has not begun is left out, and nothing is repeated."""

    name: str
    pace: Pace
    kinds: tuple[servers.Kind, ...]
    exercises: tuple[Exercise, ...]
    limit: float


OWN = ("piehub",)
BOTH = (*OWN, "original")
BUN = (*BOTH, "publish")
EVERYONE = (*BUN, "node", "socketio", "naive")
TALKERS = (*EVERYONE, "logging")

CLIENTS = (10, 100, 1000, 5000)
ROOMS = (10, 100, 1000)
LOADS = (20, 50, 80)  # percent of a maximum

FAN_OUT = (
    Exercise("room-100-8", deliver(AUDIENCE, window=8), TALKERS),
    Exercise("room-100-1", deliver(AUDIENCE), TALKERS),
    Exercise(BUSIEST, deliver(AUDIENCE, window=32), TALKERS),
    Exercise("room-400-8", deliver(400, window=8), TALKERS),
    Exercise("room-100-4kb", deliver(AUDIENCE, window=8, size=4096), TALKERS),
)
COMPRESSION = (
    Exercise("json-plain", compress(""), OWN),
    Exercise("json-deflated", compress("permessage-deflate"), OWN),
)
SMALL_ROOMS = (
    Exercise("rooms-25-4", deliver(100, 25, window=4, all_send=True), TALKERS),
    Exercise("rooms-25-1", deliver(100, 25, all_send=True), TALKERS),
    # Whether a server sleeps between two messages changes from round to round, and by far more than
    # the servers differ: so it takes more of them to tell.
    Exercise("ping-pong", deliver(2, mode="pingpong"), TALKERS, rounds=9),
)


def _latency(load: int) -> tuple[Exercise, Exercise]:
    share, needs = load / 100, (BUSIEST,)
    return (
        Exercise(f"latency-{load}", paced(share), BUN, needs=needs),
        Exercise(f"latency-{load}-same", paced(share, of="original"), BOTH, needs=needs),
    )


def _more_clients(count: int) -> Exercise:
    # Thousands that leave a room keep a server busy, which the next round would have to wait for.
    return Exercise(f"clients-{count}", deliver(count, window=8), BUN, is_fresh=count >= 1000)


def _more_rooms(count: int) -> Exercise:
    measure = deliver(4 * count, count, all_send=True)
    return Exercise(f"rooms-{count}", measure, BUN, is_fresh=count >= 1000)


CONNECT = Exercise("connect", connect, EVERYONE)
JOINS = tuple(Exercise(f"join-{count}", join(count), BOTH, is_fresh=True) for count in (1000, 3000))
IDLE = Exercise("idle-10000", idle(10_000), EVERYONE, rounds=1, is_fresh=True)
AGAIN = Exercise("again-10000", again(10_000), (*BUN, "node"), is_fresh=True)

FULL = Plan(
    "full",
    Pace(rounds=5, run=1, warm_up=0.3, paced=2, hold=30, patience=30, connections=4000, repeats=60),
    servers.ALL,
    (
        *FAN_OUT,
        *SMALL_ROOMS,
        *COMPRESSION,
        *(exercise for load in LOADS for exercise in _latency(load)),
        CONNECT,
        JOINS[0]._replace(keys=(*BOTH, "node")),
        JOINS[1],
        IDLE,
        AGAIN,
        *map(_more_clients, CLIENTS),
        *map(_more_rooms, ROOMS),
    ),
    limit=3 * 3600,
)

# What the targets need, in less than two minutes.
QUICK = Plan(
    "quick",
    Pace(
        rounds=3, run=0.3, warm_up=0.1, paced=0.5, hold=2, patience=10, connections=1000, repeats=12
    ),
    (servers.PIEHUB, servers.ORIGINAL, servers.PUBLISH),
    (
        *FAN_OUT,
        *(exercise._replace(keys=BOTH) for exercise in SMALL_ROOMS),
        *COMPRESSION,
        *_latency(50),
        CONNECT._replace(keys=BOTH),
        *(_more_clients(count)._replace(keys=OWN) for count in CLIENTS[:2]),
        *(_more_rooms(count)._replace(keys=OWN) for count in ROOMS[:2]),
        IDLE._replace(keys=OWN),
        *(exercise._replace(keys=OWN, rounds=1) for exercise in JOINS),
        _more_rooms(ROOMS[2])._replace(keys=OWN, rounds=1),
        _more_clients(CLIENTS[2])._replace(keys=OWN, rounds=1),
    ),
    limit=95,
)


def only(plan: Plan, names: set[str]) -> Plan:
    """The plan's exercises and servers with these names, and the exercises that those need; all of
    them where none is named."""
    needed = {need for one in plan.exercises if one.name in names for need in one.needs}
    exercises = tuple(one for one in plan.exercises if one.name in names | needed)
    kinds = tuple(kind for kind in plan.kinds if kind.key in names)
    return plan._replace(exercises=exercises or plan.exercises, kinds=kinds or plan.kinds)
