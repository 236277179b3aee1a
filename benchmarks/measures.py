"""What can be measured. Each function here measures a server once, or returns one that does.

Figures have their unit in their name; `deliveries` are messages that reached a client, a second.
"""

from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from benchmarks import process
from benchmarks.load import TooSlow, drive
from benchmarks.results import Figures, Results
from benchmarks.servers import Server
from benchmarks.talk import sprites

BUSIEST = "room-100-32"  # where a hub's own maximum is looked up
AUDIENCE = 100  # clients in the room there, and where latency is measured
LATE_NEWS = 0.0002  # seconds for each client of a room, in which a hub may yet tell who came
KEPT_UP_WITH = 0.9  # of its own maximum


class Pace(NamedTuple):
    """How long measuring takes, in seconds, and how many clients come.

    warm_up: before `run` or `paced` seconds of measuring. hold: how long idle clients stay.
    patience: until those who join are in. connections: that are opened for their rate. repeats: how
    many runs may be repeated because something else had the cores.
    """

    rounds: int
    run: float
    warm_up: float
    paced: float
    hold: float
    patience: float
    connections: int
    repeats: int


Measure = Callable[[Server, Pace, Results], Figures]


class NotAsked(Exception):
    """A measurement that makes no sense for this server; the text says why."""


def deliver(
    clients: int,
    rooms: int = 1,
    *,
    window: int = 1,
    all_send: bool = False,
    mode: str = "closed",
    size: int = 0,
) -> Measure:
    """Messages as fast as they come back; adds `cpu_us` of the server for each delivery."""

    def measure(server: Server, pace: Pace, _results: Results) -> Figures:
        talk = server.kind.talk
        figures = drive(
            *(server, clients, rooms, mode, *talk.connect, *talk.join, talk.say(size)),
            patience=pace.patience,
            seconds=pace.run,
            warm_up=max(pace.warm_up, LATE_NEWS * clients / rooms),
            window=window,
            all_send=int(all_send),
        )
        if not figures["deliveries"]:
            raise TooSlow(f"nobody heard anything in {pace.run:g} s")
        # The load looks for messages without rest, so what it had not of its core was taken.
        figures["taken"] = max(figures["taken"], 1 - figures["load_cpu"])
        figures["cpu_us"] = figures["server_cpu"] / figures["deliveries"] * 1e6
        return figures

    return measure


def compress(extensions: str) -> Measure:
    """Long messages in JSON, to clients that offer these extensions; adds `wire_bytes` for each."""

    def measure(server: Server, pace: Pace, _results: Results) -> Figures:
        talk = server.kind.talk
        offer = (f"extensions={extensions}",) if extensions else ()
        barrier = talk.say().replace("message=", "barrier=", 1)
        figures = drive(
            *(server, AUDIENCE, 1, "closed", *talk.connect, *talk.join, sprites(), barrier, *offer),
            patience=pace.patience,
            seconds=pace.run,
            warm_up=pace.warm_up,
            window=8,
        )
        return figures | {"wire_bytes": figures["bytes"] / figures["deliveries"]}

    return measure


def paced(share: float, of: str = "") -> Measure:
    """`share` of a hub's maximum, its own unless another's is named, in messages a second: `rate`.
    Latencies, in microseconds, are `p50`, `p90`, `p99`, `p999` and `max`.

    What another can is asked only of a hub that can keep up with it.
    """

    def measure(server: Server, pace: Pace, results: Results) -> Figures:
        most = _most(results, of or server.kind.key)
        if share * most > KEPT_UP_WITH * _most(results, server.kind.key):
            raise NotAsked("that is more than it can keep up with")
        rate = share * most / AUDIENCE
        talk = server.kind.talk
        figures = drive(
            *(server, AUDIENCE, 1, "paced", *talk.connect, *talk.join, talk.say()),
            patience=pace.patience,
            seconds=pace.paced,
            warm_up=pace.warm_up,
            rate=rate,
        )
        return figures | {"rate": rate}

    return measure


def _most(results: Results, key: str) -> float:
    found = results.values(BUSIEST, key, "deliveries")
    if not found:
        raise NotAsked(f"the maximum of {key} is not known")
    return median(found)


def join(clients: int) -> Measure:
    """`join_seconds` until all are in one room and have heard one message that was said then."""

    def measure(server: Server, pace: Pace, _results: Results) -> Figures:
        talk = server.kind.talk
        figures = drive(
            *(server, clients, 1, "open", *talk.connect, *talk.join, talk.say()),
            patience=pace.patience,
        )
        return figures | {"join_seconds": figures["opened_seconds"]}

    return measure


def connect(server: Server, pace: Pace, _results: Results) -> Figures:
    """`connections` a second, until the hub has greeted."""
    figures = drive(*(server, pace.connections, 1, "open", *server.kind.talk.connect), patience=60)
    return figures | {"connections": pace.connections / figures["ready_seconds"]}


def idle(clients: int) -> Measure:
    """`idle_kb` of memory for each client; `idle_cpu`, percent of a core while all hold still."""

    def measure(server: Server, pace: Pace, _results: Results) -> Figures:
        before = process.memory(server.pid)
        figures = drive(
            *(server, clients, 1, "hold", *server.kind.talk.connect),
            patience=60,
            seconds=pace.hold,
        )
        return figures | {
            "idle_kb": (figures["memory"] - before) / clients / 1000,
            "idle_cpu": figures["server_cpu"] * 100,
        }

    return measure


def again(clients: int) -> Measure:
    """`back_seconds` until all are greeted again, after all were dropped and came back at once."""

    def measure(server: Server, _pace: Pace, _results: Results) -> Figures:
        return drive(*(server, clients, 1, "again", *server.kind.talk.connect), patience=60)

    return measure
