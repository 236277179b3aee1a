"""What befalls the hub in the phase of chaos, one after the other.

Each trouble is a function of the scene, and says there what was not as it ought to be.
"""

import signal
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

import gevent
from gevent.pool import Pool

from tests.soak.clients import connect
from tests.soak.guests import Guest
from tests.soak.members import wait_until_back
from tests.soak.rooms import Room
from tests.soak.server import Hub
from tests.support.timing import PATIENCE

BURST, FLOOD = 100, 400  # messages: what the hub lets one say at once, and what it does not
TOGETHER = 1.0  # seconds
A_WHILE = 1.5  # seconds that the hub may be late; others use this machine, too
HOUR, DAY = 3600, 86_400  # seconds
JUMPS = 10 * DAY, -10 * DAY


@dataclass
class Scene:
    """files: that the hub may have open. standstill: seconds for which it is stopped. ping, pong:
    seconds of silence, and without an answer, that it allows. deaths: of its workers so far."""

    hub: Hub
    witnesses: Room
    files: int
    standstill: float
    ping: float
    pong: float
    deaths: int = 0
    faults: Counter = field(default_factory=Counter)

    def expect(self, is_so, otherwise):
        if not is_so:
            self.faults[otherwise] += 1

    def witnesses_hear(self, otherwise):
        """Something new is heard."""
        log = self.witnesses.members[0].log
        before, deadline = log.end, monotonic() + PATIENCE
        while log.end < before + 5 and monotonic() < deadline:
            gevent.sleep(0.02)
        self.expect(log.end >= before + 5, otherwise)


def kill(scene):
    """The worker ends at once; gunicorn starts another."""
    _end_worker(scene, signal.SIGKILL)


def terminate(scene):
    """The worker takes leave; gunicorn starts another."""
    _end_worker(scene, signal.SIGTERM)


def _end_worker(scene, how):
    scene.hub.signal(how)
    scene.deaths += 1
    are_back = wait_until_back(scene.witnesses.members, scene.deaths)
    scene.expect(are_back, "witnesses that did not come back")
    scene.hub.wait_until_up()


def stop(scene):
    """The worker stands still, as when its machine is suspended."""
    scene.hub.signal(signal.SIGSTOP)
    gevent.sleep(scene.standstill)
    scene.hub.signal(signal.SIGCONT)
    scene.witnesses_hear("witnesses that heard nothing after a standstill")


def flood(scene):
    """Somebody says more than it may, and reads nothing meanwhile."""
    with Guest(scene.hub.port, name="flood") as flooder:
        flooder.client.stop_reading()
        for number in range(FLOOD):
            flooder.say(payload=number, filling="x" * 1000)
        scene.witnesses_hear("witnesses that heard nothing beside a flood")
        flooder.client.read_again()
        flooder.client.ended.wait(PATIENCE)
        scene.expect(flooder.client.close_code in {4413, 4429}, "floods that were let go on")


def use_up_descriptors(scene):
    """More come than the hub may have open: they are told so, and the others live."""
    opened, answers = [], Counter()

    def come():
        try:
            opened.append(connect(scene.hub.port)[0])
        except OSError as refusal:
            answers[str(refusal).partition("\r\n")[0]] += 1

    coming = Pool(scene.files)
    for _ in range(scene.files):
        coming.spawn(come)
    coming.join()
    refused = answers.pop("HTTP/1.1 503 SERVICE UNAVAILABLE", 0)
    scene.expect(refused, "hubs with more descriptors than they may have")
    scene.expect(not answers, "newcomers without descriptors that were told nothing")
    scene.witnesses_hear("witnesses that heard nothing without descriptors")
    for one in opened:
        one.close()
    # Those who closed a moment ago are still being parted from.
    come_in = partial(Guest, scene.hub.port, name="after")
    with scene.hub.wait_for(come_in, "nobody is let in afterwards", PATIENCE) as late:
        late.say(payload="in again")
        scene.expect(late.hear("in again")[0], "hubs that let nobody in afterwards")


def move_clock(scene):
    """The wall clock jumps ahead, and back. What takes its time takes as long as ever."""
    room = {"name": "clock", "togetherTimeoutMs": TOGETHER * 1000}
    with ExitStack() as guests:

        def guest(**options):
            return guests.enter_context(Guest(scene.hub.port, **options))

        silent, silent_since, thrown_out_at = guest(answers=False), monotonic(), []
        silent.client.ended.rawlink(lambda _: thrown_out_at.append(monotonic()))
        waiting, speaking = guest(**room), guest(**room)
        speaking.say(payload="here")
        speaking.hear("here")
        asked = monotonic()
        waiting.say(subType="Together", payload="together")
        waiting.say(payload="asked")
        waiting.hear("asked")
        for ahead in JUMPS:
            scene.hub.set_clock(ahead)
            speaking.say(payload=f"at {ahead}")
            heard, _ = speaking.hear(f"at {ahead}")
            shown = heard["time"] / 1000 - time.time() if heard else 0
            scene.expect(abs(shown - ahead) < HOUR, "clocks that did not jump")
        for number in range(BURST):
            speaking.say(payload=number)
        scene.expect(speaking.hear(BURST - 1)[0], "bursts that were refused after a jump")
        _, at = waiting.hear("together")
        is_in_time = TOGETHER * 0.9 < at - asked < TOGETHER + A_WHILE
        scene.expect(is_in_time, "together groups out of time after a jump")
        silent.client.ended.wait(scene.ping + scene.pong + PATIENCE)
        took = sum(thrown_out_at) - silent_since
        is_in_time = scene.pong < took < scene.ping + scene.pong + A_WHILE
        scene.expect(is_in_time, "heartbeats out of time after a jump")
        scene.expect(silent.client.close_code == 4408, "silent ones closed with another code")
        scene.hub.set_clock(0)
        scene.witnesses_hear("witnesses that heard nothing after a jump")


# How often each befalls it in the full form.
ALL = {
    kill: 4,
    terminate: 3,
    stop: 3,
    flood: 12,
    use_up_descriptors: 2,
    move_clock: 4,
}
