"""`flask pie doctor --url`: a hub that runs, with whatever stands before it."""

import json
import re
import ssl
from contextlib import suppress

import gevent
import pytest
import trustme
from flask import Flask, jsonify, redirect
from gevent import socket
from gevent.server import StreamServer

from piehub import PieHub, create_app, signals
from piehub.commands import there
from tests.commands.conftest import TOKEN
from tests.support.process import free_port


def told(ran):
    """What it said, by what it is about."""
    assert "Traceback" not in ran.output
    return {each["what"]: each for each in json.loads(ran.stdout)}


@pytest.fixture
def doctor(pie):
    def run(url, *words, **options):
        ran = pie("doctor", "--url", url, "--json", *words, **options)
        assert ran.exit_code in (0, 1), ran.output
        found = told(ran)
        is_wrong = any(each["level"] == "error" for each in found.values())
        assert ran.exit_code == int(is_wrong)
        return found

    return run


@pytest.fixture
def before():
    """A proxy before a hub: passes bytes on, but for what `edit` makes of a request's head."""
    started = []

    def start(url, edit=lambda head: head, come_from="127.0.0.1"):
        port = int(url.rpartition(":")[2])

        def pass_on(source, sink):
            with suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

        def serve(client, _):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            with socket.create_connection(
                ("127.0.0.1", port), source_address=(come_from, 0)
            ) as hub:
                hub.sendall(edit(head))
                back = gevent.spawn(pass_on, hub, client)
                pass_on(client, hub)
                back.join()

        server = StreamServer(("127.0.0.1", 0), serve)
        server.start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in started:
        server.stop()


def http(url):
    return url.replace("ws://", "http://")


def test_a_hub_that_is_well_is_told_so(service, doctor):
    url = service.start()
    found = doctor(http(url))
    assert {each["level"] for each in found.values()} == {"ok"}
    assert found["health"]["text"] == "piehub 0.1.0, 0 clients, 0 rooms"
    assert found["upgrade"]["text"] == f"{url}/ answers 101"
    milliseconds = float(found["round trip"]["text"].partition(" ms")[0])
    assert 0 < milliseconds < 500


@pytest.mark.parametrize("form", ["ws://{}", "http://{}/", "{}"])
def test_a_url_may_be_written_in_many_ways(form, service, doctor):
    address = service.start().removeprefix("ws://")
    assert doctor(form.format(address))["upgrade"]["level"] == "ok"


def test_the_path_is_the_apps_or_the_urls(service, doctor):
    url = http(service.start(path="/ws"))
    assert doctor(url, settings={"PIEHUB_PATH": "/ws"})["upgrade"]["level"] == "ok"
    assert doctor(f"{url}/ws")["upgrade"]["level"] == "ok"
    assert doctor(f"{url}/elsewhere")["upgrade"]["text"].startswith(
        f"{url.replace('http', 'ws')}/elsewhere answers 404"
    )


def test_where_nobody_answers_that_is_all_there_is_to_say(doctor):
    found = doctor(url := f"http://127.0.0.1:{free_port()}")
    assert found.keys() == {"health"}
    assert found["health"]["text"] == f"nobody answers at {url}: Connection refused"


@pytest.mark.parametrize("path", ["/", "/ws"])
def test_an_upgrade_that_a_proxy_keeps_to_itself_is_seen(path, service, doctor, before):
    def edit(head):
        lines = head.split(b"\r\n")
        return b"\r\n".join(
            line for line in lines if not line.lower().startswith((b"upgrade:", b"connection:"))
        )

    found = doctor(before(service.start(path=path), edit) + path)
    assert found["health"]["level"] == "ok"
    assert found["upgrade"]["level"] == "error"
    assert "proxy_set_header Upgrade $http_upgrade" in found["upgrade"]["advice"]


