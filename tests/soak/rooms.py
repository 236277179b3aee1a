"""What a room has said, and whether each of its members has heard all of it, in one order, once.

The hub alone knows in which order a room speaks. So whoever is the first to hear a message sets its
place in the room's log, and all others must hear the same bytes at the same place. What is amiss
with the first is therefore counted for the others.
"""

import json
from collections import Counter
from time import monotonic
from typing import NamedTuple


class Sent(NamedTuple):
    sender: str
    number: int  # of the sender's messages
    at: float


_NOTHING = Sent("", 0, 0.0)


class Room:
    """A room of the hub, over all its lives.

    wrong: counts what goes wrong, for all rooms of a phase. history: messages that the hub keeps,
    0 for none. latencies: takes the seconds from a mouth to each ear, while it is not None.
    """

    def __init__(self, name, wrong, history=0):
        self.info = {"app": "soak", "version": "1", "name": name}
        if history:
            self.info["history"] = history
        self.history = history
        self.wrong = wrong
        self.members = []
        self.sent = {}  # by payload
        self.heard = set()  # payloads
        self.latencies = None
        self._logs = {}

    def log(self, epoch):
        """What it has said in this life of its."""
        return self._logs.setdefault(epoch, Log(self))

    def settle(self):
        """Nothing more will come: count what has not been heard."""
        self.wrong["lost"] += len(self.members) * len(self.sent.keys() - self.heard)
        for member in self.members:
            self.wrong["not in the room"] += not member.is_in.is_set()
            self.wrong["lost"] += len(member.skipped) + member.log.end - member.place
        for log in self._logs.values():
            self.wrong["out of order"] += log.disorder()


class Log:
    """What a room has said in one of its lives."""

    def __init__(self, room):
        self.end = 0
        self._room = room
        self._texts = {}  # by place
        self._places = {}  # by text
        self._sent = {}  # by place
        self._payloads = set()

    def disorder(self):
        """How many messages stand behind a later one of their sender's.

        Asked in the end: who came in between two may be the first to hear anything, of the second.
        """
        last, wrong = Counter(), 0
        for _, sent in sorted(self._sent.items()):
            wrong += sent.number < last[sent.sender]
            last[sent.sender] = sent.number
        return wrong

    def hear(self, member, text):
        """A member has heard this."""
        place = member.place
        if self._texts.get(place) == text:  # nearly always
            member.place = place + 1
        elif text in self._places:
            place = self._places[text]
            self._hear_elsewhere(member, text, place)
        else:
            if place in self._texts:  # others have heard something else here
                member.skipped.update(range(place, self.end))
                place = self.end
            self._hear_first(text, place)
            member.place = place + 1
        if self._room.latencies is not None:
            self._room.latencies.append(monotonic() - self._sent[place].at)

    def _hear_elsewhere(self, member, text, place):
        if place >= member.place:
            member.skipped.update(range(member.place, place))
            member.place = place + 1
        elif place in member.skipped:
            member.skipped.discard(place)
            self._room.wrong["out of order"] += 1
        elif not member.is_acknowledged(text):
            self._room.wrong["doubled"] += 1

    def _hear_first(self, text, place):
        room = self._room
        message = json.loads(text)
        payload = message.get("payload")
        sent = room.sent.get(payload, _NOTHING)
        if (
            message.get("fromClient") != sent.sender
            or not isinstance(message.get("time"), int)
            or message.get("seq") != (place + 1 if room.history else None)
        ):
            room.wrong["strange"] += 1
        elif payload in self._payloads:
            room.wrong["doubled"] += 1
        elif payload in room.heard:
            room.wrong["said again"] += 1  # in another life of the room
        self._payloads.add(payload)
        room.heard.add(payload)
        self._texts[place] = text
        self._places[text] = place
        self._sent[place] = sent
        self.end = max(self.end, place + 1)
