"""A small load on a hub: clients in rooms, each with one message under way.

A process of its own (python -m piehub.commands.load PLAN): an app that is loaded may have been
patched by gevent, which asyncio would not survive.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, process_time
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from piehub import descriptors
from piehub.commands import processor

APP = "piehub-bench"

_AT_ONCE = 50  # that are about to join
_PATIENCE = 60.0  # seconds for all to have joined
_TELL_EVERY = 0.1  # seconds


class _Refused(Exception):
    """The hub did not let a client in; the text is its own."""


@dataclass
class _Tally:
    """What was heard while they talked."""

    deliveries: int = 0
    trips: list[float] = field(default_factory=list)
    closed: Counter[int] = field(default_factory=Counter)


def main() -> None:
    """Run the plan, and tell its progress and its figures, each as a line of JSON.

    argv: {"url", "proxy", "clients", "rooms", "seconds", "rate" (messages a second of a client, 0
    is no limit), "pid" (of the hub, or null)} as JSON.
    """
    descriptors.raise_limit()
    try:
        asyncio.run(_run(json.loads(sys.argv[1])))
    except (TimeoutError, asyncio.TimeoutError) as error:  # which Python 3.10 tells apart
        _tell(error=str(error) or f"not all had joined after {_PATIENCE:.0f} s")
    except (OSError, WebSocketException, _Refused) as error:
        _tell(error=str(error) or type(error).__name__)


def _tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


async def _run(plan: dict[str, Any]) -> None:
    began = monotonic()
    gate = asyncio.Semaphore(_AT_ONCE)
    names = [f"{uuid4()}" for _ in range(plan["rooms"])]
    joining = [
        asyncio.ensure_future(_join(plan, names[each % plan["rooms"]], gate))
        for each in range(plan["clients"])
    ]
    try:
        clients = await asyncio.wait_for(asyncio.gather(*joining), _PATIENCE)
        joins = plan["clients"] / (monotonic() - began)
        figures = await _talk(plan, clients)
        _tell(figures={"joins": joins, **figures})
    finally:
        for each in joining:
            each.cancel()
        here = [each.result() for each in joining if _has_joined(each)]
        await asyncio.gather(*(client.close() for client, _ in here), return_exceptions=True)


def _has_joined(joining: asyncio.Future[Any]) -> bool:
    return joining.done() and not joining.cancelled() and not joining.exception()


async def _join(
    plan: dict[str, Any], name: str, gate: asyncio.Semaphore
) -> tuple[ClientConnection, str]:
    """A client that is in its room, and its id."""
    async with gate:
        client = await connect(
            plan["url"],
            compression=None,
            proxy=True if plan["proxy"] else None,
            ping_interval=None,
            close_timeout=2,
        )
        try:
            my_id = json.loads(await client.recv())["clientId"]
            info = {"app": APP, "name": name, "version": "1", "hidden": True}
            join = {"type": "JoinRoom", "roomInfo": info, "makeRoomIfNonExistant": True}
            await client.send(json.dumps(join))
            while (told := json.loads(await client.recv()))["type"] != "ResolvePromise":
                if told["type"] == "RejectPromise":
                    raise _Refused(told["err"])
        except BaseException:
            await client.close()
            raise
    _tell(joined=1)
    return client, my_id


async def _talk(
    plan: dict[str, Any], clients: list[tuple[ClientConnection, str]]
) -> dict[str, Any]:
    tally = _Tally()
    pause = 1 / plan["rate"] if plan["rate"] else 0.0
    began, own_used = monotonic(), process_time()
    own, hubs = processor.times(os.getpid()), processor.times(plan["pid"])
    talking = [
        asyncio.ensure_future(_speak(client, my_id, pause, tally)) for client, my_id in clients
    ]
    while (left := began + plan["seconds"] - monotonic()) > 0:
        await asyncio.sleep(min(left, _TELL_EVERY))
        _tell(seconds=min(monotonic() - began, plan["seconds"]))
    took = monotonic() - began
    load = _share(own, processor.times(os.getpid()), took)
    figures = {
        "deliveries": tally.deliveries / took,
        "messages": len(tally.trips) / took,
        "trips": len(tally.trips),
        "p50": _quantile(tally.trips, 0.50),
        "p99": _quantile(tally.trips, 0.99),
        "load": load or {"used": (process_time() - own_used) / took, "waited": 0.0},
        "hub": _share(hubs, processor.times(plan["pid"]), took),
        "closed": dict(tally.closed),
    }
    for each in talking:
        each.cancel()
    await asyncio.gather(*talking, return_exceptions=True)
    return figures


async def _speak(client: ClientConnection, my_id: str, pause: float, tally: _Tally) -> None:
    """Say something, and once it has come back, and `pause` seconds are over, the next thing."""
    number = 0
    sent_at = monotonic()

    async def say() -> None:
        nonlocal number, sent_at
        number += 1
        sent_at = monotonic()
        await client.send(json.dumps({"type": "Data", "payload": f"{APP} {my_id} {number}."}))

    later: asyncio.Task[None] | None = None
    try:
        await say()
        async for text in client:
            if not isinstance(text, str) or APP not in text:
                continue  # who came or went
            tally.deliveries += 1
            if f"{my_id} {number}." not in text:
                continue
            took = monotonic() - sent_at
            tally.trips.append(took)
            if took >= pause:
                await say()
            else:
                later = asyncio.ensure_future(_after(pause - took, say))
        tally.closed[client.close_code or 1000] += 1
    except ConnectionClosed:
        tally.closed[client.close_code or 1006] += 1
    finally:
        if later:
            later.cancel()


async def _after(seconds: float, say: Any) -> None:
    await asyncio.sleep(seconds)
    with suppress(ConnectionClosed):  # which whoever reads is told, too
        await say()


def _share(
    before: processor.Times | None, after: processor.Times | None, took: float
) -> dict[str, float] | None:
    if before is None or after is None:
        return None
    return {
        "used": (after.used - before.used) / took,
        "waited": (after.waited - before.waited) / took,
    }


def _quantile(values: list[float], share: float) -> float | None:
    """In seconds; None without any."""
    return sorted(values)[int(share * (len(values) - 1))] if values else None


if __name__ == "__main__":
    main()
