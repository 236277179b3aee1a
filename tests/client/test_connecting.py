"""How a client connects, and closes."""

import re
import ssl
import threading
from uuid import UUID

import flask
import pytest
import trustme
from flask import Flask

from piehub import PieHub
from piehub.client import NotConnected, PieClient, PieError, PieTimeout, Refused
from tests.client.people import KEPT, ROOM
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def ann(person, url):
    return person(url).joins(ROOM)


@pytest.fixture
def bob(person, url, ann):
    return person(url).joins(ROOM)


def test_the_address_keeps_its_path_and_query(service, person, network_to):
    app = Flask(__name__)
    app.config.update(
        PIEHUB_PATH="/rooms/ws", PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0
    )
    asked = []
    PieHub(app).authorize(lambda: asked.append(flask.request.query_string) or True)
    network = network_to(service.start(app))
    ann = person(f"{network.url}/rooms/ws?team=a%2Fb+c;d&x&clientId=ann#top").joins(ROOM)
    network.cut()
    ann.comes_back()
    ann.says("still in the team")
    assert ann.has_heard("still in the team")
    assert ann.id == "ann"
    assert asked[0] == b"team=a%2Fb+c;d&x&clientId=ann"
    assert re.fullmatch(rb"team=a%2Fb\+c;d&x&clientId=ann&resumeToken=[^&]+", asked[1])


def test_a_client_has_the_id_that_it_asks_for(person, url):
    assert person(url, client_id="ann & bob").joins(ROOM).data == []
    eve = person(url, client_id="eve")
    eve.pie.connect()
    eve.pie.join_room(**ROOM)
    assert eve.pie.clients == ["ann & bob", "eve"]
    ann_id = person(url).id
    assert str(UUID(ann_id)) == ann_id


def test_who_may_not_connect_is_told_why(service, person):
    app = Flask(__name__)
    app.config.update(PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0)
    PieHub(app).authorize(
        lambda: flask.request.headers.get("X-Key") == "open" or flask.abort(401, "No key, no door.")
    )
    url = service.start(app)
    with pytest.raises(Refused, match=r"Could not connect to ws://\S+: 401 .*No key, no door\."):
        person(url, headers={"X-Key": "wrong"}).pie.connect()
    assert person(url, headers={"X-Key": "open"}).joins(ROOM).pie.is_connected


def test_a_client_may_be_told_whom_to_trust(person, start, tmp_path):
    authority = trustme.CA()
    certificate = str(tmp_path / "loopback.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    hub = start(
        [
            "gunicorn",
            "-k",
            "gevent",
            "--certfile",
            certificate,
            "--keyfile",
            certificate,
            "wsgi:app",
        ]
    )
    url = hub.url.replace("ws:", "wss:")
    with pytest.raises(NotConnected, match="certificate verify failed"):
        person(url, timeout=3 * PATIENCE).pie.connect()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    ann = person(url, ssl=trust).joins(KEPT)
    ann.says(*["x" * 60_000] * 30)
    ann.waits_for(lambda: len(ann.heard) == 30)
    ann.pie._session._link.cut()
    ann.comes_back()
    ann.says("back")
    ann.waits_for(lambda: ann.heard[-1] == "back")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://hub.example", "ws://", "ws://a:b/", ""])
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(ValueError, match=r"url is|[Pp]ort"):
        PieClient(url)


def test_who_finds_no_hub_is_told_and_can_try_again(person, url, network):
    ann = person(network.url)
    network.is_down = True
    for _ in range(3):
        with pytest.raises(NotConnected, match=f"Could not connect to {network.url}"):
            ann.pie.connect()
    assert not ann.pie.is_connected
    with pytest.raises(NotConnected, match="Could not connect"):
        ann.pie.get_rooms()
    network.is_down = False
    assert ann.joins(ROOM).pie.is_connected
    assert ann.errors == []


def test_what_needs_a_connection_says_so_before_there_is_one(person, url):
    pie = person(url).pie
    for call in (
        lambda: pie.send_data(1),
        pie.get_rooms,
        lambda: pie.make_room(**ROOM),
        lambda: pie.enter_matchmaking("a", "1", 2),
        pie.leave_matchmaking,
        pie.messages,
    ):
        with pytest.raises(NotConnected, match=r"connect\(\)"):
            call()
    pie.leave_room()
    pie.close()


def test_one_connects_once(ann):
    with pytest.raises(PieError, match="is connected, or about to be"):
        ann.pie.connect()
    ann.says("still here")
    assert ann.has_heard("still here")


def test_after_closing_one_can_connect_again(ann, bob):
    ann_id = ann.id
    ann.pie.close()
    ann.pie.close()
    assert not ann.pie.is_connected
    assert ann.links[-1] == (False, "The client was closed")
    with pytest.raises(NotConnected, match="was closed"):
        ann.says("lost")
    ann.joins(ROOM)
    ann.says("back")
    assert bob.has_heard("back")
    assert ann.id == ann_id


def test_what_is_said_before_closing_is_heard(person, url, bob):
    with PieClient(url) as pie:
        pie.join_room(**ROOM)
        pie.send_data("goodbye")
    assert bob.has_heard("goodbye")
    bob.waits_for(lambda: pie.client_id not in bob.pie.clients)


def test_leaving_a_with_statement_closes_the_client_also_by_an_exception(url):
    pie = PieClient(url)

    def stumble():
        with pie:
            pie.make_room(**ROOM)
            raise KeyError

    with pytest.raises(KeyError):
        stumble()
    assert not pie.is_connected
    assert pie.room is None


def test_leaving_a_with_statement_raises_its_own_exception_though_closing_fails(url, caplog):
    may_go_on = threading.Event()
    pie = PieClient(url)
    pie.on_presence = lambda message: may_go_on.wait(PATIENCE)
    pie._timeout = 50 * MS  # for all but connecting

    def leave_by(error):
        with pie:
            with pytest.raises(PieTimeout):
                pie.make_room(**ROOM)
            if error:
                raise error

    pie.connect(timeout=PATIENCE)
    with pytest.raises(KeyError):
        leave_by(KeyError())
    assert "The client did not close in time" in caplog.text
    may_go_on.set()
    pie.close(timeout=PATIENCE)
    assert not pie.is_connected
