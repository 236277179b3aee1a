"""How fast a hub is from here, as far as a load in Python can tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import click
from click import ClickException

from piehub.commands import own_hub, target
from piehub.commands.words import printable

_BUSY = 0.85  # of a core; who wants as much is what holds all up
_NOTABLE = 0.1  # of the time
_TENTHS = 10  # steps of the progress bar in a second


class Plan(NamedTuple):
    """clients, in as many rooms, talk for so many seconds. rate: messages a second of each, 0 is
    no limit."""

    clients: int
    rooms: int
    seconds: int
    rate: float


def run(url: str | None, path: str, plan: Plan, *, may_go: bool, as_json: bool) -> None:
    """Measure, and print what came of it.

    url: of a hub that runs; None starts one. path: where it has its WebSocket, if the URL says
    none. may_go: whether it may be on another machine.
    """
    with ExitStack() as stack:
        own_url, pid = (None, None) if url else stack.enter_context(own_hub.running())
        hub = target.read(url or own_url or "")
        if not (hub.is_loopback or may_go):
            raise ClickException(_question(hub, plan))
        figures = _measure(hub, path, plan, pid)
    if as_json:
        click.echo(json.dumps({"url": hub.base, **plan._asdict(), **figures}, indent=2))
    else:
        started = " (started for this)" if own_url else ""
        click.echo(f"{_told(plan)}, at {hub.base}{started}")
        for name, text in _lines(figures):
            click.echo(f"{name:<12}{text}")


def _question(hub: target.Target, plan: Plan) -> str:
    pace = f"at most {plan.rate:g} times a second" if plan.rate else "as fast as it is answered"
    return (
        f"{hub.host} is not this machine. This opens {plan.clients} connections to it and lets "
        f"each speak {pace} for {plan.seconds} s, which others there will feel, and makes "
        f"{plan.rooms} hidden rooms. If it is yours, say --yes."
    )


def _measure(hub: target.Target, path: str, plan: Plan, pid: int | None) -> dict[str, Any]:
    asked = {
        **plan._asdict(),
        "url": hub.websocket(path),
        "proxy": not hub.is_loopback,
        "pid": pid,
    }
    with (
        TemporaryFile("w+") as said,  # a pipe that nobody reads would hold it up
        subprocess.Popen(  # noqa: S603, ourselves
            [sys.executable, "-m", "piehub.commands.load", json.dumps(asked)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as load,
    ):
        try:
            with click.progressbar(
                length=plan.clients + plan.seconds * _TENTHS, label=_told(plan), file=sys.stderr
            ) as bar:
                if figures := _follow(load.stdout or (), bar):
                    return figures
        finally:
            load.kill()
        said.seek(0)
        last = (said.read().strip().splitlines() or ["in silence"])[-1]
        raise ClickException(f"the load ended: {printable(last)}")


def _follow(lines: Iterable[str], bar: Any) -> dict[str, Any] | None:
    """Show how far it is, until the figures are there; None where they do not come."""
    tenths = 0
    for line in lines:
        news = json.loads(line)
        if "error" in news:
            raise ClickException(printable(news["error"]))
        if "figures" in news:
            figures: dict[str, Any] = news["figures"]
            return figures
        now = int(news.get("seconds", 0) * _TENTHS)
        bar.update(news.get("joined", 0) + max(0, now - tenths))
        tenths = max(tenths, now)
    return None


def _told(plan: Plan) -> str:
    pace = f", {plan.rate:g} a second at most" if plan.rate else ""
    return (
        f"{plan.clients} clients in {plan.rooms} rooms, each with one message under way{pace}, for "
        f"{plan.seconds} s"
    )


def _lines(figures: dict[str, Any]) -> list[tuple[str, str]]:
    load, hub = figures["load"], figures["hub"]
    lines = [
        ("joins", f"{figures['joins']:,.0f} a second, from the connection on"),
        ("deliveries", f"{figures['deliveries']:,.0f} a second"),
        ("round trip", _trip(figures)),
        ("processor", f"the load {_used(load)}; the hub {_used(hub)}"),
        ("limit", _limit(_wanted(load), _wanted(hub))),
    ]
    if closed := figures["closed"]:
        told = ", ".join(f"{count} with {code}" for code, count in closed.items())
        lines.append(("closed", f"{told}: docs/protocol.md has the codes"))
    return lines


def _used(share: dict[str, float] | None) -> str:
    if share is None:
        return "is not known here, as it was not started by this"
    waited = share["waited"]
    so = f", and waited for one {waited:.0%} of the time" if waited >= _NOTABLE else ""
    return f"{share['used']:.0%} of a core{so}"


def _wanted(share: dict[str, float] | None) -> float:
    """Of a core, whether it got that or waited for it."""
    return share["used"] + share["waited"] if share else 0.0


def _trip(figures: dict[str, Any]) -> str:
    if figures["p50"] is None:
        return "none: nothing came back"
    return f"{figures['p50'] * 1000:.2f} ms p50, {figures['p99'] * 1000:.2f} ms p99"


def _limit(load: float, hub: float) -> str:
    if load >= _BUSY:
        return (
            "the load, which is one process in Python: the hub can do more than this, and answers "
            "sooner (docs/benchmarks.md measures it by one in C)"
        )
    if hub >= _BUSY:
        return "the hub, which wanted a core for itself"
    return "neither: each client waited for its echo, or for its pace"
