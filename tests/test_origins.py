"""Whose pages may open a WebSocket: what is set, and what a browser says."""

import logging

import pytest
from flask import Flask

from piehub import PieHub, create_app
from piehub.origins import ANY, SAME, Origins, may_connect, origins
from piehub.settings import SettingError

LISTED = origins("https://example.com, http://localhost:3000")


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("*", {"*"}),
        ("same", {"same"}),
        ("HTTPS://Example.com", {"https://example.com"}),
        (
            "https://a.example,https://b.example  same",
            {"https://a.example", "https://b.example", "same"},
        ),
        ("null", {"null"}),
        ("chrome-extension://abcdefgh", {"chrome-extension://abcdefgh"}),
        ("", set()),
        (" ", set()),
        (
            "https://example.com:443, http://b.example:80",
            {"https://example.com", "http://b.example"},
        ),
        ("http://example.com:443", {"http://example.com:443"}),
        ("https://xn--mnchen-3ya.de", {"https://xn--mnchen-3ya.de"}),
        (ANY, {"*"}),
    ],
)
def test_origins_are_read_as_browsers_write_them(said, named):
    assert origins(said).named == named


@pytest.mark.parametrize(
    "said",
    [
        "example.com",
        "https://example.com/",
        "https://a.example/chat",
        "*.example.com",
        "https://*.example.com",
        "https://m\xfcnchen.de",
        ",",
        " , ",
        5,
    ],
)
def test_what_no_browser_says_is_refused_at_start(said):
    with pytest.raises(SettingError, match=r"origins such as https://example\.com.* with xn--"):
        create_app(PIEHUB_ALLOWED_ORIGINS=said)


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "may"),
    [
        ("https://evil.example", "example.com", ANY, True),
        ("https://evil.example", "example.com", SAME, False),
        (None, "example.com", SAME, True),
        (None, "example.com", LISTED, True),
        ("https://example.com", "example.com", SAME, True),
        ("https://Example.com", "example.COM:443", SAME, True),
        ("http://example.com:80", "example.com", SAME, True),
        ("http://example.com", "example.com:443", SAME, False),
        ("https://example.com:8443", "example.com", SAME, False),
        ("http://[::1]:8080", "[::1]:8080", SAME, True),
        ("https://example.com.evil.example", "example.com", SAME, False),
        ("https://notexample.com", "example.com", SAME, False),
        ("null", "null", SAME, False),
        ("null", "example.com", origins("null"), True),
        ("", "", SAME, False),
        ("file://", "", SAME, False),
        ("https://example.com", "hub.example", LISTED, True),
        ("http://example.com", "hub.example", LISTED, False),
        ("http://localhost:3000", "localhost:8080", LISTED, True),
        ("http://localhost:3001", "localhost:8080", LISTED, False),
        ("http://localhost:8080", "localhost:8080", LISTED, False),
        ("https://example.com.", "hub.example", LISTED, False),
    ],
)
def test_a_page_may_connect_if_its_origin_is_named_or_the_hubs_own(origin, host, allowed, may):
    assert may_connect(origin, host, allowed) is may


def answer(service, url, origin):
    """The status and the text that an upgrade from a page of this origin is answered with."""
    wire = service.wire(url, handshake=False)
    wire.send(wire.request(Origin=origin))
    head = wire.read_until(b"\r\n\r\n")
    status = int(head.split()[1])
    return status, "" if status == 101 else wire.read_until(b"\n").decode()


def own(url):
    return url.replace("ws://", "http://")


def authorized(pie=None, **config):
    app = Flask(__name__)
    app.config.from_mapping(PIEHUB_SECRET_KEY="for tests", **config)
    pie = pie or PieHub()
    pie.init_app(app)
    return app, pie


def test_every_page_may_connect_unless_something_is_said(service):
    assert answer(service, service.start(), "https://evil.example")[0] == 101


def test_a_page_that_is_not_named_is_refused_and_told_what_would_do(service):
    url = service.start(allowed_origins="https://example.com")
    assert answer(service, url, "https://evil.example") == (
        403,
        "Pages of https://evil.example may not connect; PIEHUB_ALLOWED_ORIGINS says whose may.\n",
    )
    assert answer(service, url, own(url))[0] == 403
    assert answer(service, url, "https://example.com")[0] == 101
    assert answer(service, url, None)[0] == 101


def test_an_origin_is_shown_only_where_that_does_no_harm(service):
    url = service.start(allowed_origins="same")
    assert "Pages of this origin may not" in answer(service, url, "x" * 101)[1]


def test_with_authorize_only_pages_of_the_hubs_own_origin_may_connect(service, caplog):
    app, pie = authorized()
    with caplog.at_level(logging.WARNING, "piehub"):
        pie.authorize(lambda: True)
        pie.authorize(lambda: True)
    url = service.start(app)
    assert [record.message for record in caplog.records] == [
        "PIEHUB_ALLOWED_ORIGINS is not set: as this app authorizes its clients, only pages of its "
        "own host may connect. Set it to `same` if that is right, to the origins of all your "
        "pages, such as https://example.com, or to `*`."
    ]
    assert answer(service, url, "https://evil.example")[0] == 403
    assert answer(service, url, own(url))[0] == 101


def test_a_hub_that_comes_after_its_authorize_says_so_too(caplog):
    pie = PieHub()
    pie.authorize(lambda: True)
    authorized(pie)
    assert caplog.text.count("PIEHUB_ALLOWED_ORIGINS is not set") == 1


@pytest.mark.parametrize("allowed", ["*", "https://evil.example"])
def test_what_is_set_goes_before_what_authorize_brings(allowed, service, caplog):
    app, pie = authorized(PIEHUB_ALLOWED_ORIGINS=allowed)
    pie.authorize(lambda: True)
    url = service.start(app)
    assert "PIEHUB_ALLOWED_ORIGINS" not in caplog.text
    assert answer(service, url, "https://evil.example")[0] == 101


def test_a_strangers_page_does_not_come_as_far_as_authorize(service):
    asked = []
    app, pie = authorized()
    pie.authorize(lambda: asked.append(1))
    url = service.start(app)
    answer(service, url, "https://evil.example")
    assert not asked


def test_nobody_has_said_whose_pages_may_connect():
    assert create_app().extensions["piehub"].settings.allowed_origins == Origins()
