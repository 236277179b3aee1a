"""/metrics, as Prometheus reads it, while clients do what it counts."""

import json
import logging
import os
import subprocess
import sys

import gevent
import pytest
from flask import Flask
from geventwebsocket.handler import WebSocketHandler
from prometheus_client import REGISTRY, Counter

from piehub import PieHub, create_app, figures
from piehub.web import metrics
from tests.support.peer import ROOM, masked
from tests.support.process import ROOT
from tests.support.scrape import ADMIN, METRICS, families, fetch, values
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def url(service):
    return service.start(metrics_token=METRICS, room_cleanup_delay=0)


def read(url):
    return values(fetch(url))


def wait_for(url, name, value):
    """Read until a sample has this value; return all of them."""
    with gevent.Timeout(PATIENCE):
        while (found := read(url))[name] != value:
            gevent.sleep(5 * MS)
    return found


def changes(before, after):
    """By how much the counters have grown, for those that have."""
    return {
        name: after[name] - before[name]
        for name in after
        if "_total" in str(name) and after[name] != before[name]
    }


def room_of(service, url, count):
    """So many clients in one room, who have heard of each other."""
    peers = [service.peer(url) for _ in range(count)]
    for peer in peers:
        peer.join()
    for peer in peers[:-1]:
        while len(peer.hear_type("ClientPresenceChanged")["clients"]) < count:
            pass
    return peers


def answer(url, path="/metrics", token="", **headers):
    """From an app that serves nobody."""
    app = create_app(PIEHUB_SECRET_KEY="for tests", **url)
    headers = {"Authorization": f"Bearer {token}", **headers}
    return app.test_client().get(path, headers=headers)


def test_a_message_to_three_counts_one_in_and_three_out(service, url):
    anna, *others = room_of(service, url, 3)
    before = read(url)
    anna.say("Data", payload="once")
    heard = [peer.socket.recv(PATIENCE) for peer in (anna, *others)]
    said = len(json.dumps({"type": "Data", "payload": "once"}))
    assert heard[0] == heard[1] == heard[2]
    assert len(heard[0]) < 126
    assert changes(before, read(url)) == {
        "piehub_messages_received_total": 1,
        "piehub_messages_sent_total": 3,
        "piehub_received_bytes_total": said + 6,  # with the frame's head and its mask
        "piehub_sent_bytes_total": 3 * (len(heard[0]) + 2),
    }


def test_what_clients_have_said_and_heard_stays_counted_when_they_have_gone(service, url):
    anna, bert = room_of(service, url, 2)
    anna.say("Data", payload="before I go")
    bert.hear_type("Data")
    before = read(url)
    for peer in (anna, bert):
        peer.close()
    after = wait_for(url, "piehub_clients", 0)
    wait_for(url, ("piehub_clients_closed_total", "1000"), 2)
    for name in ("piehub_messages_received_total", "piehub_received_bytes_total"):
        assert 0 < before[name] <= after[name]
    assert after["piehub_messages_sent_total"] >= before["piehub_messages_sent_total"] > 5
    service.peer(url).join()
    assert changes(after, read(url))["piehub_messages_received_total"] == 1


def test_who_is_there_is_shown_and_how_many_have_come_and_gone(service, url):
    nobody = read(url)
    for name in ("piehub_clients", "piehub_rooms", "piehub_clients_opened_total"):
        assert nobody[name] == 0
    anna, _, _ = room_of(service, url, 3)
    there = read(url)
    assert (there["piehub_clients"], there["piehub_rooms"]) == (3, 1)
    assert (there["piehub_clients_opened_total"], there["piehub_rooms_made_total"]) == (3, 1)
    anna.close()
    gone = wait_for(url, ("piehub_clients_closed_total", "1000"), 1)
    assert (gone["piehub_clients"], gone["piehub_clients_opened_total"]) == (2, 3)


def test_who_takes_too_little_is_counted_as_too_slow(service):
    url = service.start(
        metrics_token=METRICS,
        room_cleanup_delay=0,
        rate_limit=0,
        outbox_bytes=200_000,
        max_members=100,
    )
    speaker = service.peer(url)
    speaker.join()
    slow = service.wire(url)
    slow.send(masked(1, json.dumps({"type": "JoinRoom", "roomInfo": ROOM}).encode()))
    with gevent.Timeout(2 * PATIENCE):
        while len(speaker.hear_type("ClientPresenceChanged")["clients"]) < 2:
            pass
        waiting = 0
        while not (found := read(url))["piehub_clients_closed_total", "4413"]:
            waiting = max(waiting, found["piehub_waiting_bytes"])
            speaker.say("Data", payload="x" * 50_000)
            speaker.hear_type("Data")
    assert found["piehub_clients_closed_total", "4413"] == 1
    assert 10_000 < waiting < 300_000


