"""The rows of the table: which figure of which exercise, how it is written, what is asked of it."""

from benchmarks.forms import a_second, in_bytes, kilobytes, milliseconds, percent, seconds
from benchmarks.measures import BUSIEST
from benchmarks.plans import CLIENTS, LOADS, ROOMS
from benchmarks.targets import (
    Row,
    Target,
    at_least,
    level_with,
    near_own_median,
    no_dearer_than,
    under,
)

LEVEL = level_with("original")
TWICE = level_with("original", 2)
PUBLISH = level_with("publish")


def _deliveries(exercise: str, title: str, *targets: Target) -> Row:
    return Row(title, exercise, "deliveries", a_second, True, targets)


DELIVERIES = (
    _deliveries("room-100-8", "1 room x 100, 8 in flight", TWICE, PUBLISH),
    _deliveries("room-100-1", "1 room x 100, 1 in flight", LEVEL, PUBLISH),
    _deliveries(BUSIEST, "1 room x 100, 32 in flight", TWICE, PUBLISH),
    _deliveries("room-400-8", "1 room x 400, 8 in flight", TWICE, PUBLISH),
    _deliveries("rooms-25-4", "25 rooms x 4, all send, 4 in flight", TWICE),
    _deliveries("rooms-25-1", "25 rooms x 4, all send, 1 in flight", LEVEL),
    _deliveries("ping-pong", "2 clients, ping-pong", LEVEL),
    _deliveries("room-100-4kb", "1 room x 100, 4 kB, 8 in flight", TWICE, PUBLISH),
)


COMPRESSION = tuple(
    row
    for exercise, how in (("json-plain", "plain"), ("json-deflated", "compressed"))
    for row in (
        _deliveries(exercise, f"1 room x 100, 4 kB of JSON, {how}"),
        Row(f"bytes on the wire for each of those, {how}", exercise, "wire_bytes", in_bytes, False),
    )
)


def _latency(load: int) -> list[Row]:
    own, same = f"latency-{load}", f"latency-{load}-same"
    is_judged = load == 50
    return [
        Row(
            *(f"latency p50, {load} % of own maximum", own, "p50", milliseconds, False),
            (LEVEL,) if is_judged else (),
        ),
        Row(
            *(f"latency p99, {load} % of own maximum", own, "p99", milliseconds, False),
            (near_own_median(2, 1000),) if is_judged else (),
        ),
        Row(
            *(f"latency p50, {load} % of the original's", same, "p50", milliseconds, False),
            (LEVEL,) if is_judged else (),
        ),
        Row(f"latency p99, {load} % of the original's", same, "p99", milliseconds, False),
    ]


LATENCIES = tuple(row for load in LOADS for row in _latency(load))

CONNECTIONS = (
    Row("1000 clients join one room", "join-1000", "join_seconds", seconds, False, (under(1.5),)),
    Row("3000 clients join one room", "join-3000", "join_seconds", seconds, False, (under(10),)),
    Row("new connections", "connect", "connections", a_second, True, (at_least(4000),)),
    Row("an idle client, of 10,000", "idle-10000", "idle_kb", kilobytes, False, (under(10),)),
    Row("CPU with 10,000 idle clients", "idle-10000", "idle_cpu", percent, False, (under(2),)),
    Row("10,000 reconnect at once", "again-10000", "back_seconds", seconds, False),
)


def _growth(title: str, exercise: str, sizes: tuple[int, ...]) -> list[Row]:
    names = [exercise.format(size) for size in sizes]
    return [
        _deliveries(name, title.format(size), *([no_dearer_than(tuple(names[:at]))] if at else []))
        for at, (name, size) in enumerate(zip(names, sizes, strict=True))
    ]


GROWTH = (
    *_growth("growth: 1 room x {:,}, 8 in flight", "clients-{}", CLIENTS),
    *_growth("growth: {:,} rooms x 4, all send", "rooms-{}", ROOMS),
)

ALL = (*DELIVERIES, *COMPRESSION, *LATENCIES, *CONNECTIONS, *GROWTH)
