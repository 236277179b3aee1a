"""Whatever clients do, in whatever order: rooms do as the protocol says (model.py).

TESTS_EXAMPLES=20000 tries so many sequences, other ones each time.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from piehub.protocol.incoming import Match, RoomInfo, Search
from tests.rooms.model import Model
from tests.rooms.side_by_side import PASSWORDS, ROOMS, SideBySide

EXAMPLES = os.environ.get("TESTS_EXAMPLES")
SMALL = 3  # members, so that few make a big room
PAUSE = 0.125  # seconds: eighths add up exactly
KEEP = 8  # seconds
CLEANUP = (0, 4, 2 * KEEP)

whom = st.integers(0, 11)  # to count off those that there are
where = st.integers(0, 5)
client_ids = st.sampled_from("abcdefg")
message_ids = st.sampled_from([None, "m1", "m2", "m3"])
kinds = st.sampled_from(["say", "say", "say", None, "g1", "g2"])  # or a group
ids = st.lists(client_ids, max_size=3)
names = st.sampled_from(ROOMS)
versions = st.sampled_from(["1", "1", "1", "12"])
infos = st.builds(
    RoomInfo,
    app=st.just("app"),
    version=versions,
    name=names,
    max_clients=st.sampled_from([None, None, 1, 3, 5]),
    together_timeout_ms=st.sampled_from([None, 1000, 2500]),
    hidden=st.sampled_from([None, False, True]),
    password=st.sampled_from([None, None, None, *PASSWORDS]),
    history=st.sampled_from([None, 1, 3, 10, 10]),
)
recovers = st.sampled_from([None, 0, 0, -1, -3, 1, "another"])
changes = st.sampled_from(["pass", "pass", "pass", "drop", "change", "make another", "fail"])


class Clients(RuleBasedStateMachine):
    """What they do, with a hub and its model side by side."""

    def __init__(self, make_hub, has_hosts):
        super().__init__()
        self.make_hub, self.has_hosts = make_hub, has_hosts
        self.sides = None

    @initialize(cleanup=st.sampled_from(CLEANUP), info=infos, first=st.sets(client_ids, min_size=1))
    def begin(self, cleanup, info, first):
        most = {"rooms": 4, "members": 6}
        hub = self.make_hub(
            host_for=self.make_hub.mailbox if self.has_hosts else None,
            cleanup_delay=cleanup,
            history_seconds=KEEP,
            together_groups=2,
            rate=0,
            rate_per_client=0,
            password_attempts=0,
            **most,
        )
        self.model = Model(
            has_hosts=self.has_hosts,
            cleanup=cleanup,
            keep=KEEP,
            small=SMALL,
            pause=PAUSE,
            groups=2,
            **most,
        )
        self.sides = SideBySide(hub, self.model)
        for one in sorted(first):
            self.sides.join(self.sides.connect(one), info, make=True)

    def client(self, number):
        """One of those connected, or the last one whose connection has ended."""
        clients = list(self.model.clients.values())
        ended = [one for one in self.sides.connections if one not in clients]
        clients += ended[-1:]
        return clients[number % len(clients)]

    def room(self, number):
        """The number of a room among all that were made; the last ones first."""
        return -1 - number % len(self.model.made)

    # Clients

    @rule(client_id=client_ids, takes_over=st.booleans())
    def connect(self, client_id, takes_over):
        self.sides.connect(client_id, takes_over=takes_over)

    @rule(number=whom)
    def disconnect(self, number):
        self.sides.disconnect(self.client(number))

    @rule(number=whom, drops=st.booleans(), recover=recovers, again=st.integers(0, 3))
    def come_back(self, number, drops, recover, again):
        """As a library does: join again, and say again what was not echoed, or more."""
        client = self.client(number)
        place = self.model.places.get(client)
        if drops:
            self.sides.disconnect(client)
        client = self.sides.connect(client.id, takes_over=True)
        if place:
            self.sides.join(client, place[0].info, make=True, recover=recover)
        if again:
            self.sides.say_again(client, again)

    # Rooms

    @rule(number=whom, info=infos, make=st.booleans(), recover=recovers)
    def join(self, number, info, make, recover):
        self.sides.join(self.client(number), info, make=make, recover=recover)

    @rule(number=whom, info=infos, from_hub=st.booleans(), may_remake=st.booleans())
    def remake(self, number, info, from_hub, may_remake):
        client = self.client(number)
        self.sides.join(client, info, make=False, from_hub=from_hub, may_remake=may_remake)

    @precondition(lambda self: self.model.made)
    @rule(number=whom, room=where, recover=recovers)
    def join_a_room_that_was_made(self, number, room, recover):
        info = self.model.made[self.room(room)].info
        self.sides.join(self.client(number), info, make=False, recover=recover)

    @rule(number=whom)
    def leave(self, number):
        self.sides.leave(self.client(number))

    @precondition(lambda self: self.model.made)
    @rule(room=where)
    def all_leave(self, room):
        for one in self.model.made[self.room(room)].ids:
            self.sides.leave(self.model.clients[one])

    # Messages

    @rule(number=whom, kind=kinds, message_id=message_ids)
    def speak(self, number, kind, message_id):
        self.sides.speak(self.client(number), kind, message_id)

    @precondition(lambda self: self.model.made)
    @rule(room=where, group=kinds)
    def all_speak(self, room, group):
        for one in self.model.made[self.room(room)].ids:
            self.sides.speak(self.model.clients[one], group)

    @rule(number=whom, ids=ids)
    def whisper(self, number, ids):
        self.sides.whisper(self.client(number), ids)

    @rule(number=whom, count=st.integers(1, 3))
    def say_again(self, number, count):
        self.sides.say_again(self.client(number), count)

    @precondition(lambda self: self.model.made)
    @rule(room=where, ids=st.none() | ids)
    def announce(self, room, ids):
        self.sides.announce(self.model.made[self.room(room)].info.key, ids)

    # Matches

    @rule(number=whom, version=versions, size=st.sampled_from([2, 2, 3, 5, 7]))
    def enter_matchmaking(self, number, version, size):
        self.sides.play(self.client(number), Match("app", version, size))

    @rule(number=whom)
    def leave_matchmaking(self, number):
        self.sides.leave_matchmaking(self.client(number))

    # The rest of the world

    @rule(seconds=st.sampled_from([0, PAUSE, 4 * PAUSE, 1, 2.5, KEEP, 2 * KEEP]))
    def wait(self, seconds):
        self.sides.wait(seconds)

    @precondition(lambda self: self.has_hosts and self.model.made)
    @rule(room=where, changes=st.lists(changes, min_size=1, max_size=8))
    def host_app_handles(self, room, changes):
        for change in changes:
            self.sides.host_handles(self.room(room), change)

    @precondition(lambda self: self.has_hosts)
    @rule()
    def host_apps_handle_everything(self):
        for room, made in enumerate(self.model.made):
            for _ in list(made.queue):
                self.sides.host_handles(room, "pass")

    @precondition(lambda self: self.has_hosts and self.model.made)
    @rule(room=where, skip=st.booleans())
    def host_app_says(self, room, skip):
        self.sides.host_says(self.room(room), skip=skip)

    @rule(
        app=st.sampled_from(["", "app", "ap"]),
        name=st.just("") | names,
        version=st.just("") | versions,
        details=st.booleans(),
    )
    def look(self, app, name, version, details):
        self.sides.look(Search(app, name, version, details))

    @invariant()
    def hub_and_model_are_alike(self):
        if self.sides:
            self.sides.compare()

    def teardown(self):
        if self.sides and self.sides.is_well:
            self.sides.end(max(CLEANUP))


@pytest.mark.parametrize("has_hosts", [False, True], ids=["alone", "with host apps"])
def test_rooms_do_as_the_protocol_says_whatever_clients_do(has_hosts, make_hub, monkeypatch):
    monkeypatch.setattr("piehub.rooms.room.SMALL_ROOM", SMALL)
    monkeypatch.setattr("piehub.rooms.presence.PAUSE", PAUSE)
    run_state_machine_as_test(
        lambda: Clients(make_hub, has_hosts),
        settings=settings(
            max_examples=int(EXAMPLES or 300),
            stateful_step_count=50,
            derandomize=not EXAMPLES,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