def test_a_proxy_that_speaks_http_1_0_is_seen(service, doctor, before):
    proxy = before(service.start(), lambda head: head.replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    found = doctor(proxy)["upgrade"]
    assert found["level"] == "error"
    assert "proxy_http_version 1.1" in found["advice"]


class Watched:
    """An app with a hub that says, as the API does, from where its clients come."""

    def __init__(self, **settings):
        self.app = create_app(PIEHUB_SECRET_KEY="for tests", PIEHUB_ADMIN_TOKEN=TOKEN, **settings)
        self.seen = {}
        self.app.view_functions["client"] = lambda name: jsonify(id=name, address=self.seen[name])
        self.app.add_url_rule("/api/clients/<name>", "client")
        signals.client_opened.connect(self._opened, self.app)

    def _opened(self, sender, client):
        self.seen[client.id] = client.address


@pytest.mark.parametrize("come_from", ["127.0.0.1", "127.0.0.7"])
def test_an_address_that_is_a_proxys_is_seen(come_from, service, doctor, before):
    proxy = before(service.start(Watched().app), come_from=come_from)
    found = doctor(proxy, "--token", TOKEN)["address"]
    assert found["level"] == "warning"
    assert re.search(rf"sees {come_from}:\d+, which is not 127\.0\.0\.1:\d+: if", found["text"])
    assert found["advice"].endswith(f"PIEHUB_TRUSTED_PROXIES={come_from}")


def test_an_address_that_a_proxy_names_is_ours(service, doctor, before):
    def edit(head):
        return head[:-2] + b"X-Forwarded-For: 127.0.0.1\r\n\r\n"

    app = Watched(PIEHUB_TRUSTED_PROXIES="127.0.0.7").app
    proxy = before(service.start(app), edit, come_from="127.0.0.7")
    found = doctor(proxy, "--token", TOKEN)["address"]
    assert (found["level"], found["text"]) == ("ok", "the hub sees 127.0.0.1, which is ours")


def test_an_address_without_a_proxy_is_ours(service, doctor):
    found = doctor(http(service.start(Watched().app)), "--token", TOKEN)["address"]
    assert found["level"] == "ok"
    assert re.fullmatch(r"the hub sees 127\.0\.0\.1:\d+, which is ours", found["text"])


@pytest.mark.parametrize(
    ("seen", "level", "advice"),
    [
        ("", "warning", "unix"),
        ("10.1.2.3:4444", "warning", "10.1.2.3"),
        ("fd00::1:4444", "warning", "fd00::1"),
        ("8.8.8.8:4444", "ok", ""),
        ("8.8.8.8", "ok", ""),
    ],
)
def test_an_address_of_elsewhere_is_judged(seen, level, advice, service, doctor):
    watched = Watched()
    watched.app.view_functions["client"] = lambda name: jsonify(address=seen)
    found = doctor(http(service.start(watched.app)), "--token", TOKEN)["address"]
    assert found["level"] == level
    assert found["advice"].rpartition("=")[2] == advice


def test_without_a_token_no_address_is_asked_for(service, doctor, before):
    assert "address" not in doctor(before(service.start(Watched().app), come_from="127.0.0.7"))


def test_an_address_that_the_hub_does_not_tell_is_a_warning(service, doctor, before):
    app = Flask("app")
    app.config["PIEHUB_SECRET_KEY"] = "for tests"
    PieHub(app)
    found = doctor(before(service.start(app)), "--token", TOKEN)["address"]
    assert found["level"] == "warning"
    assert "could not be asked for: there is no API" in found["text"]


@pytest.mark.parametrize(
    ("status", "what", "level", "text"),
    [
        (502, "health", "error", "502: what stands before the hub does not reach it"),
        (404, "health", "warning", "/healthz says 404, and nothing that a hub says"),
        (200, "health", "warning", "/healthz says 200, and nothing that a hub says"),
        (200, "upgrade", "error", "answers 200: hello"),
        (403, "upgrade", "warning", "answers 403: hello"),
        (503, "upgrade", "error", "answers 503: hello"),
    ],
)
def test_what_answers_in_the_place_of_a_hub_is_judged(status, what, level, text, serve, doctor):
    def app(environ, start_response):
        start_response(f"{status} So", [("Content-Type", "text/plain")])
        return [b"hello\nand more"]

    found = doctor(serve(app))[what]
    assert found["level"] == level
    assert text in found["text"]


def test_a_hub_that_is_leaving_is_told_of(service, doctor):
    url = http(service.start())
    service.hub.drain()
    found = doctor(url)
    assert found["health"]["text"].startswith("the hub says 503, draining: piehub ")
    assert found["upgrade"]["level"] == "error"
    assert "answers 503" in found["upgrade"]["text"]


def test_a_way_that_is_sent_elsewhere_is_told_of(serve, doctor):
    app = Flask(__name__)
    app.add_url_rule("/healthz", view_func=lambda: redirect("https://hub.example/healthz"))
    found = doctor(serve(app))["health"]
    assert found["level"] == "error"
    assert "sends us on to https://hub.example/healthz" in found["text"]


def test_a_socket_that_is_no_hubs_is_told_of(serve, doctor):
    from flask_sock import Sock

    app = Flask(__name__)
    Sock(app).route("/")(lambda ws: ws.send("hello"))
    assert doctor(serve(app))["greeting"]["text"] == "what answers is no hub of this protocol"


def test_without_tls_elsewhere_that_is_a_warning(monkeypatch, service, doctor):
    monkeypatch.setattr(there.Target, "is_loopback", False)
    monkeypatch.setenv("NO_PROXY", "*")
    assert doctor(http(service.start()))["tls"]["level"] == "warning"


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """Make contexts of a server whose certificate ends in so many days."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    def context(days, name="localhost"):
        from datetime import datetime, timedelta, timezone

        ends = datetime.now(timezone.utc) + timedelta(days=days, hours=1)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name, not_after=ends).configure_cert(made)
        return made

    return context


@pytest.mark.parametrize(("days", "level"), [(90, "ok"), (14, "ok"), (13, "warning")])
def test_a_certificate_says_how_long_it_lasts(days, level, tls, serve, doctor):
    url = serve(create_app(PIEHUB_SECRET_KEY="x"), "https", ssl_context=tls(days))
    found = doctor(url)
    assert found["tls"]["level"] == level
    assert f", and {days} days left of the certificate" in found["tls"]["text"]
    assert found["upgrade"]["level"] == "ok"


def test_a_certificate_of_somebody_elses_is_an_error(tls, serve, doctor):
    url = serve(create_app(PIEHUB_SECRET_KEY="x"), "https", ssl_context=tls(90, "other.example"))
    found = doctor(url)
    assert found.keys() == {"health"}
    assert "certificate verify failed" in found["health"]["text"]
