"""Clients come, join a room, and vanish without a word, each in its way: nothing of them stays."""

import socket
from collections import Counter

from gevent.pool import Pool

from tests.soak.clients import Client, connect, frame, reset
from tests.soak.figures import Figure, below, exactly, left_behind, none
from tests.soak.members import as_text
from tests.soak.server import need_files, running

CLIENTS, WARM_UP = 100_000, 10_000
ROOMS = 500
COMING, SILENT = 50, 2500  # at once; the silent wait to be thrown out
PATIENCE = 10  # seconds, more than the heartbeat takes
MOST_BLOCKS, MOST_GROWTH = 0.5, 5  # of those that Python hands out; per cent


def run(extent):
    need_files(COMING + SILENT + 500)
    clients = extent.count(CLIENTS)
    soon = str(1 if extent.is_long else 0.4)  # seconds
    settings = {
        "PIEHUB_PING_INTERVAL": soon,
        "PIEHUB_PING_TIMEOUT": soon,
        "PIEHUB_ROOM_CLEANUP_DELAY": soon,
        "PIEHUB_ROOM_RATE": "0",
    }
    with running("churn", **settings) as hub:
        before = hub.look()
        crowd(hub.port, extent.many(COMING + SILENT))
        come_and_vanish(hub.port, extent.count(WARM_UP))
        warm, memory = hub.look_when_empty(), hub.memory()
        seen = come_and_vanish(hub.port, clients)
        after = hub.look_when_empty()
        growth = hub.memory() - memory
        tracebacks = hub.tracebacks()
    yield exactly("clients that joined", seen["joined"], clients)
    yield exactly("silent ones that were thrown out", seen["thrown out"], seen["silent"])
    yield from left_behind(before, after)
    yield Figure("MB of memory after the warm-up", memory / 1e6)
    # The hub remembers some thousand who came lately, which few clients would not hide.
    blocks = (after["blocks"] - warm["blocks"]) / clients
    for name, value, most in (
        ("blocks of memory left behind by a client", blocks, MOST_BLOCKS),
        ("per cent that memory grew", growth / memory * 100, MOST_GROWTH),
    ):
        yield below(name, value, most, judged=extent.is_long)
    yield none("tracebacks", tracebacks)


def crowd(port, count):
    """Have so many at once, then none.

    A process keeps the memory that its clients had. How many silent ones wait at once depends on
    how fast this machine is at the time; there will not be more than now.
    """

    def come(number):
        return Client(join(port, number % ROOMS), hear=len)

    for client in Pool(COMING).map(come, range(count)):
        client.reset()


def come_and_vanish(port, count):
    """So many clients, a third in each way; returns what became of them."""
    coming, silent, seen = Pool(COMING), Pool(SILENT), Counter()

    def visit(number):
        opened = join(port, number % ROOMS)
        seen["joined"] += 1
        if number % 3 == 0:
            reset(opened)
        elif number % 3 == 1:
            half_close(opened)
        else:
            seen["silent"] += 1
            silent.spawn(fall_silent, opened)

    def fall_silent(opened):
        with opened:
            opened.settimeout(PATIENCE)
            if has_ended(opened):
                seen["thrown out"] += 1

    for number in range(count):
        coming.spawn(visit, number)
    coming.join()
    silent.join()
    return seen


def join(port, number):
    """A socket that has heard it is in the room."""
    opened, heard = connect(port)
    room = {"app": "churn", "version": "1", "name": str(number)}
    message = {"type": "JoinRoom", "roomInfo": room, "makeRoomIfNonExistant": True}
    opened.sendall(frame(as_text(message)))
    while b"ResolvePromise" not in heard:
        more = opened.recv(65536)
        if not more:
            raise EOFError(f"the hub closed before the promise: {heard!r}")
        heard += more
    return opened


def half_close(opened):
    """Say that we are done, and wait until the hub is."""
    with opened:
        opened.shutdown(socket.SHUT_WR)
        has_ended(opened)


def has_ended(opened):
    """Read, but say nothing, until the hub ends the connection; or for some time."""
    try:
        while opened.recv(65536):
            pass
    except TimeoutError:
        return False
    return True
