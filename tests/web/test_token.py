"""Who gets into what operators see: who shows the token, and nobody else."""

import logging

import pytest
from flask import Blueprint, Flask

from piehub import PieHub
from piehub.web import token

ADMIN = "an-admin-token-for-tests"
METRICS = "a-metrics-token-for-tests"


def browser(**config):
    """One who asks an app whose page `/either` takes both tokens, and `/admin` one."""
    app = Flask(__name__)
    app.config.update(PIEHUB_SECRET_KEY="for tests", **config)
    PieHub(app)
    for name, settings in {
        "admin": ["admin_token"],
        "either": ["metrics_token", "admin_token"],
    }.items():
        page = Blueprint(name, __name__)
        page.before_request(token.required(*settings))
        page.add_url_rule(f"/{name}", "page", lambda: "in")
        app.register_blueprint(page)
    return app.test_client()


def shown(value):
    return {"Authorization": value}


@pytest.fixture
def both():
    return browser(PIEHUB_ADMIN_TOKEN=ADMIN, PIEHUB_METRICS_TOKEN=METRICS)


@pytest.mark.parametrize("value", [f"Bearer {ADMIN}", f"bearer {ADMIN}", f"BEARER  {ADMIN} "])
def test_the_token_opens(both, value):
    assert both.get("/admin", headers=shown(value)).text == "in"


@pytest.mark.parametrize("one", [ADMIN, METRICS])
def test_where_two_tokens_are_taken_each_opens(both, one):
    assert both.get("/either", headers=shown(f"Bearer {one}")).text == "in"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        ADMIN,
        f"Basic {ADMIN}",
        f"Bearer {ADMIN[:-1]}",
        f"Bearer {ADMIN}x",
        f"Bearer {ADMIN.upper()}",
        f"Bearer {ADMIN} {ADMIN}",
        f"Bearer {METRICS}",
        "Bearer \xff",
    ],
)
def test_anything_else_is_401_and_told_what_would_open(both, value):
    answer = both.get("/admin", headers=shown(value))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer TOKEN" in answer.json["error"]
    assert "PIEHUB_ADMIN_TOKEN" in answer.json["error"]


def test_a_token_that_is_not_in_a_header_is_none(both):
    both.set_cookie("token", ADMIN)
    for answer in (both.get(f"/admin?token={ADMIN}"), both.get("/admin", auth=("admin", ADMIN))):
        assert answer.status_code == 401


def test_where_no_token_is_set_there_is_nothing():
    nobodys = browser()
    for value in ("", "Bearer ", "Bearer x"):
        for page in ("/admin", "/either"):
            answer = nobodys.get(page, headers=shown(value))
            assert answer.status_code == 404
            assert "PIEHUB_ADMIN_TOKEN" in answer.json["error"]


def test_a_token_that_is_not_set_opens_nothing_where_the_other_is():
    metrics_alone = browser(PIEHUB_METRICS_TOKEN=METRICS)
    assert metrics_alone.get("/either", headers=shown("Bearer ")).status_code == 401
    assert metrics_alone.get("/either", headers=shown(f"Bearer {METRICS}")).text == "in"
    assert metrics_alone.get("/admin", headers=shown(f"Bearer {METRICS}")).status_code == 404


def test_a_wrong_token_is_logged_with_the_address_and_without_the_token(both, caplog):
    with caplog.at_level(logging.INFO, "piehub"):
        both.get("/admin", headers=shown("Bearer not-this-one"))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == "wrong token address=127.0.0.1"


def test_the_address_is_that_behind_a_proxy_which_is_trusted(caplog):
    behind = browser(PIEHUB_ADMIN_TOKEN=ADMIN, PIEHUB_TRUSTED_PROXIES="127.0.0.1")
    forwarded = {"X-Forwarded-For": "192.0.2.7"}
    with caplog.at_level(logging.INFO, "piehub"):
        behind.get("/admin", headers=shown("Bearer not-this-one") | forwarded)
    assert caplog.messages == ["wrong token address=192.0.2.7"]


def test_who_shows_no_token_or_the_right_one_is_not_in_the_log(both, caplog):
    with caplog.at_level(logging.INFO, "piehub"):
        both.get("/admin")
        both.get("/admin", headers=shown(f"Bearer {ADMIN}"))
    assert caplog.messages == []
