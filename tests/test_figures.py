"""What a hub knows of the last quarter of an hour, and what it costs to know it."""

import gc
import json
import time
import weakref

import gevent
import pytest

from piehub import create_app, figures
from piehub.net.flusher import Flusher
from piehub.net.threads import Threads
from tests.support.scrape import ADMIN, METRICS, fetch
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def quick(monkeypatch):
    """Looks at everything more often than it does for real."""
    monkeypatch.setattr(figures, "INTERVAL", 50 * MS)


@pytest.fixture
def url(service, quick):
    return service.start(admin_token=ADMIN, room_cleanup_delay=0)


def report(url):
    return json.loads(fetch(url, "/api/figures", ADMIN))


def wait_for(url, good):
    """Ask until a sample is `good`; return it."""
    with gevent.Timeout(PATIENCE):
        while True:
            for sample in report(url)["samples"]:
                if good(sample):
                    return sample
            gevent.sleep(5 * MS)


def room_of(service, url, count):
    peers = [service.peer(url) for _ in range(count)]
    for peer in peers:
        peer.join()
    return peers


def counted(monkeypatch, kind, name):
    """Whose method is called from here on."""
    calls = []
    function = getattr(kind, name)

    def count(self, *arguments):
        calls.append(self)
        return function(self, *arguments)

    monkeypatch.setattr(kind, name, count)
    return calls


def test_a_sample_says_who_is_there_and_what_has_been_said_since_the_one_before(service, url):
    began = time.time() * 1000
    anna, bert = room_of(service, url, 2)
    first = wait_for(url, lambda one: (one["clients"], one["messagesIn"]) == (2, 0))
    assert (first["rooms"], first["waiting"]) == (1, 0)
    assert began - 1 <= first["at"] <= time.time() * 1000
    for _ in range(10):
        anna.say("Data", payload="x" * 100)
    for _ in range(10):
        bert.hear_type("Data")
    gevent.sleep(2 * figures.INTERVAL)
    told = [one for one in report(url)["samples"] if one["at"] > first["at"]]
    in_all = {name: sum(sample[name] for sample in told) for name in ("messagesIn", "messagesOut")}
    assert in_all["messagesOut"] == pytest.approx(2 * in_all["messagesIn"], rel=0.05)
    assert sum(sample["bytesOut"] for sample in told) > 100 * in_all["messagesOut"] > 0


def test_a_rate_is_that_of_a_second_however_late_a_look_comes(service, monkeypatch):
    monkeypatch.setattr(figures, "INTERVAL", 3600)
    (anna,) = room_of(service, service.start(admin_token=ADMIN, room_cleanup_delay=0), 1)
    hub = service.hub
    for pause in (20 * MS, 100 * MS):
        hub.figures.look()
        for payload in range(20):
            anna.say("Data", payload=payload)
            anna.hear_type("Data")
        gevent.sleep(pause)
        hub.figures.look()
        then, now = json.loads(hub.figures.report())["samples"][-2:]
        seconds = (now["at"] - then["at"]) / 1000
        assert now["messagesIn"] * seconds == pytest.approx(20, rel=0.1)
        assert now["messagesOut"] == now["messagesIn"]


def test_a_close_is_in_the_sample_of_its_time_and_in_the_count_of_all(service, url):
    peers = room_of(service, url, 3)
    wait_for(url, lambda sample: sample["clients"] == 3)
    for peer in peers[:2]:
        peer.close()
    with gevent.Timeout(PATIENCE):
        while sum(one["closes"].get("1000", 0) for one in report(url)["samples"]) < 2:
            gevent.sleep(5 * MS)
    wait_for(url, lambda sample: sample["clients"] == 1)
    gevent.sleep(2 * figures.INTERVAL)
    told = report(url)
    assert told["closes"] == {"1000": 2}
    assert sum(one["closes"].get("1000", 0) for one in told["samples"]) == 2
    assert told["samples"][-1]["closes"] == {}


def test_now_is_not_as_old_as_the_last_sample(service, monkeypatch):
    monkeypatch.setattr(figures, "INTERVAL", 3600)
    url = service.start(admin_token=ADMIN, room_cleanup_delay=0)
    before = time.time() * 1000
    nobody = report(url)
    assert (nobody["samples"], nobody["closes"], nobody["interval"]) == ([], {}, 3600)
    assert (nobody["now"]["clients"], nobody["now"]["messagesIn"]) == (0, 0)
    room_of(service, url, 2)
    now = report(url)["now"]
    assert (now["clients"], now["rooms"]) == (2, 1)
    assert before - 1 <= now["at"] <= time.time() * 1000


