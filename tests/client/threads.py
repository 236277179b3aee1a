"""What a client does in a process that nobody has patched: run as a script, with the name of one of
the functions below and the hub's addresses. Each prints what the test waits for."""

import sys
import threading
from time import sleep

from piehub.client import PieClient, PieError
from tests.client.people import KEPT, ROOM, Person, until
from tests.support.timing import MS, PATIENCE


def say(*words):
    print(*words, flush=True)


def end(*people):
    """Close them; no thread stays."""
    for one in people:
        one.pie.close()
    ours = {threading.main_thread()}
    until(lambda: set(threading.enumerate()) == ours)
    say("all threads have ended")


def meet(url):
    ann, bob = Person(url).joins(ROOM), Person(url).joins(ROOM)
    ann.says("hello")
    ann.pie.whisper("psst", bob.id)
    ann.pie.together("both", "x")
    bob.pie.together("both", "x")
    bob.waits_for(lambda: len(bob.heard) == 4)
    say("bob heard", bob.heard)
    say("rooms", [room["clients"] for room in ann.pie.get_rooms(details=True)])
    end(ann, bob)


def come_back(url, url_of_bob):
    """The test cuts ann's network twice."""
    ann, bob = Person(url).joins(KEPT), Person(url_of_bob).joins(KEPT)
    messages = ann.pie.messages()
    for cuts in (1, 2):
        bob.says(f"before {cuts}")
        ann.waits_for(lambda cuts=cuts: f"before {cuts}" in ann.heard)
        say("ready to be cut", cuts)
        ann.waits_for(lambda cuts=cuts: sum(not link.is_connected for link in ann.links) == cuts)
        bob.says(f"missed {cuts}")
        ann.comes_back(cuts)
        ann.says(f"after {cuts}")
        for one in (ann, bob):
            one.waits_for(lambda one=one, cuts=cuts: f"after {cuts}" in one.heard)
    say("same", ann.heard == bob.heard == [next(messages)["payload"] for _ in range(6)])
    say("ann heard", ann.heard)
    end(ann, bob)


def many_at_once(url, url_of_bob):
    """Threads speak at once while the test cuts the network. What cannot be sent is tried again."""
    ann, bob = Person(url), Person(url_of_bob).joins(KEPT)
    ann.joins(KEPT)
    speakers = [threading.Thread(target=insist, args=[ann, name]) for name in range(4)]
    say("begins")
    for speaker in speakers:
        speaker.start()
    for speaker in speakers:
        speaker.join()
    bob.waits_for(lambda: len(bob.heard) >= 4 * 25)
    for name in range(4):
        numbers = [number for who, number in bob.heard if who == name]
        say("bob heard in order", numbers == list(range(25)))
    ann.waits_for(lambda: len(ann.heard) >= 4 * 25)
    say("ann heard the same", ann.heard == bob.heard)
    end(ann, bob)


def insist(one, name):
    for number in range(25):
        one.insists([name, number])
        sleep(10 * MS)


def much(url):
    """More than all buffers hold, in both directions at once."""
    ann = Person(url).joins(ROOM)
    for number in range(1000):
        ann.says([number, "x" * 60_000])
    ann.waits_for(lambda: len(ann.heard) == 1000)
    say("in order", [number for number, _ in ann.heard] == list(range(1000)))
    say("links", len(ann.links))
    end(ann)


def be_cautious(url):
    """What must raise, raises."""
    ann = Person(url).joins(ROOM)
    raised = []

    def wait(message):
        try:
            ann.pie.get_rooms()
        except PieError as error:
            raised.append(str(error))

    ann.pie.on_presence = wait
    bob = Person(url).joins(ROOM)
    ann.waits_for(lambda: raised or ann.pie.get_rooms())
    bob.says("done")
    assert ann.has_heard("done")
    say("raised", raised)
    slow = threading.Event()
    ann.pie.on_data = lambda message: slow.wait(PATIENCE)
    bob.says("hang")
    sleep(50 * MS)
    try:
        ann.pie.close(timeout=50 * MS)
    except PieError as error:
        say("raised", error)
    slow.set()
    end(ann, bob)


def forget_to_close(url):
    pie = PieClient(url)
    pie.connect()
    pie.make_room(**ROOM)
    say("the end")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
