"""A hub and its model: the same is done with both, and everybody must hear the same from both."""

import json
from collections import defaultdict
from functools import partial
from math import isfinite

from piehub.protocol import texts
from piehub.protocol.incoming import Join, Recover
from piehub.rooms.entry import Refused
from tests.rooms.ears import Ears, assert_one_order
from tests.rooms.model import OURS, No

PASSWORDS = ("sesame", "rosebud")
ROOMS = ("oak", "elm")
TEXTS = {text for name, text in vars(texts).items() if name.isupper()}


class Pairs:
    """What the hub and the model have names of their own for: one of each belong together."""

    def __init__(self):
        self.of_hub, self.of_model = {}, {}

    def are(self, theirs, ours):
        return (
            self.of_hub.setdefault(theirs, ours) == ours
            and self.of_model.setdefault(ours, theirs) == theirs
        )


class SideBySide:
    """hub: a Hub of conftest.py. model: of that. Their clocks move together."""

    def __init__(self, hub, model):
        self.hub, self.model = hub, model
        self.registry = hub.registry
        self.is_well = True  # until they differ
        self.connections = []  # all, ever
        self.ears = {}
        self._last_heard = defaultdict(dict)  # by client id
        self._said = defaultdict(list)  # by client id: the kind of message, and its messageId
        self._payloads = 0
        self._times, self._epochs = Pairs(), Pairs()

    def both(self, of_hub, of_model):
        """Do it on both sides; returns whether it was not refused."""
        self.is_well = False
        done, told = _attempt(of_hub, Refused)
        expected, refusal = _attempt(of_model, No)
        if refusal == OURS:
            assert told not in TEXTS, f"the hub said {told!r} to what it has its own words for"
            assert told is not None, "the hub let happen what it should refuse"
            assert not [secret for secret in ROOMS + PASSWORDS if secret in told]
        else:
            assert told == refusal, f"the hub refused with {told!r}, and {refusal!r} was expected"
        assert not [one for one in PASSWORDS if one in repr(done)]
        assert done == expected, f"the hub did {done!r}, and {expected!r} was expected"
        self._listen()
        self.is_well = True
        return refusal is None

    # What clients do

    def connect(self, client_id, *, takes_over=False):
        client, model, registry = self.hub.stranger(client_id), self.model, self.registry
        self.connections.append(client)
        self.ears[client] = Ears(client_id, self._last_heard[client_id])
        holder = model.clients.get(client_id)

        def take_over():
            done, room = registry.take_over(client, holder)
            return done, _key(room)

        self.both(lambda: registry.enter(client), lambda: model.enter(client))
        if holder and takes_over:
            self.both(take_over, lambda: model.take_over(client, holder))
        return client

    def disconnect(self, client):
        self.both(
            lambda: _key(self.registry.disconnect(client)), lambda: self.model.disconnect(client)
        )

    def join(self, client, info, *, make, recover=None, from_hub=False, may_remake=False):
        """recover: so many after what its id has heard last, or "another" life of the room."""
        self._come_from_nowhere(client)
        ears, asked, known = self.ears[client], None, None
        if recover is not None and info.key in ears.last:
            epoch, seq = ears.last[info.key]
            asked = ("another", seq) if recover == "another" else (epoch, max(0, seq + recover))
            known = self._epochs.of_hub.get(asked[0]), asked[1]
        join = Join(info, make, from_hub, Recover(*asked) if asked else None)
        makes = make or (from_hub and may_remake)
        ears.asked.append(asked)

        def ask():  # what it returns is looked at by tests/rooms/test_history.py
            self.registry.join(client, join, may_remake=may_remake)

        if not self.both(
            ask,
            lambda: self.model.join(client, info, make=makes, recover=known),
        ):
            ears.asked.remove(asked)

    def _come_from_nowhere(self, client):
        if client not in self.model.places:
            self.ears[client].leave()

    def leave(self, client):
        self.both(lambda: _key(self.registry.leave(client)), lambda: self.model.leave(client))

    def speak(self, client, kind, message_id=None):
        """kind: "say", or the group that it waits in."""
        payload = self.payload()
        if message_id:
            self.ears[client].echoes += message_id in [one for _, one in self._said[client.id]]
            self._said[client.id].append((kind, message_id))
        if kind == "say":
            of_hub, of_model, args = self.hub.say, self.model.say, (client, payload)
        else:
            of_hub, of_model = self.hub.together, self.model.together
            args = client, payload, kind
        self.both(
            partial(of_hub, *args, message_id=message_id), partial(of_model, *args, message_id)
        )

    def say_again(self, client, count):
        """The last so many that had a messageId; it may have been another connection that did."""
        for kind, message_id in self._said[client.id][-count:]:
            self.speak(client, kind, message_id)

    def play(self, client, terms):
        def of_model():  # it cannot know the room's name
            place = self.registry.place_of(client)
            return self.model.play(client, terms, place and place.name)

        self._come_from_nowhere(client)
        self.both(lambda: self.registry.enter_matchmaking(client, terms), of_model)

    def whisper(self, client, ids):
        payload = self.payload()
        self.both(
            lambda: self.hub.whisper(client, payload, ids),
            lambda: self.model.whisper(client, payload, ids),
        )

    def leave_matchmaking(self, client):
        self.both(
            lambda: self.registry.leave_matchmaking(client),
            lambda: self.model.leave_matchmaking(client),
        )

    # What happens besides

    def announce(self, key, ids):
        payload = self.payload()
        self.both(
            lambda: self.registry.announce(key, self.text(payload), ids),
            lambda: self.model.announce(key, payload, ids),
        )

    def wait(self, seconds):
        self.both(lambda: self.hub.clock.advance(seconds), lambda: self.model.advance(seconds))

    def host_handles(self, number, change):
        """The host app of the room that was made as that one comes to the next message."""
        room, mailbox = self.model.made[number], self.hub.mailboxes[number]
        if not room.queue:
            return
        emission, change = mailbox.emissions.pop(0), partial(_changed, change, self.payload())
        assert (emission.kind == "room") == (room.queue[0].kind == "room")

        def of_hub():
            sent = [emission.text]
            if emission.kind == "room":
                sent = [json.dumps(one).encode() for one in change(json.loads(emission.text))]
            for text in sent or [b""]:
                mailbox.deliver(emission._replace(text=text))

        self.both(of_hub, lambda: room.arrive(change))

    def host_says(self, number, *, skip):
        room, mailbox = self.model.made[number], self.hub.mailboxes[number]
        payload = self.payload()
        self.both(
            lambda: mailbox.send(self.text(payload), skip),
            lambda: room.host_says(payload, skip=skip),
        )

    # What they hear

    def payload(self):
        self._payloads += 1
        return self._payloads

    def text(self, payload):
        """Data that the server sends."""
        time = self.hub.clock.now_ms()
        return json.dumps({"type": "Data", "payload": payload, "time": time}).encode()

    def _listen(self):
        told = defaultdict(list)  # by room: who has heard by now of those who came and went
        for client in self.connections:
            expected = self.model.heard.pop(client, [])
            frames, client.frames = client.frames, []
            for message in map(json.loads, frames):
                self.ears[client].hear(message)
                if expected and self._is_same(message, expected[0]):
                    expected.pop(0)
                else:
                    told[self._room_with_news(client, message, expected)].append(client)
            assert not expected, f"{client} did not hear {expected[0]}"
            assert not [one for one in PASSWORDS if one.encode() in b"".join(frames)]
        for room, clients in told.items():
            assert {client.id for client in clients} == set(room.ids), "not all were told"
            assert len(clients) == len(room.ids), "somebody was told twice"
            room.news = None
        for room in self.model.rooms.values():
            assert not room.news or self.model.now < room.news.due, f"{room.ids} were not told"

    def _room_with_news(self, client, message, expected):
        room, _ = self.model.places.get(client, (None, None))
        assert room, f"{client} hears {message} and not {expected}"
        assert room.news, f"{client} hears {message} and not {expected}"
        news = room.presence(room.news.present)
        assert {**message, "time": 0} == {**news, "time": 0}, (
            f"{client} hears {message}, not {news}"
        )
        return room

    def _is_same(self, message, expected):
        theirs, ours = {"data": {}, **message}, {"data": {}, **expected}
        time, moment = theirs.pop("time", None), ours.pop("time", None)
        theirs["data"], ours["data"] = dict(theirs["data"]), dict(ours["data"])
        epoch, life = theirs["data"].pop("epoch", None), ours["data"].pop("epoch", None)
        assert time is None or type(time) is int
        return (
            theirs == ours
            and (message["type"] == "ClientPresenceChanged" or self._times.are(time, moment))
            and self._epochs.are(epoch, life)
        )

    # What there is

    def compare(self):
        self.is_well = False
        hub, model = self.hub, self.model
        assert hub.registry.counts() == (len(model.rooms), len(model.clients))
        views = [
            ((one.app, one.name, one.version), list(one.clients)) for one in hub.registry.views()
        ]
        assert views == [(key, room.ids) for key, room in model.rooms.items()]
        for client in self.connections:
            place = model.places.get(client)
            assert hub.registry.place_of(client) == (place and place[0].info)
        rooms = model.rooms.values()
        ends = [group.ends for room in rooms for group in room.groups.values()]
        waits = [time for time in [*ends, *(room.goes_at for room in rooms)] if isfinite(time)]
        assert len(hub.clock.timers) == len(waits) + len([room for room in rooms if room.news])
        for room, mailbox in zip(model.made, hub.mailboxes, strict=hub.mailboxes != []):
            assert len(mailbox.emissions) == len(room.queue)
            assert mailbox.is_closed == (room not in rooms)
        self.is_well = True

    def look(self, search):
        self.both(
            lambda: self.registry.search(search), lambda: {"rooms": self.model.search(search)}
        )
        self.both(self._stats, self.model.stats)

    def _stats(self):
        stats = self.registry.stats()
        assert stats["matchmaking"].pop("averageWaitTimeMs") >= 0
        return stats

    def end(self, seconds):
        """Everybody goes, and the rooms after them; host apps are slower than that."""
        for client in list(self.model.clients.values()):
            self.disconnect(client)
        self.wait(seconds)
        self.compare()
        for number, room in enumerate(self.model.made):
            for _ in list(room.queue):
                self.host_handles(number, "pass")
        self.compare()
        registry = self.registry
        assert (registry.counts(), self.hub.clock.timers) == ((0, 0), [])
        assert registry._histories.held == registry._together.size == 0
        assert_one_order(self.ears.values())


def _attempt(do, refusal):
    try:
        return do(), None
    except refusal as no:
        return None, str(no)


def _key(info):
    return info and info.key


def _changed(change, payload, message):
    """What a host app makes of a message."""
    return {
        "pass": [message],
        "drop": [],
        "change": [{"type": "Data", "payload": payload, "seq": 77}],
        "make another": [{"type": "Shout"}],
        "fail": [{"type": "Err", "message": "oh"}, message],
    }[change]