def test_samples_reach_back_a_quarter_of_an_hour_and_take_less_than_100_kb(service):
    service.start(admin_token=ADMIN)
    kept = service.hub.figures
    codes = [*range(1000, 1004), *range(1005, 1015), 4408, 4409, 4413, 4429, "other"]
    for count in range(1000, 1300):
        reading = kept.read()._replace(
            clients=20_000,
            rooms=10_000,
            waiting=10**10,
            messages_received=count * 10**6,
            messages_sent=count * 10**7,
            bytes_sent=count * 10**10,
            closed={str(code): count * 1000 for code in codes},
        )
        kept.sample(reading)
    told = json.loads(kept.report())
    assert len(told["samples"]) * figures.INTERVAL == 15 * 60
    assert all(len(sample["closes"]) == len(codes) for sample in told["samples"])
    assert sum(map(len, kept._samples)) < 100_000


def test_without_the_operators_token_nothing_is_kept(service, quick):
    with_it = service.start(admin_token=ADMIN)
    without = service.start(metrics_token=METRICS)
    hub = service.hub
    for url in (with_it, without):
        service.peer(url)
    wait_for(with_it, lambda sample: sample["clients"] == 1)
    with gevent.Timeout(PATIENCE):
        while len(report(with_it)["samples"]) < 3:
            gevent.sleep(5 * MS)
    assert json.loads(hub.figures.report())["samples"] == []


def test_without_a_token_nobody_looks_and_no_flush_is_timed(service, quick, monkeypatch):
    looked = counted(monkeypatch, figures.Figures, "read")
    timed = counted(monkeypatch, Flusher, "_flush_and_tell")
    watched = service.start(admin_token=ADMIN, room_cleanup_delay=0)
    watching = service.hub
    plain = service.start(room_cleanup_delay=0)
    for url in (watched, plain):
        anna = service.peer(url)
        anna.join()
        anna.say("Data", payload=1)
        anna.hear_type("Data")
    with gevent.Timeout(PATIENCE):
        while looked.count(watching.figures) < 3:
            gevent.sleep(5 * MS)
    assert service.hub.figures not in looked
    assert watching.runtime._flusher in timed
    assert service.hub.runtime._flusher not in timed


def test_looking_at_many_clients_lets_the_others_go_on(service, monkeypatch):
    monkeypatch.setattr(figures, "_SLICE", 2)
    url = service.start(room_cleanup_delay=0)
    peers = room_of(service, url, 5)
    peers[0].say("Data", payload=1)
    for peer in peers:
        peer.hear_type("Data")
    turns = []
    beside = gevent.spawn(lambda: [(turns.append(one), gevent.sleep(0)) for one in range(10)])
    reading = service.hub.figures.read()
    assert turns == [0, 1]
    assert (reading.clients, reading.messages_received) == (5, 6)
    beside.join()


def test_who_goes_while_it_is_looked_at_is_counted_once(service, monkeypatch):
    monkeypatch.setattr(figures, "_SLICE", 1)
    url = service.start(room_cleanup_delay=0)
    peers = room_of(service, url, 4)
    hub = service.hub
    assert hub.figures.read().messages_received == 4

    def everybody_goes(self, seconds):
        for peer in peers:
            peer.close()
        with gevent.Timeout(PATIENCE):
            while len(hub.heartbeat):
                gevent.sleep(MS)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(type(hub.runtime), "sleep", everybody_goes)
        assert hub.figures.read().messages_received == 4
    assert hub.figures.read().messages_received == 4


def test_what_was_not_taken_of_durations_is_bounded(service):
    url = service.start(admin_token=ADMIN)
    service.peer(url)
    kept = service.hub.figures
    for durations in (kept.handshakes, kept.flushes):
        durations.extend(range(100_000))
        assert len(durations) == 1000


def test_its_timer_does_not_keep_a_hub_that_nobody_else_knows():
    app = create_app(PIEHUB_SECRET_KEY="for tests", PIEHUB_ADMIN_TOKEN=ADMIN)
    assert app.extensions["piehub"].runtime  # as if it served
    known = weakref.ref(app.extensions["piehub"])
    del app
    gc.collect()
    assert known() is None


def test_with_threads_it_looks_too(quick):
    app = create_app(PIEHUB_SECRET_KEY="for tests", PIEHUB_ADMIN_TOKEN=ADMIN)
    hub = app.extensions["piehub"]
    hub.figures.begin(Threads())
    with gevent.Timeout(PATIENCE):
        while not json.loads(hub.figures.report())["samples"]:
            gevent.sleep(5 * MS)
    del app, hub  # and with them the timer
    gc.collect()
