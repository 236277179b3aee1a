"""What lies between clients and hub in the world, and what lines and boxes do there."""

import random
import socket
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

import gevent
from gevent.server import StreamServer

from tests.soak.clients import reset

_CHUNK = 65_536
_MOST_BEFORE = 2000  # bytes that go well before a fault
_DELAYED, _MOST_DELAY = 20, 0.1  # chunks; seconds
_TRICKLED = 3  # bytes, one a second


def delay(source, sink, chance):
    """All is late for a while, by more or less."""
    for _ in range(_DELAYED):
        if data := source.recv(_CHUNK):
            gevent.sleep(chance.uniform(0, _MOST_DELAY))
            sink.sendall(data)


def trickle(source, sink, chance):
    """A byte a second."""
    for byte in source.recv(_CHUNK)[:_TRICKLED]:
        sink.sendall(bytes([byte]))
        gevent.sleep(1)


def cut_in_mid_frame(source, sink, chance):
    """The end comes before the rest."""
    data = source.recv(_CHUNK)
    sink.sendall(data[: len(data) // 2])


def reset_both(source, sink, chance):
    """Both are told of an error."""
    for end in (source, sink):
        reset(end)


def half_close(source, sink, chance):
    """Nothing more comes in this direction, but in the other."""
    sink.shutdown(socket.SHUT_WR)
    while source.recv(_CHUNK):
        pass


FAULTS = [delay, trickle, cut_in_mid_frame, reset_both, half_close]


class Fate(NamedTuple):
    """What befalls one direction of a connection, once so many bytes have gone there."""

    fault: Callable
    before: int
    chance: random.Random


class Proxy:
    """A TCP proxy on loopback, before the hub at `port`.

    faults: which to draw from, once for each connection: by the seed and the connection's number.
    struck: how often each has. is_deaf: nothing that the hub says gets through any more.
    """

    def __init__(self, port, seed, faults=()):
        self.faults = faults
        self.struck = Counter()
        self.is_deaf = False
        self._hub = ("127.0.0.1", port)
        self._seed = seed
        self._numbers = count(1)
        self._lines = set()  # pairs of sockets
        self._server = StreamServer(("127.0.0.1", 0), self._serve, backlog=4096)
        self._server.start()

    @property
    def port(self):
        return self._server.server_port

    def cut_all(self):
        """End all connections, half of them by a reset; later ones are as ever."""
        for number, line in enumerate(list(self._lines)):
            self.struck["cut"] += 1
            _end(line, by_reset=number % 2)
        self.is_deaf = False

    def stop(self):
        self._server.stop()
        for line in list(self._lines):
            _end(line)

    def _serve(self, client, _address):
        up, down = self._fates(random.Random(f"{self._seed} {next(self._numbers)}"))
        try:
            hub = socket.create_connection(self._hub)
        except OSError:  # it is just being started again
            reset(client)
            return
        line = client, hub
        self._lines.add(line)
        try:
            going_up = gevent.spawn(self._carry, client, hub, up)
            self._carry(hub, client, down, is_down=True)
            going_up.join()
        finally:
            self._lines.discard(line)
            _end(line)

    def _fates(self, chance):
        """What befalls a connection on the way to the hub, and on the way from it."""
        if not self.faults:
            return None, None
        fate = Fate(chance.choice(self.faults), chance.randrange(_MOST_BEFORE), chance)
        return chance.choice([(fate, None), (None, fate)])

    def _carry(self, source, sink, fate, *, is_down=False):
        carried = 0
        try:
            while data := source.recv(_CHUNK):
                if is_down and self.is_deaf:
                    continue
                sink.sendall(data)
                carried += len(data)
                if fate and carried > fate.before:
                    self.struck[fate.fault.__name__] += 1
                    fate.fault(source, sink, fate.chance)
                    _end((source, sink))
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # one has gone: the other is to hear of it in any case
            _end((source, sink))


def _end(line, *, by_reset=False):
    for end in line:
        if by_reset:
            reset(end)
        else:
            end.close()
