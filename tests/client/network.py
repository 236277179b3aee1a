"""A network between clients and a hub, which tests can break."""

import socket
from urllib.parse import urlsplit

import gevent
from gevent.event import Event
from gevent.server import StreamServer


class Network:
    """A TCP proxy on loopback before the hub at `url`.

    is_down: whoever connects is cut off at once. is_mute: what the hub says does not arrive.
    flows: while it is not set, nothing gets through in either direction; it does later.
    """

    def __init__(self, url):
        self.is_down = False
        self.is_mute = False
        self.flows = Event()
        self.flows.set()
        self.leads_to(url)
        self._lines = []
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self._server.server_port}"

    def leads_to(self, url):
        """Where new connections go."""
        self._hub = ("127.0.0.1", urlsplit(url).port)

    def swallow(self):
        """From now on nothing gets through on the connections that there are; nobody is told."""
        for line in self._lines:
            line.swallows = True

    def cut(self):
        """End all connections; later ones are as ever."""
        self.is_mute = False
        lines, self._lines = self._lines, []
        for line in lines:
            line.end()

    def stop(self):
        self.flows.set()
        self._server.stop()
        self.cut()

    def _serve(self, client, _address):
        if self.is_down:
            client.close()
            return
        try:
            hub = socket.create_connection(self._hub)
        except OSError:  # it is just being started again
            client.close()
            return
        line = Line(client, hub)
        self._lines.append(line)
        up = gevent.spawn(self._carry, line, client, hub)
        self._carry(line, hub, client, is_down=True)
        up.join()

    def _carry(self, line, source, sink, *, is_down=False):
        try:
            while data := source.recv(65_536):
                self.flows.wait()
                if not (line.swallows or (is_down and self.is_mute)):
                    sink.sendall(data)
        except OSError:  # cut
            pass
        if not line.swallows:
            line.end()


class Line:
    def __init__(self, *ends):
        self._ends = ends
        self.swallows = False

    def end(self):
        for end in self._ends:
            end.close()
