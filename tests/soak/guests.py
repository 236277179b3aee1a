"""A client that stays for one question only, and keeps what it hears."""

import json
from time import monotonic

import gevent

from tests.soak.clients import Client, connect, frame
from tests.soak.members import as_text
from tests.support.timing import PATIENCE


class Guest:
    """info: of the room that it joins, if any. heard: messages, and when."""

    def __init__(self, port, *, answers=True, **info):
        opened, left = connect(port)
        self.heard = []
        self.client = Client(opened, self._hear, answers=answers)
        self.client.take(left)
        if info:
            room = {"app": "guests", "version": "1", **info}
            self.say("JoinRoom", roomInfo=room, makeRoomIfNonExistant=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def say(self, kind="Data", **fields):
        self.client.send(frame(as_text({"type": kind, **fields})))

    def hear(self, payload):
        """The Data with this payload, and when it came; None, and when we lost patience."""
        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            for message, at in self.heard:
                if message.get("payload") == payload:
                    return message, at
            gevent.sleep(0.01)
        return None, monotonic()

    def _hear(self, text):
        self.heard.append((json.loads(text), monotonic()))
