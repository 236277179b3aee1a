"""The browser client, as the hub serves it."""

import gzip

import pytest
from flask import Flask

from piehub import PieHub, create_app


@pytest.fixture
def browser():
    return create_app(PIEHUB_SECRET_KEY="for tests").test_client()


def test_pages_of_any_origin_can_import_the_client(browser):
    answer = browser.get("/pie.js", headers={"Origin": "https://game.example"})
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "export default class PieClient" in answer.text


def test_its_types_are_beside_it(browser):
    answer = browser.get("/pie.d.ts")
    assert answer.mimetype == "application/typescript"
    assert "export default class PieClient" in answer.text


def test_a_browser_that_has_it_need_not_load_it_again(browser):
    first = browser.get("/pie.js")
    again = browser.get("/pie.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_an_app_with_a_hub_serves_it_unless_told_not_to():
    assert client_of_app().status_code == 200
    assert client_of_app(PIEHUB_SERVE_CLIENT=False).status_code == 404


def client_of_app(**config):
    app = Flask(__name__)
    app.config.update(PIEHUB_SECRET_KEY="for tests", **config)
    PieHub(app)
    return app.test_client().get("/pie.js")


def test_who_takes_gzip_gets_it_packed(browser):
    whole = browser.get("/pie.js")
    packed = browser.get("/pie.js", headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in whole.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == whole.data
    assert packed.headers["ETag"] != whole.headers["ETag"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.data) < 12_000
