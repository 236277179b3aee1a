"""A hub's figures as Prometheus's own objects.

Each is brought up to date by what has changed, so that several processes can share them: by files
in the folder PROMETHEUS_MULTIPROC_DIR, as prometheus_client does it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from piehub.figures import Figures, Reading
from piehub.net.runtime import native_lock
from piehub.settings import SettingError

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "piehub_"

# Seconds. A handshake may wait for an authorize hook, and two for who has the id.
_HANDSHAKES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_FLUSHES = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, *_HANDSHAKES[:10])

_GAUGES = {
    "clients": ("clients", "Clients that are here."),
    "rooms": ("rooms", "Rooms that there are, empty ones too."),
    "waiting": ("waiting_bytes", "Bytes that wait to be sent, for all clients."),
}
_COUNTERS = {
    "opened": ("clients_opened", "Clients that have come."),
    "messages_received": ("messages_received", "Messages that clients have sent."),
    "messages_sent": ("messages_sent", "Frames sent to clients, the hub's own (pings) too."),
    "bytes_received": ("received_bytes", "Bytes that have come from clients."),
    "bytes_sent": ("sent_bytes", "Bytes sent to clients."),
    "rooms_made": ("rooms_made", "Rooms that were made."),
    "wrong_passwords": ("wrong_passwords", "Wrong passwords given for a room."),
}
_LABELLED = {
    "closed": (
        "clients_closed",
        "Clients that have gone, by close code: 4408 gave no pong, 4413 were too slow, 4429 said "
        "too much; other is any that an application made up.",
        "code",
    ),
    "refused": ("handshakes_refused", "Upgrades that were refused, by HTTP status.", "status"),
    "recoveries": (
        "recoveries",
        "Clients that came back to a room: recovered have missed nothing, lost may have.",
        "outcome",
    ),
}


class _Objects(NamedTuple):
    """Prometheus's own. gauges, counters, labelled: by the name of a Reading's field.

    shown: where all of them are found, and no others.
    """

    gauges: dict[str, Gauge]
    counters: dict[str, Counter]
    labelled: dict[str, Counter]
    handshakes: Histogram
    flushes: Histogram
    shown: Collector


class Exporter:
    """What /metrics shows of one hub. Raises SettingError if PROMETHEUS_MULTIPROC_DIR is set, and
    is no folder."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._objects = _of_process() if FOLDER in os.environ else _of_hub()
        self._told: dict[tuple[str, str], int] = {}  # as far as the objects know, by field, label
        self._lock = native_lock()  # guards these, where threads serve

    def scrape(self, accept: str) -> tuple[bytes, str]:
        """The figures now, and their content type: which text format `accept` asks for."""
        self.update(self._figures.read())
        encode, content_type = choose_encoder(accept)
        return encode(self._objects.shown), content_type

    def update(self, reading: Reading) -> None:
        """Bring the objects up to date."""
        objects, figures = self._objects, self._figures
        with self._lock:
            for field, gauge in objects.gauges.items():
                gauge.inc(self._change(field, getattr(reading, field)))
            for field, counter in objects.counters.items():
                counter.inc(self._growth(field, getattr(reading, field)))
            for field, counter in objects.labelled.items():
                for label, count in getattr(reading, field).items():
                    counter.labels(label).inc(self._growth(field, count, label))
            while figures.handshakes:
                objects.handshakes.observe(figures.handshakes.popleft())
            while figures.flushes:
                objects.flushes.observe(figures.flushes.popleft())

    def _change(self, field: str, count: int, label: str = "") -> int:
        change = count - self._told.get((field, label), 0)
        self._told[field, label] = count
        return change

    def _growth(self, field: str, count: int, label: str = "") -> int:
        """The same of what never shrinks: a reading that was begun earlier may end later."""
        return self._change(field, max(count, self._told.get((field, label), 0)), label)


def _of_hub() -> _Objects:
    registry = CollectorRegistry()
    return _objects(registry, shown=registry)


@cache  # hubs of one process would write over each other's figures in its files
def _of_process() -> _Objects:
    folder = os.environ[FOLDER]
    if not os.path.isdir(folder):
        raise SettingError(
            f"{FOLDER} is {folder!r}, which is no folder; make it, and empty it before each start"
        )
    objects = _objects(CollectorRegistry(), _OfProcesses(folder))
    for gauge in objects.gauges.values():
        gauge.set(0)  # whatever an earlier process of this id has left
    return objects


class _OfProcesses(Collector):
    """Those of all processes that share the folder, but none of the app's own."""

    def __init__(self, folder: str) -> None:
        self._all = MultiProcessCollector(None, folder)

    def collect(self) -> Iterable[Metric]:
        return [metric for metric in self._all.collect() if metric.name.startswith(PREFIX)]


def _objects(registry: CollectorRegistry, shown: Collector) -> _Objects:
    return _Objects(
        gauges={
            field: Gauge(PREFIX + name, text, registry=registry, multiprocess_mode="livesum")
            for field, (name, text) in _GAUGES.items()
        },
        counters={
            field: Counter(PREFIX + name, text, registry=registry)
            for field, (name, text) in _COUNTERS.items()
        },
        labelled={
            field: Counter(PREFIX + name, text, [label], registry=registry)
            for field, (name, text, label) in _LABELLED.items()
        },
        handshakes=Histogram(
            PREFIX + "handshake_seconds",
            "From a client's request to its greeting, for 1,000 between two looks at most.",
            buckets=_HANDSHAKES,
            registry=registry,
        ),
        flushes=Histogram(
            PREFIX + "flush_seconds",
            "To send what was said in one turn of the loop, for five turns a second at most.",
            buckets=_FLUSHES,
            registry=registry,
        ),
        shown=shown,
    )