def test_who_says_too_much_is_counted_under_4429(service):
    url = service.start(metrics_token=METRICS, rate_limit=1, rate_burst=2, room_cleanup_delay=0)
    eager = service.peer(url)
    for _ in range(4):
        eager.say("Data")
    assert eager.close_code() == 4429
    assert wait_for(url, ("piehub_clients_closed_total", "4429"), 1)["piehub_clients"] == 0


def test_who_answers_no_ping_is_counted_under_4408(service):
    url = service.start(metrics_token=METRICS, ping_interval=0.05, ping_timeout=0.05)
    service.wire(url)
    wait_for(url, ("piehub_clients_closed_total", "4408"), 1)


def test_codes_that_applications_make_up_are_counted_together(service, url):
    """Or one client could fill a time series database by closing with each of them."""
    for code in (4000, 4001):
        service.peer(url).socket.close(code)
    found = wait_for(url, ("piehub_clients_closed_total", "other"), 2)
    assert ("piehub_clients_closed_total", "4000") not in found


def test_a_wrong_password_counts(service, url):
    anna, bert = service.peer(url), service.peer(url)
    anna.join(password="right")
    assert bert.join(password="wrong")["type"] == "RejectPromise"
    assert read(url)["piehub_wrong_passwords_total"] == 1
    assert bert.join(password="right")["type"] == "ResolvePromise"
    assert read(url)["piehub_wrong_passwords_total"] == 1


def test_who_comes_back_counts_by_what_came_of_it(service, url):
    assert {read(url)["piehub_recoveries_total", one] for one in ("recovered", "lost")} == {0}
    host, guest = service.peer(url), service.peer(url)
    epoch = host.join(history=5)["data"]["epoch"]
    for known in (epoch, "another"):
        recover = {"epoch": known, "seq": 0}
        guest.say("JoinRoom", roomInfo=ROOM, recover=recover)
        promised = guest.hear_type("ResolvePromise")["data"]
        assert promised["recovered"] is (known == epoch)
        guest.say("LeaveRoom")
    found = read(url)
    assert found["piehub_recoveries_total", "recovered"] == 1
    assert found["piehub_recoveries_total", "lost"] == 1


def refused_with(service, url, **changes):
    """Ask for an upgrade that is refused; return the status."""
    wire = service.wire(url, handshake=False)
    wire.send(wire.request(**changes))
    return int(wire.read_until(b"\r\n\r\n").split()[1])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"path": "/?clientId=" + "x" * 129}, 400),
        ({"Origin": "https://elsewhere.example"}, 403),
    ],
)
def test_an_upgrade_that_is_refused_counts_by_its_status(service, changes, status):
    url = service.start(metrics_token=METRICS, allowed_origins="same")
    assert refused_with(service, url, **changes) == status
    found = read(url)
    assert found["piehub_handshakes_refused_total", str(status)] == 1
    assert found["piehub_clients_opened_total"] == 0
    others = {key for key in found if "piehub_handshakes_refused_total" in key if found[key]}
    assert others == {("piehub_handshakes_refused_total", str(status))}


def test_who_finds_no_space_counts_under_503_and_that_is_shown_before_it_happens(service):
    url = service.start(metrics_token=METRICS, max_clients=1)
    service.peer(url)
    assert ("piehub_handshakes_refused_total", "503") in read(url)
    assert refused_with(service, url) == 503
    assert read(url)["piehub_handshakes_refused_total", "503"] == 1


@pytest.mark.parametrize("handler", [None, WebSocketHandler], ids=["plain", "gevent-websocket"])
def test_an_authorize_hook_that_fails_counts_under_500(service, handler, caplog):
    app = Flask("failing")
    app.config.update(PIEHUB_SECRET_KEY="for tests", PIEHUB_METRICS_TOKEN=METRICS)
    pie = PieHub(app)
    app.register_blueprint(metrics.blueprint())

    @pie.authorize
    def fail():
        raise KeyError("a bug of the app's")

    url = service.start(app, **({"handler_class": handler} if handler else {}))
    wire = service.wire(url, handshake=False)
    wire.send(wire.request())
    wire.read_until(b"\r\n\r\n")
    found = wait_for(url, ("piehub_handshakes_refused_total", "500"), 1)
    assert found["piehub_clients_opened_total"] == 0
    assert any(record.levelno >= logging.ERROR for record in caplog.records)


def test_each_handshake_is_timed_from_its_request_on(service):
    app = Flask("hesitant")
    app.config.update(PIEHUB_SECRET_KEY="for tests", PIEHUB_METRICS_TOKEN=METRICS)
    pie = PieHub(app)
    app.register_blueprint(metrics.blueprint())

    @pie.authorize
    def hesitate():
        gevent.sleep(30 * MS)

    url = service.start(app)
    for _ in range(3):
        service.peer(url)
    found = read(url)
    assert found["piehub_handshake_seconds_count"] == 3
    assert 3 * 30 * MS <= found["piehub_handshake_seconds_sum"] < PATIENCE
    assert found["piehub_handshake_seconds_bucket", "+Inf"] == 3
    assert read(url)["piehub_handshake_seconds_count"] == 3


