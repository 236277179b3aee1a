"""People with a PieClient, who note all that they are told."""

import threading
from contextlib import suppress
from time import monotonic, sleep

from piehub.client import NotConnected, PieClient, PieError
from tests.support.timing import MS, PATIENCE

ROOM = {"app": "chat", "name": "lobby", "version": "1.0.0"}
KEPT = ROOM | {"history": 100}


def until(happens):
    """Wait for what nobody tells."""
    deadline = monotonic() + 2 * PATIENCE
    while not happens():
        assert monotonic() < deadline
        sleep(MS)


class Person:
    """heard: the payloads of all Data. links: whether it was connected, each time that changed."""

    def __init__(self, url, **options):
        self.pie = PieClient(url, **{"timeout": PATIENCE, **options})
        self.data, self.links, self.errors, self.recoveries = [], [], [], []
        self.presence, self.matches, self.rooms = [], [], []
        self._news = threading.Condition()
        self.pie.on_data = self._into(self.data)
        self.pie.on_presence = self._into(self.presence)
        self.pie.on_rooms = self._into(self.rooms)
        self.pie.on_match_found = self._into(self.matches)
        self.pie.on_error = self._into(self.errors)
        self.pie.on_connect_info = self._into(self.links)
        self.pie.on_recovery = self._into(self.recoveries)

    def _into(self, told):
        def tell(what):
            with self._news:
                told.append(what)
                self._news.notify_all()

        return tell

    @property
    def heard(self):
        return [message["payload"] for message in self.data]

    @property
    def id(self):
        return self.pie.client_id

    def joins(self, room=KEPT):
        self.pie.connect()
        self.pie.make_room(**room)
        return self

    def says(self, *payloads):
        for payload in payloads:
            self.pie.send_data(payload)

    def insists(self, *payloads):
        """Say it, and again where there is no connection just then."""
        for payload in payloads:
            until(lambda payload=payload: self._could_say(payload))

    def _could_say(self, payload):
        with suppress(NotConnected):
            self.says(payload)
            return True
        return False

    def waits_for(self, happens, what=""):
        with self._news:
            assert self._news.wait_for(happens, PATIENCE), f"{what} {vars(self)}"

    def has_heard(self, *payloads):
        """Wait for the last of these, and say whether it has heard just these."""
        self.waits_for(lambda: payloads[-1] in self.heard, payloads[-1])
        return self.heard == list(payloads)

    def comes_back(self, times=1):
        self.waits_for(lambda: sum(link.is_connected for link in self.links) > times)

    def is_cut_off(self):
        self.waits_for(lambda: self.links and not self.links[-1].is_connected)

    def goes(self):
        with suppress(PieError):  # a test may have left a callback that hangs
            self.pie.close()
