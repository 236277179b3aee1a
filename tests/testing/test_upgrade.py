"""How a client in process gets in: by an upgrade that is a request like any other."""

import flask
import pytest
from flask import session

from piehub import PieHub, signals
from piehub.testing import PieTestClient, Refused


def identities(pie):
    """What `client.identity` is, of those who join from here on."""
    seen = []

    @pie.on_join
    def look(client, room):
        seen.append(client.identity)

    return seen


def test_authorize_sees_the_query_the_headers_and_the_address(pie):
    @pie.authorize
    def look():
        request = flask.request
        return request.args["user"], request.headers["X-Team"], request.remote_addr

    seen = identities(pie)
    client = pie.test_client(
        query_string={"user": "ann"},
        headers={"X-Team": "red"},
        environ_base={"REMOTE_ADDR": "10.1.2.3"},
    )
    client.join(app="chat", version="1")
    assert seen == [("ann", "red", "10.1.2.3")]


def test_a_client_comes_with_the_session_of_flasks_own_test_client(app, pie):
    @app.post("/login")
    def login():
        session["user"] = flask.request.form["user"]
        return ""

    @pie.authorize
    def logged_in():
        return session.get("user", False)

    seen = identities(pie)
    with pytest.raises(Refused, match="403 FORBIDDEN"):
        pie.test_client()
    browser = app.test_client()
    with pytest.raises(Refused):
        pie.test_client(flask_test_client=browser)
    browser.post("/login", data={"user": "ann"})
    pie.test_client(flask_test_client=browser).join(app="chat", version="1")
    assert seen == ["ann"]


def test_a_client_may_come_while_flasks_own_test_client_keeps_its_context(app, pie):
    @app.get("/where")
    def where():
        return flask.request.path

    with app.test_client() as browser:
        pie.test_client(flask_test_client=browser).join(app="chat", version="1")
        browser.get("/where")
        assert flask.request.path == "/where"


@pytest.mark.parametrize("status", [401, 302])
def test_who_is_refused_has_the_answer(status, pie):
    @pie.authorize
    def nobody():
        flask.abort(flask.Response("Log in first.", status, {"Location": "/login"}))

    with pytest.raises(Refused, match=rf"^{status} \w+: Log in first\.$") as refused:
        pie.test_client()
    assert refused.value.response.status_code == status
    assert refused.value.response.headers["Location"] == "/login"


def test_the_apps_own_functions_around_a_request_have_their_part(app, pie):
    @app.before_request
    def closed_to_robots():
        if flask.request.user_agent.string == "robot":
            flask.abort(403)

    @app.after_request
    def mark(response):
        response.set_cookie("seen", "1")
        return response

    with pytest.raises(Refused, match="403"):
        pie.test_client(headers={"User-Agent": "robot"})
    browser = app.test_client()
    pie.test_client(flask_test_client=browser)
    assert browser.get_cookie("seen").value == "1"


def test_pages_of_another_host_are_refused_where_clients_are_authorized(pie):
    pie.authorize(lambda: None)
    assert pie.test_client(headers={"Origin": "http://localhost"}).id
    with pytest.raises(Refused, match="Pages of https://evil may not connect"):
        pie.test_client(headers={"Origin": "https://evil"})


def test_an_error_in_authorize_is_the_tests_own_where_the_app_is_tested(app, pie):
    @pie.authorize
    def clumsy():
        raise ZeroDivisionError

    with pytest.raises(Refused, match="500"):
        pie.test_client()
    app.testing = True
    with pytest.raises(ZeroDivisionError):
        pie.test_client()


def test_the_hub_may_be_at_any_path(app):
    app.config["PIEHUB_PATH"] = "/ws"
    assert PieHub(app).test_client().id


def test_a_client_asks_for_its_id(pie):
    assert pie.test_client(query_string={"clientId": "ann"}).id == "ann"


def test_who_comes_with_the_token_of_an_id_takes_it_over_and_recovers_what_it_missed(pie):
    room = {"app": "chat", "version": "1", "history": 10}
    ann, bob = pie.test_client(), pie.test_client()
    where = ann.join(**room)
    bob.join(**room)
    token = ann.hello["resumeToken"]
    bob.send_data("missed")
    again = pie.test_client(query_string={"clientId": ann.id, "resumeToken": token})
    assert again.id == ann.id
    assert ann.close_code == 4409
    recover = {"epoch": where["epoch"], "seq": 0}
    assert again.join(**room, recover=recover)["recovered"] is True
    assert again.payloads() == ["missed"]


def test_who_comes_without_it_gets_an_id_of_its_own_as_the_holder_lives(pie):
    ann = pie.test_client(query_string={"clientId": "ann"})
    assert pie.test_client(query_string={"clientId": "ann"}).id != "ann"
    assert ann.close_code is None
    ann.join(app="chat", version="1")


def test_a_hub_has_space_for_as_many_as_it_is_set_to(app):
    app.config["PIEHUB_MAX_CLIENTS"] = 2
    pie = PieHub(app)
    ann, _ = pie.test_client(), pie.test_client()
    with pytest.raises(Refused, match=r"503 SERVICE UNAVAILABLE: The hub is full"):
        pie.test_client()
    ann.close()
    assert pie.test_client().id


def test_no_client_takes_a_file(app, pie, monkeypatch):
    monkeypatch.setattr(
        "piehub.descriptors.limits", lambda: (64, 64)
    )  # all of them the process's own
    assert pie.test_client().id


def test_signals_tell_of_clients_within_and_after_the_request(app, pie):
    heard = []

    def opened(sender, client):
        heard.append(("opened", client.id, flask.request.args["user"]))

    def closed(sender, client, code):
        heard.append(("closed", client.id, code))

    with (
        signals.client_opened.connected_to(opened, app),
        signals.client_closed.connected_to(closed, app),
    ):
        ann = pie.test_client(query_string={"user": "ann"})
        ann.close(1001)
    assert heard == [("opened", ann.id, "ann"), ("closed", ann.id, 1001)]


def test_of_several_apps_the_one_that_is_named_or_current_is_meant(app, pie):
    other = flask.Flask("other")
    pie.init_app(other)
    with pytest.raises(RuntimeError, match="Which app's rooms"):
        pie.test_client()
    here, there = pie.test_client(app), pie.test_client(other)
    with app.app_context():
        also_here = pie.test_client()
        for client in (here, there, also_here):
            client.join(app="chat", version="1")
        assert pie.rooms()[0].clients == (here.id, also_here.id)


def test_an_app_without_a_piehub_at_hand_has_clients_too():
    from piehub import create_app

    with PieTestClient(create_app(PIEHUB_SECRET_KEY="for tests")) as ann:
        assert ann.join(app="chat", version="1")
