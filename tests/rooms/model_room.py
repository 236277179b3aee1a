"""One room of the model (model.py): who is in it, and what each of them hears, in plain lists."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, NamedTuple

from piehub.protocol.incoming import RoomInfo


@dataclass(eq=False)
class Stay:
    """One client in the room, from its joining to its leaving."""

    client: Any
    owed: Callable[[], list[dict]] | None = None  # the answer to its coming, till then

    @property
    def id(self):
        return self.client.id


@dataclass
class Group:
    """What waits together: a payload and its key by sender, in order of first arrival."""

    ends: float
    messages: dict[str, tuple[int, tuple | None]] = field(default_factory=dict)


@dataclass
class News:
    """What a big room may be told later, but before `due`."""

    due: float
    present: bool
    newcomers: set[str]


class Said(NamedTuple):
    """A message of the history; its place there, counted from 1, is its seq."""

    at: float
    key: tuple | None  # its sender and its messageId
    message: dict


class Waiting(NamedTuple):
    """What is on its way, and to whom. "room": to all, a host app may change it. "direct": to all,
    past the host app. "some": to these."""

    kind: str
    say: Callable[[], list[dict]]  # the messages, once its turn has come
    stays: tuple[Stay, ...]
    key: tuple | None


@dataclass(eq=False)
class Room:
    """hub: the Model, which knows the time and takes what clients hear."""

    hub: Any
    info: RoomInfo
    epoch: int
    is_match: bool = False
    members: list[Stay] = field(default_factory=list)  # in order of joining
    groups: dict[str | None, Group] = field(default_factory=dict)
    log: list[Said] = field(default_factory=list)  # all, ever
    queue: list[Waiting] = field(default_factory=list)
    news: News | None = None
    goes_at: float = inf

    @property
    def ids(self):
        return [stay.id for stay in self.members]

    @property
    def has_gone(self):
        return self not in self.hub.rooms.values()

    # Who is here

    def come(self, client):
        stay = Stay(client)
        self.members.append(stay)
        self.goes_at = inf
        if self in self.hub.emptied:
            self.hub.emptied.remove(self)
        self._changed(present=True)
        if self.news:
            self.news.newcomers.add(stay.id)
            self.put("some", [self.presence(True)], [stay])
        return stay

    def go(self, stay):
        self.members.remove(stay)
        self.hub.heard[stay.client] += self.pay(stay)
        self._changed(present=False)
        if self.news:
            self.news.newcomers.discard(stay.id)
        self._send_complete_groups()
        if not self.members:
            self.goes_at = self.hub.now + self.hub.cleanup
            self.hub.emptied.append(self)

    def presence(self, present):
        return {"type": "ClientPresenceChanged", "clients": self.ids, "present": present}

    def _changed(self, *, present):
        if self.hub.has_hosts or len(self.members) <= self.hub.small:
            self._tell(present)
        elif self.news:
            self.news.present = present
        else:
            self.news = News(self.hub.now + self.hub.pause * len(self.members), present, set())

    def _tell(self, present):
        self.news = None
        self.put("room", [self.presence(present)], self.members)

    def know(self, ids):
        """Newcomers are about to be heard; the room must know of them before."""
        if self.news and self.news.newcomers.intersection(ids):
            self._tell(self.news.present)

    # What is said

    def say(self, client_id, payload, message_id):
        key = self._key(client_id, message_id)
        if not self._acknowledges(key):
            self.know([client_id])
            self.put("room", [self.hub.data(payload, client_id)], self.members, key)

    def whisper(self, client_id, payload, ids):
        stays = [stay for stay in self.members if stay.id in ids]
        if stays:
            self.know([client_id])
        self.put("some", [self.hub.data(payload, client_id)], stays)

    def announce(self, payload, ids):
        """The server's own words, to all or to those named; returns to how many."""
        stays = [stay for stay in self.members if ids is None or stay.id in ids]
        self.put("room" if ids is None else "some", [self.hub.data(payload)], stays)
        return len(stays)

    def host_says(self, payload, *, skip):
        """The host app's own words. What it says when the room has gone goes nowhere."""
        if not self.has_gone:
            self.put("direct" if skip else "room", [self.hub.data(payload)], self.members)

    def wait_together(self, client_id, payload, name, message_id):
        """Returns whether there was space for one more group."""
        key = self._key(client_id, message_id)
        if self._acknowledges(key):
            return True
        if name not in self.groups:
            if len(self.groups) >= self.hub.most_groups:
                return False
            timeout = self.info.together_timeout_ms or inf
            self.groups[name] = Group(self.hub.now + timeout / 1000)
        self.groups[name].messages[client_id] = payload, key
        self._send_complete_groups()
        return True

    def _send_complete_groups(self):
        for name, group in list(self.groups.items()):
            if all(one in group.messages for one in self.ids):
                self.send_group(name)

    def send_group(self, name):
        messages = self.groups.pop(name).messages
        time = self.hub.moment()
        self.know(messages)
        for sender, (payload, key) in messages.items():
            if not self._has(key):  # it has not been said beside the group
                self.put("room", [self.hub.data(payload, sender, time)], self.members, key)

    # The history

    def _key(self, client_id, message_id):
        return (client_id, message_id) if message_id and self.info.history else None

    def _kept(self):
        last = self.log[-self.info.history :] if self.info.history else []
        return [said for said in last if self.hub.now - said.at < self.hub.keep]

    def _has(self, key):
        """Whether this has been said, or is on its way."""
        return key is not None and key in [one.key for one in [*self._kept(), *self.queue]]

    def _acknowledges(self, key):
        """Whether it was said before; then its sender alone hears it again."""
        if not self._has(key):
            return False
        sender = [stay for stay in self.members if stay.id == key[0]]
        self.put("some", partial(self._echo, key), sender)
        return True

    def _echo(self, key):
        return [said.message for said in self._kept() if said.key == key]

    def promise(self, stay, recover):
        """The answer to who has joined, and what it has missed."""
        info = self.info
        data = {"app": info.app, "name": info.name, "version": info.version}
        settings = {
            "maxClients": info.max_clients,
            "togetherTimeoutMs": info.together_timeout_ms,
            "hidden": info.hidden,
            "history": info.history,
            "epoch": self.epoch if info.history else None,
            "seq": len(self.log) if info.history else None,
            "isPasswordProtected": info.password is not None,
        }
        data |= {name: value for name, value in settings.items() if value is not None}
        missed = []
        if recover:
            epoch, seq = recover
            last = self.log[seq:]
            is_all_here = seq <= len(self.log) and len(last) <= len(self._kept())
            # Who has left again before its answer came would miss something all the same.
            data["recovered"] = epoch == self.epoch and is_all_here and stay in self.members
            missed = [said.message for said in last if data["recovered"]]
        return [{"type": "ResolvePromise", "func": "JoinRoom", "data": data}, *missed]

    def answer(self, stay, owed):
        """owed: a function that returns the messages."""
        stay.owed = owed
        self.put("some", partial(self.pay, stay), [stay])

    def pay(self, stay):
        """The answer, unless it has had it already: who leaves gets it then."""
        owed, stay.owed = stay.owed, None
        return owed() if owed else []

    # On its way to clients

    def put(self, kind, say, stays, key=None):
        """say: messages, or a function that knows them when their turn has come."""
        if not callable(say):
            say = partial(list, say)
        self.queue.append(Waiting(kind, say, tuple(stays), key))
        if not self.hub.has_hosts:
            self.arrive()

    def arrive(self, change=None):
        """What is first in the queue reaches clients, after a host app has changed it."""
        waiting = self.queue.pop(0)
        messages = waiting.say()
        is_presence = [one["type"] for one in messages] == ["ClientPresenceChanged"]
        if change and waiting.kind == "room":
            messages = change(*messages)
        for message in messages:
            heard = message
            is_for_all = waiting.kind in ("room", "direct") and not self.has_gone
            if self.info.history and is_for_all and message["type"] == "Data":
                heard = {name: message[name] for name in message if name != "seq"}
                if not is_presence:
                    heard["seq"] = len(self.log) + 1
                    self.log.append(Said(self.hub.now, waiting.key, heard))
            for stay in waiting.stays:
                if stay in self.members:
                    self.hub.heard[stay.client].append(heard)
