"""What docs/protocol.md says of rooms, as plain lists; test_model.py compares the hub with it."""

from collections import Counter, defaultdict
from functools import partial
from math import inf

from piehub.protocol import texts
from piehub.protocol.incoming import RoomInfo
from tests.rooms.model_room import Room

OURS = "in the hub's own words"


class No(Exception):
    """What was asked for is refused; the text says how."""


class Model:
    """has_hosts: whether rooms have host apps. cleanup, keep: seconds, of an empty room and of a
    message. small: members up to which a room hears of each who comes and goes; over that, it may
    be `pause` seconds later for each member. rooms, members, groups: as many as there may be.
    """

    def __init__(self, *, has_hosts, cleanup, keep, small, pause, rooms, members, groups):
        self.has_hosts, self.cleanup, self.keep = has_hosts, cleanup, keep
        self.small, self.pause = small, pause
        self.most_rooms, self.most_members, self.most_groups = rooms, members, groups
        self.now = 0.0
        self.clients = {}  # by id: who has it
        self.life_time_clients = 0
        self.rooms = {}  # by key, in order of making
        self.made = []  # all, ever
        self.emptied = []  # those that nobody is in, the longest first; some may have gone
        self.places = {}  # by client: its room and its stay there
        self.waiting = {}  # for a match: by client, what it wants to play, in order of entering
        self.matches = 0
        self.heard = defaultdict(list)  # by client: what it has not looked at yet
        self._moments = 0

    # Clients

    def enter(self, client):
        """Returns who holds its id, if that is taken."""
        if client.id in self.clients:
            return self.clients[client.id]
        self.clients[client.id] = client
        self.life_time_clients += 1
        return None

    def take_over(self, client, holder):
        """Returns whether it was the holder's to take, and the key of the room that that was in."""
        if self.clients.get(client.id) is not holder:
            return False, None
        room = self.disconnect(holder)
        self.enter(client)
        return True, room

    def disconnect(self, client):
        if self.clients.get(client.id) is client:
            del self.clients[client.id]
        self.leave_matchmaking(client)
        return self.leave(client)

    def _check_idle(self, client, otherwise):
        if self.clients.get(client.id) is not client:
            raise No(OURS)
        if client in self.places:
            raise No(otherwise)

    # Rooms

    def join(self, client, info, *, make, recover=None):
        self._check_idle(client, texts.ALREADY_IN_ROOM)
        room = self.rooms.get(info.key)
        if room is None:
            if not make:
                raise No(texts.NO_SUCH_ROOM)
            room = self._make(info)
        elif info.password != room.info.password:
            raise No(texts.WRONG_PASSWORD)
        elif len(room.members) >= (room.info.max_clients or inf):
            raise No(texts.ROOM_FULL)
        elif len(room.members) >= self.most_members:
            raise No(OURS)
        self.leave_matchmaking(client)
        stay = self._come(room, client)
        room.answer(stay, partial(room.promise, stay, recover))

    def leave(self, client):
        """Returns the key of the room that it was in."""
        if client not in self.places:
            return None
        room, stay = self.places.pop(client)
        room.go(stay)
        self.advance(0)
        return room.info.key

    def room_of(self, client):
        """The room to speak in."""
        if client not in self.places:
            raise No(texts.NOT_IN_ROOM)
        return self.places[client][0]

    def _make(self, info, *, is_match=False):
        if self._has_no_space:
            raise No(OURS)
        if len(self.rooms) >= self.most_rooms:
            del self.rooms[self._empty[0].info.key]
        room = self.rooms[info.key] = Room(self, info, len(self.made), is_match)
        self.made.append(room)
        return room

    @property
    def _empty(self):
        return [room for room in self.emptied if not room.has_gone]

    @property
    def _has_no_space(self):
        return len(self.rooms) - len(self._empty) >= self.most_rooms

    def _come(self, room, client):
        stay = room.come(client)
        self.places[client] = room, stay
        return stay

    # Messages

    def say(self, client, payload, message_id=None):
        self.room_of(client).say(client.id, payload, message_id)

    def whisper(self, client, payload, ids):
        self.room_of(client).whisper(client.id, payload, ids)

    def together(self, client, payload, group, message_id=None):
        if not self.room_of(client).wait_together(client.id, payload, group, message_id):
            raise No(OURS)

    def announce(self, key, payload, ids):
        """Returns to how many it goes."""
        return self.rooms[key].announce(payload, ids) if key in self.rooms else 0

    def data(self, payload, client_id=None, time=None):
        message = {"type": "Data", "payload": payload, "time": time or self.moment()}
        return message | ({"fromClient": client_id} if client_id else {})

    def moment(self):
        """Stands for a time that the hub's clock has shown."""
        self._moments += 1
        return self._moments

    # Time

    def advance(self, seconds):
        end = self.now + seconds
        while (due := min(self._to_come(), key=lambda one: one[0], default=(inf,)))[0] <= end:
            self.now, happen = due
            happen()
        self.now = end

    def _to_come(self):
        for room in self.rooms.values():
            for name, group in room.groups.items():
                yield group.ends, partial(room.send_group, name)
            yield room.goes_at, partial(self.rooms.pop, room.info.key)

    # Matchmaking

    def play(self, client, terms, name):
        """name: that the hub gives the match's room, if this makes one. Returns the players."""
        self._check_idle(client, texts.MATCHMAKING_IN_ROOM)
        players = [one for one, wants in self.waiting.items() if wants == terms]
        if client not in players:
            players.append(client)
        is_match = len(players) == terms.match_size
        if terms.match_size > self.most_members or (is_match and self._has_no_space):
            raise No(OURS)
        queued = {"type": "ResolvePromise", "func": "EnterMatchmaking", "data": {"queued": True}}
        self.heard[client].append(queued)
        if self.waiting.get(client) != terms:
            self.leave_matchmaking(client)
            self.waiting[client] = terms
        return self._match(players, terms, name) if is_match else []

    def _match(self, players, terms, name):
        self.matches += 1
        info = RoomInfo(terms.app, terms.version, name, hidden=True)
        room = self._make(info, is_match=True)
        for player in players:
            self.leave_matchmaking(player)
        stays = [self._come(room, player) for player in players]
        room.know(room.ids)
        where = {"app": info.app, "version": info.version, "name": name, "hidden": True}
        for stay in stays:
            found = {"type": "MatchFound", "roomInfo": where, "clients": room.ids}
            room.answer(stay, partial(list, [found]))
        return players

    def leave_matchmaking(self, client):
        self.waiting.pop(client, None)

    # Looking

    def search(self, wanted):
        """The answer to GetRooms."""
        found = []
        for (app, name, version), room in self.rooms.items():
            matches = wanted.app in ("", app) and wanted.name in ("", name)
            if matches and version.startswith(wanted.version) and not room.info.hidden:
                found.append({"app": app, "name": name, "version": version})
                if wanted.details:
                    most = room.info.max_clients
                    found[-1] |= self._figures(room) | ({"maxClients": most} if most else {})
        return found

    def stats(self):
        """What GetStats says, but for waits."""
        rooms = self.rooms.values()
        shown = [room for room in rooms if not room.info.hidden]
        names = ("app", "name", "version")
        return {
            "rooms": [
                dict(zip(names, one.info.key, strict=True)) | self._figures(one) for one in shown
            ],
            "roomsHidden": len(rooms) - len(shown),
            "lifeTimeClients": self.life_time_clients,
            "uptime": int(1000 * self.now),
            "matchmaking": {
                "queues": Counter(f"{one.app}::{one.version}" for one in self.waiting.values()),
                "playersInMatchmakingGames": sum(len(one.members) for one in rooms if one.is_match),
                "recentMatches": min(self.matches, 50),
            },
        }

    @staticmethod
    def _figures(room):
        return {"clients": len(room.ids), "isPasswordProtected": room.info.password is not None}
