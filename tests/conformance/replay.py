#!/usr/bin/env python3
"""Replay protocol scenarios against a running hub and compare what each client received.

    python replay.py ws://127.0.0.1:8080 scenarios/*.json
    python replay.py ws://127.0.0.1:8080,ws://127.0.0.1:8081 scenarios/*.json   (clients in turn)

A scenario is a JSON object:

    name   what it shows
    steps  a list, each one of
             {"connect": "A", "query": "clientId=bob"}   open client A (query optional)
             {"send": "A", "message": {...}}             send a JSON message
             {"raw": "A", "text": "..."}                 send a text frame as it is
             {"close": "A"}                              close A's socket cleanly
             {"wait_ms": 250}                            let time pass
    expect {"A": [message, ...], ...}  what each client received, in order

After each step the replay waits until the hub has done it and every client has heard of it, so the
order of what each client receives is settled.  In messages, "$A" stands for A's client id and
"$room.A" for the name of the room that A was matched into.  In `expect`, the values "<time>",
"<uuid>", "<any>" and "<error>" match any number, any non-empty string, anything, and any non-empty
string.  An expected object matches an object that has at least its keys.  "<absent>" says that a
key must be missing.

Each run renames every `app` with a fresh suffix, so scenarios do not see each other's rooms.
Needs: pip install websockets.  Exit status 0 when every scenario matched.
"""

import argparse
import asyncio
import json
import sys
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

QUIET = 0.1
READERS_TURN = 0.005


class Client:
    def __init__(self, socket):
        self.socket = socket
        self.received = []
        self.reader = asyncio.create_task(self._read())

    async def _read(self):
        try:
            async for text in self.socket:
                self.received.append(json.loads(text))
        except Exception:
            pass

    async def round_trip(self):
        try:
            await (await self.socket.ping())
        except ConnectionClosed:
            return  # it hears no more

    @property
    def id(self):
        return self.received[0]["clientId"]

    @property
    def matched_room(self):
        return next(m["roomInfo"]["name"] for m in self.received if m.get("type") == "MatchFound")


def rewrite(value, clients, suffix):
    """Fill in client ids and make app names unique to this run."""
    if isinstance(value, dict):
        return {
            k: (
                v + suffix
                if k == "app" and isinstance(v, str) and v
                else rewrite(v, clients, suffix)
            )
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [rewrite(v, clients, suffix) for v in value]
    if isinstance(value, str) and value.startswith("$room.") and value[6:] in clients:
        return clients[value[6:]].matched_room
    if isinstance(value, str) and value.startswith("$") and value[1:] in clients:
        return clients[value[1:]].id
    return value


def without(value, keys):
    """Drop the named keys at every depth."""
    if isinstance(value, dict):
        return {k: without(v, keys) for k, v in value.items() if k not in keys}
    return [without(v, keys) for v in value] if isinstance(value, list) else value


def mismatch(expected, actual, where="message"):
    """Say where `actual` differs from `expected`, or None."""
    if expected in ("<uuid>", "<error>"):
        return (
            None
            if isinstance(actual, str) and actual
            else f"{where}: expected a string, got {actual!r}"
        )
    if expected == "<time>":
        ok = isinstance(actual, (int, float)) and not isinstance(actual, bool)
        return None if ok else f"{where}: expected milliseconds since the epoch, got {actual!r}"
    if expected == "<any>":
        return None
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return f"{where}: expected an object, got {actual!r}"
        for key, value in expected.items():
            if value == "<absent>":
                if key in actual:
                    return f"{where}.{key}: must be missing, got {actual[key]!r}"
                continue
            if key not in actual:
                return f"{where}.{key}: missing"
            if found := mismatch(value, actual[key], f"{where}.{key}"):
                return found
        return None
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(expected) != len(actual):
            return f"{where}: expected {expected!r}, got {actual!r}"
        for i, (e, a) in enumerate(zip(expected, actual, strict=False)):
            if found := mismatch(e, a, f"{where}[{i}]"):
                return found
        return None
    return (
        None
        if expected == actual and type(expected) is type(actual)
        else f"{where}: expected {expected!r}, got {actual!r}"
    )


async def settle(clients, quiet):
    """Wait until the hub has done all that was asked, and every client has heard of it.

    A pong comes behind what its client has sent (first round), and behind what its client is sent
    (second round). No time is measured, so a slow machine changes nothing. Hubs that are several
    tell each other in their own time: there, QUIET seconds without news must do.
    """
    for _ in range(2):
        await asyncio.gather(*(client.round_trip() for client in clients.values()))
    seen = -1
    while seen != (seen := sum(len(client.received) for client in clients.values())):
        await asyncio.sleep(quiet)


async def perform(url, scenario):
    """Run the steps; return ({client: messages received}, clients, suffix)."""
    clients, suffix = {}, "-" + uuid.uuid4().hex[:8]
    try:
        for step in scenario["steps"]:
            if "connect" in step:
                query = "?" + step["query"].replace("$suffix", suffix) if step.get("query") else ""
                urls = url.split(",")
                target = urls[len(clients) % len(urls)].rstrip("/")
                socket = await connect(
                    target + "/" + query, compression=None, max_size=None, proxy=None
                )
                clients[step["connect"]] = Client(socket)
            elif "send" in step:
                message = rewrite(step["message"], clients, suffix)
                await clients[step["send"]].socket.send(json.dumps(message, ensure_ascii=False))
            elif "raw" in step:
                await clients[step["raw"]].socket.send(step["text"])
            elif "close" in step:
                await clients[step["close"]].socket.close()
            elif "wait_ms" in step:
                await asyncio.sleep(step["wait_ms"] / 1000)
            await settle(clients, QUIET if "," in url else READERS_TURN)
        return {name: list(client.received) for name, client in clients.items()}, clients, suffix
    finally:
        for client in clients.values():
            await client.socket.close()


def differences_of(scenario, received, clients, suffix, ignored=()):
    """Return a list of differences; empty when the scenario matched."""
    differences = []
    for name, messages in scenario["expect"].items():
        expected, actual = without(rewrite(messages, clients, suffix), ignored), received[name]
        for i, (e, a) in enumerate(zip(expected, actual, strict=False)):
            if found := mismatch(e, a, f"{name}[{i}]"):
                differences.append(found)
        if len(expected) != len(actual):
            extra = actual[len(expected) :]
            differences.append(
                f"{name}: expected {len(expected)} messages, got {len(actual)}: {extra!r}"
            )
    return differences


async def check(url, scenario, ignored=()):
    """Play a scenario; return a list of differences."""
    return differences_of(scenario, *await perform(url, scenario), ignored)


async def judge(url, path, ignored, turn):
    """Return a scenario's name and its differences."""
    with open(path, encoding="utf-8") as file:
        scenario = json.load(file)
    async with turn:
        try:
            return scenario["name"], await asyncio.wait_for(check(url, scenario, ignored), 60)
        except Exception as error:
            return scenario["name"], [f"could not run: {error!r}"]


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("scenarios", nargs="+")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="KEY", help="do not compare this key"
    )
    parser.add_argument("--parallel", type=int, default=1, help="scenarios to play at a time")
    args = parser.parse_args()
    turn = asyncio.Semaphore(args.parallel)
    results = await asyncio.gather(
        *(judge(args.url, path, args.ignore, turn) for path in args.scenarios)
    )
    for name, differences in results:
        print(("FAIL " if differences else "ok   ") + name)
        for line in differences[:6]:
            print("       " + line)
    failed = sum(bool(differences) for _, differences in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
