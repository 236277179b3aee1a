"""The stand-alone hub's pages."""

import re

import pytest

from piehub import __version__, create_app


@pytest.fixture
def app(service):
    app = create_app(PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0)
    app.url = service.start(app)
    return app


def test_the_page_counts_rooms_and_clients(app, service):
    browser = app.test_client()
    assert "0 rooms" in words(browser.get("/").text)
    service.peer(app.url).join()
    service.peer(app.url).join()
    page = words(browser.get("/").text)
    assert "1 room" in page
    assert "1 rooms" not in page
    assert "2 clients" in page


def words(page):
    """The page's text, without tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_the_page_says_how_to_connect(app):
    page = app.test_client().get("/", base_url="http://hub.example").text
    assert "ws://hub.example<" in page
    assert "@websocketpie/client" in page
    assert __version__ in page


def test_the_pages_files_are_served(app):
    browser = app.test_client()
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', browser.get("/").text)
    assert files
    for file in files:
        with browser.get(file) as answer:
            assert answer.status_code == 200


def test_plain_http_on_the_hubs_path_is_told_what_is_there():
    browser = create_app(PIEHUB_SECRET_KEY="for tests", PIEHUB_PATH="/ws").test_client()
    answer = browser.get("/ws")
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert answer.mimetype == "text/plain"
    assert "WebSockets" in answer.text


def test_health_is_200_with_figures(app, service):
    service.peer(app.url).join()
    answer = app.test_client().get("/healthz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "rooms": 1, "clients": 1, "version": __version__}


def test_health_is_503_while_the_hub_drains(app, service):
    peer = service.peer(app.url)
    service.hub.drain()
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.json["status"]) == (503, "draining")
    assert peer.close_code() == 1012
