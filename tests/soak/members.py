"""Who is in a room, speaks there, and comes back whenever the connection ends."""

import json
import random
from time import monotonic

import gevent
from gevent.event import Event

from tests.soak.clients import Client, connect, frame
from tests.soak.rooms import Room, Sent
from tests.support.timing import PATIENCE

_FIRST_WAIT, _LONGEST_WAIT = 0.2, 2.0  # seconds between tries to come back, more or less
_BEAT = 0.001  # seconds; what is said in one is said at once
_DATA = b'{"type":"Data",'
_PRESENCE = b'{"type":"ClientPresenceChanged",'


class Member:
    """port: the hub's, or that of what stands before it.

    log, place: where it is in what the room has said. skipped: places there that it has not heard.
    unechoed: frames, by payload, where the hub keeps a history. promises: what it was told at each
    join. closings: the close code of each connection, None where it ended without. away: how many
    seconds each return took. repeated: how many messages it has said once more.
    """

    def __init__(self, room, number, port):
        self.room = room
        self.id = f"{room.info['name']}-{number}"
        self.log = room.log(None)
        self.place = 0
        self.skipped = set()
        self.unechoed = {}
        self.promises = []
        self.closings = []
        self.away = []
        self.repeated = 0
        self.is_in = Event()
        self._port = port
        self._token = ""
        self._said = 0
        self._again = set()  # payloads that were said once more
        self._client = None
        self._went_at = None
        self._presence = None
        room.members.append(self)

    def stay(self):
        """Come in, and come back again, until `leave`."""
        self._presence = gevent.spawn(self._stay)

    def leave(self):
        self._presence.kill()
        self._end()

    def say(self, filling=""):
        """Say what nobody has said before; `filling` makes it longer."""
        self._said += 1
        payload = f"{self.id} {self._said}"
        message = {"type": "Data", "payload": payload}
        if filling:
            message["filling"] = filling
        if self.room.history:
            message["messageId"] = str(self._said)
        data = frame(as_text(message))
        self.room.sent[payload] = Sent(self.id, self._said, monotonic())
        if self.room.history:
            self.unechoed[payload] = data
        self._client.send(data)

    def send(self, message):
        """Send what is not for the room's log."""
        self._client.send(frame(as_text(message)))

    def is_acknowledged(self, text):
        """Whether this is the echo of what was said once more."""
        payload = json.loads(text)["payload"]
        is_so = payload in self._again
        self._again.discard(payload)
        return is_so

    def _stay(self):
        try:
            while True:
                wait = _FIRST_WAIT
                while not self._connects():
                    gevent.sleep(wait * random.uniform(0.5, 1.5))
                    wait = min(2 * wait, _LONGEST_WAIT)
                self._client.ended.wait()
                self._went_at = monotonic()
                self.closings.append(self._client.close_code)
                self._end()
        finally:
            self._end()

    def _connects(self):
        path = f"/?clientId={self.id}&resumeToken={self._token}"
        try:
            opened, left = connect(self._port, path)
        except OSError:
            return False
        self._client = Client(opened, self._hear)
        self._client.take(left)
        return True

    def _end(self):
        self.is_in.clear()
        if self._client:
            self._client.close()

    def _hear(self, text):
        if text.startswith(_DATA):
            self.log.hear(self, text)
            if self.unechoed:
                self.unechoed.pop(json.loads(text)["payload"], None)
        elif not text.startswith(_PRESENCE):
            message = json.loads(text)
            kind = message["type"]
            if kind == "ServerAssignedData":
                self._token = message["resumeToken"]
                self.room.wrong["another id"] += message["clientId"] != self.id
                self._join()
            elif kind == "ResolvePromise":
                self._joined(message["data"])
            else:
                self.room.wrong["refused"] += 1
                self.promises.clear()
                self._client.close()

    def _join(self):
        message = {"type": "JoinRoom", "roomInfo": self.room.info, "makeRoomIfNonExistant": True}
        if self.promises:  # as the published client comes back: to the room it was told of
            message |= {"roomInfo": self.promises[-1], "makeRoomIfNonExistant": False}
        if self.promises and self.room.history:
            message["recover"] = {"epoch": self.promises[-1]["epoch"], "seq": self.place}
        self.send(message)

    def _joined(self, promise):
        self.promises.append(promise)
        if not promise.get("recovered"):
            self.room.wrong["lost"] += len(self.skipped)
            self.skipped.clear()
            self.log = self.room.log(promise.get("epoch"))
            self.place = promise.get("seq", self.log.end)
        for payload, data in self.unechoed.items():
            self.repeated += 1
            self._again.add(payload)
            self._client.send(data)
        if self._went_at is not None:
            self.away.append(monotonic() - self._went_at)
        self.is_in.set()


def as_text(message):
    return json.dumps(message, separators=(",", ":")).encode()


def seat(port, wrong, rooms, members, *, name="room", history=0, patience=PATIENCE):
    """So many rooms, with so many members in each, who come row by row."""
    made = [Room(f"{name}{number}", wrong, history) for number in range(rooms)]
    for number in range(members):
        row = [Member(room, number, port) for room in made]
        for member in row:
            member.stay()
        for member in row:
            member.is_in.wait(patience)
    return made


def talk(rooms, rate, seconds, chance, filling=""):
    """In each room, whoever it is says something `rate` times a second."""
    began, said = monotonic(), 0
    while (now := monotonic()) < began + seconds:
        while said < (now - began) * rate * len(rooms):
            room = rooms[said % len(rooms)]
            if here := [member for member in room.members if member.is_in.is_set()]:
                chance.choice(here).say(filling)
            said += 1
        gevent.sleep(_BEAT)


def wait_until_back(everybody, times):
    """Wait until all have gone so often, and come back; or for some time. Say whether they did."""
    deadline = monotonic() + 6 * PATIENCE
    while not all(len(one.closings) >= times and one.is_in.is_set() for one in everybody):
        if monotonic() > deadline:
            return False
        gevent.sleep(0.05)
    return True


def settle(rooms):
    """Wait until everybody has heard everything, or for some time; then count what is lost."""
    deadline = monotonic() + 2 * PATIENCE
    while monotonic() < deadline and not all(map(_is_quiet, rooms)):
        gevent.sleep(0.05)
    for room in rooms:
        room.settle()


def empty(rooms):
    """Everybody leaves."""
    for room in rooms:
        for member in room.members:
            member.leave()


def _is_quiet(room):
    members = room.members
    return len(room.heard) == len(room.sent) and all(
        member.is_in.is_set() and not member.unechoed and member.place == member.log.end
        for member in members
    )