def test_some_flushes_are_timed(service, url):
    anna, bert = room_of(service, url, 2)
    anna.say("Data", payload=1)
    bert.hear_type("Data")
    found = read(url)
    assert found["piehub_flush_seconds_count"] >= 1
    assert 0 < found["piehub_flush_seconds_sum"] < PATIENCE


def test_after_one_flush_another_is_timed(service, monkeypatch):
    monkeypatch.setattr(figures, "_NEXT_FLUSH", MS)
    url = service.start(metrics_token=METRICS, room_cleanup_delay=0)
    (anna,) = room_of(service, url, 1)
    with gevent.Timeout(PATIENCE):
        while read(url)["piehub_flush_seconds_count"] < 3:
            anna.say("Data", payload=1)
            anna.hear_type("Data")


def test_a_count_never_goes_back_to_what_was_read_before(service, url):
    """A reading that was begun earlier may come to its end later."""
    (anna,) = room_of(service, url, 1)
    exporter = service.hub.app.extensions["piehub.exporter"]
    earlier = service.hub.figures.read()
    anna.say("Data", payload=1)
    anna.hear_type("Data")
    before = read(url)
    exporter.update(earlier)
    assert changes(before, read(url)) == {}


def test_names_follow_prometheus_rules(service, url):
    service.peer(url).join()
    found = families(fetch(url))
    assert len(found) > 10
    for family in found.values():
        assert family.name.startswith("piehub_")
        assert family.documentation.endswith(".")
        if family.type == "counter":
            assert {sample.name for sample in family.samples} <= {family.name + "_total"}
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def test_two_hubs_in_one_process_have_figures_of_their_own(service, url):
    other = service.start(metrics_token=METRICS, room_cleanup_delay=0)
    service.peer(url).join()
    assert (read(url)["piehub_clients"], read(other)["piehub_clients"]) == (1, 0)
    assert (read(url)["piehub_rooms_made_total"], read(other)["piehub_rooms_made_total"]) == (1, 0)


def test_the_apps_own_metrics_are_neither_shown_nor_added_to(service):
    own = Counter("orders", "The app's own.")
    try:
        before = {family.name for family in REGISTRY.collect()}
        url = service.start(metrics_token=METRICS)
        own.inc()
        assert "orders" not in fetch(url)
        assert "orders" in before
        assert {family.name for family in REGISTRY.collect()} == before
    finally:
        REGISTRY.unregister(own)


def test_openmetrics_is_spoken_to_who_asks_for_it(service, url):
    text = fetch(url, Accept="application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")
    assert "piehub_clients_opened_total" in text


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/metrics", METRICS, 200),
        ("/metrics", ADMIN, 200),
        ("/metrics", "wrong", 401),
        ("/metrics", "", 401),
        ("/api/figures", ADMIN, 200),
        ("/api/figures", METRICS, 401),
        ("/api/figures", "", 401),
    ],
)
def test_each_token_opens_its_own(path, token, status):
    both = {"PIEHUB_ADMIN_TOKEN": ADMIN, "PIEHUB_METRICS_TOKEN": METRICS}
    assert answer(both, path, token).status_code == status


def test_without_a_token_there_is_nothing():
    for path in ("/metrics", "/api/figures"):
        assert answer({}, path, "").status_code == 404
    metrics_alone = {"PIEHUB_METRICS_TOKEN": METRICS}
    assert answer(metrics_alone, "/api/figures", METRICS).status_code == 404
    assert answer(metrics_alone, "/metrics", METRICS).status_code == 200


TWO_HUBS = """
from prometheus_client import CollectorRegistry, Counter, Gauge
from piehub import create_app
from tests.support.scrape import METRICS

Counter("orders", "The app's own.").inc()
text, registry = "Rooms that there are, empty ones too.", CollectorRegistry()
left = Gauge("piehub_rooms", text, registry=registry, multiprocess_mode="livesum")
left.set(7)  # by a process of the same id, which ended badly
hubs = [create_app(PIEHUB_SECRET_KEY="x", PIEHUB_METRICS_TOKEN=METRICS) for _ in range(2)]
for hub in hubs * 2:
    hub.extensions["piehub"].figures.refused(403)
    answer = hub.test_client().get("/metrics", headers={"Authorization": f"Bearer {METRICS}"})
print(answer.text)
"""


def python(code, **environment):
    """What it prints."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_two_hubs_of_a_process_that_shares_a_folder_are_added_up(tmp_path):
    shown = values(python(TWO_HUBS, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)))
    assert shown["piehub_handshakes_refused_total", "403"] == 4
    assert shown["piehub_rooms"] == 0
    assert not any("orders" in str(name) for name in shown)


def test_a_hub_without_a_token_does_not_even_load_what_it_would_take():
    code = (
        "import sys, piehub; piehub.create_app(PIEHUB_SECRET_KEY='for tests'); "
        "print('prometheus_client' in sys.modules)"
    )
    assert python(code) == "False\n"
