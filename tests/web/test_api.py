"""What operators see and end through the API."""

import io
import json

import pytest
from flask import Flask
from gevent import threadpool

from piehub import PieHub, create_app
from piehub.net.runtime import native_ident
from tests.support.operator import TOKEN, Operator, path_of
from tests.support.peer import ROOM, masked
from tests.support.timing import PATIENCE

LOBBY = path_of()


@pytest.fixture
def app(service):
    app = create_app(
        PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_ADMIN_TOKEN=TOKEN
    )
    app.url = service.start(app)
    return app


@pytest.fixture
def operator(app):
    return Operator(app)


@pytest.fixture
def member(app, service):
    def join(**room):
        peer = service.peer(app.url)
        peer.join(**room)
        return peer

    return join


def names(answer):
    return [room["name"] for room in answer["rooms"]]


# Rooms


def test_rooms_are_listed_as_they_were_made_hidden_ones_too(operator, member):
    member(name="plain"), member(name="plain")
    member(name="fancy", hidden=True, password="secret", maxClients=3, history=7)
    assert operator.get("/rooms") == {
        "rooms": [
            {
                "app": "chat",
                "name": "plain",
                "version": "1.0.0",
                "clients": 2,
                "hidden": False,
                "isPasswordProtected": False,
            },
            {
                "app": "chat",
                "name": "fancy",
                "version": "1.0.0",
                "clients": 1,
                "hidden": True,
                "isPasswordProtected": True,
                "maxClients": 3,
                "history": 7,
            },
        ],
        "total": 2,
    }


def test_rooms_are_found_by_app_and_name_and_by_how_their_version_begins(operator, member):
    member(name="a", version="1.5"), member(name="b", version="1.6"), member(name="c", app="chess")
    assert names(operator.get("/rooms", version="1.")) == ["a", "b", "c"]
    assert names(operator.get("/rooms", app="chat", version="1.5")) == ["a"]
    assert names(operator.get("/rooms", app="ch")) == []
    assert operator.get("/rooms", name="b")["total"] == 1


def test_a_long_list_comes_in_pages(operator, member):
    for name in "abcd":
        member(name=name)
    page = operator.get("/rooms", limit=2, offset=1)
    assert (names(page), page["total"]) == (["b", "c"], 4)


def test_a_page_has_100_if_nothing_is_said_and_1000_at_most(operator, member, app):
    peer = member()
    room = app.extensions["piehub"].registry.view(("chat", "lobby", "1.0.0"))
    app.extensions["piehub"].registry.page = lambda wanted, text, limit, offset: (
        [room] * limit,
        5000,
    )
    assert len(operator.get("/rooms")["rooms"]) == 100
    assert len(operator.get("/rooms", limit=1000)["rooms"]) == 1000
    assert peer.id


def test_one_room_is_shown_with_the_ids_of_its_clients(operator, member):
    a, b = member(history=5), member()
    member(name="other")
    room = operator.get(LOBBY)
    assert room["members"] == [a.id, b.id]
    assert (room["name"], room["clients"], room["history"]) == ("lobby", 2, 5)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a/b",
        "/",
        "//a//",
        "100%",
        "a%2Fb",
        "?a=b",
        "#",
        "a b+c",
        "\n",
        "ä€😀",
        "messages",
        ";,=&",
    ],
)
def test_a_room_of_any_name_is_found_told_and_closed(name, operator, member):
    peer = member(name=name, app="/" + name, version=name + "/")
    path = path_of(app="/" + name, name=name, version=name + "/")
    assert operator.get(path)["members"] == [peer.id]
    assert operator.ask("POST", f"{path}/messages", json={"payload": 1}).json == {"sent": 1}
    assert operator.close(path) == 204
    assert operator.get("/rooms")["total"] == 0


def test_a_room_that_is_not_there_is_404_and_named(operator, member):
    member()
    for method, more in (("GET", ""), ("DELETE", ""), ("POST", "/messages")):
        status, text = operator.refused(
            method, path_of(name="lobbi") + more, json={"payload": 1} if more else None
        )
        assert status == 404
        assert "'chat'" in text
        assert "'lobbi'" in text


# Closing a room


def test_everybody_in_a_room_that_is_closed_is_told_and_stays_connected(operator, member):
    peers = [member(), member()]
    elsewhere = member(name="other")
    answer = operator.ask("DELETE", LOBBY)
    assert (answer.status_code, answer.data) == (204, b"")
    for peer in peers:
        assert peer.hear_type("Err")["message"] == "The operator has closed this room"
        peer.say("Data", payload=1)
        assert peer.hear()["message"] == 'Cannot echo to room, missing "client.room"'
    assert elsewhere.hears_nothing()
    assert names(operator.get("/rooms")) == ["other"]
    assert operator.get("/clients")["total"] == 3
    assert operator.close(LOBBY) == 404


def test_who_was_in_a_room_that_was_closed_may_make_it_again(operator, member):
    a, b = member(password="secret"), member(password="secret")
    operator.close(LOBBY)
    assert a.join()["type"] == b.join()["type"] == "ResolvePromise"
    a.say("Data", payload="again")
    assert b.hear_type("Data")["payload"] == "again"


def test_closing_a_room_is_in_the_log(operator, member, caplog):
    member()
    with caplog.at_level("INFO", "piehub"):
        operator.close(LOBBY)
    assert (
        "room closed by the operator app='chat' name='lobby' version='1.0.0' clients=1"
        in caplog.messages
    )


# Messages


def test_a_message_goes_to_everybody_in_the_room(operator, member):
    peers = [member(), member()]
    payload = {"text": "Näws\u2028", "figures": [1.5, None, True, 12345678901234567890123]}
    answer = operator.ask("POST", f"{LOBBY}/messages", json={"payload": payload})
    assert answer.json == {"sent": 2}
    for peer in peers:
        message = peer.hear_type("Data")
        assert message["payload"] == payload
        assert isinstance(message["time"], int)
        assert "fromClient" not in message


def test_a_message_goes_to_those_in_the_room_who_are_named(operator, member):
    a, b, elsewhere = member(), member(), member(name="other")
    a.hear()
    to = [b.id, b.id, elsewhere.id, "nobody"]
    answer = operator.ask("POST", f"{LOBBY}/messages", json={"payload": None, "to": to})
    assert answer.json == {"sent": 1}
    assert b.hear_type("Data")["payload"] is None
    assert a.hears_nothing()
    answer = operator.ask("POST", f"{LOBBY}/messages", json={"payload": 1, "to": []})
    assert answer.json == {"sent": 0}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b"{}", "missing required field `payload`"),
        (b'{"payload": 1, "t": []}', "unknown field `t`"),
        (b'{"payload": 1, "to": "id"}', "Expected `array`"),
        (b'{"payload": 1, "to": null}', "Expected `array`"),
        (b'{"payload": 1, "to": [1]}', "Expected `str`"),
        (b'{"payload": NaN}', "malformed"),
        (b'{"payload": 1e999}', "not JSON compliant"),
        (b'{"payload": "half a \\ud800 pair"}', "escape"),
        (b'{"payload": "\xff"}', "utf-8"),
        (b'{"payload": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "recursion"),
        (b'{"payload": ' + b"9" * 5_000 + b"}", "integer"),
    ],
)
def test_a_body_that_is_no_message_is_told_what_is_wrong_and_what_is_right(
    body, told, operator, member
):
    peer = member()
    status, text = operator.refused(
        "POST", f"{LOBBY}/messages", data=body, content_type="application/json"
    )
    assert status == 400
    assert '{"payload": "News!", "to": ["id"]}' in text
    assert told.lower() in text.lower()
    assert peer.hears_nothing()


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_does_not_say_that_it_is_json_is_415(kind, operator, member):
    member()
    status, text = operator.refused(
        "POST", f"{LOBBY}/messages", data=b'{"payload": 1}', content_type=kind
    )
    assert status == 415
    assert "application/json" in text


def test_a_body_may_be_as_long_as_a_clients_message_and_no_longer(operator, member):
    peer = member()
    body = json.dumps({"payload": "x" * (65_536 - 15)}).encode()
    assert len(body) == 65_536
    for data, status in ((body, 200), (body + b" ", 413)):
        how = {"data": data, "content_type": "application/json"}
        assert operator.ask("POST", f"{LOBBY}/messages", **how).status_code == status
        in_chunks = {
            "input_stream": io.BytesIO(data),
            "content_type": "application/json",
            "environ_overrides": {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
        }
        assert operator.ask("POST", f"{LOBBY}/messages", **in_chunks).status_code == status
    assert "65536 bytes" in operator.refused("POST", f"{LOBBY}/messages", **how)[1]
    assert len(peer.hear()["payload"]) == len(peer.hear()["payload"]) == 65_536 - 15


# Clients


def test_clients_are_listed_as_they_came_with_what_they_do(operator, member, service, app):
    a = member()
    b = service.peer(app.url)
    a.say("Data", payload=1)
    a.hear_type("Data")
    listed = operator.get("/clients")
    assert listed["total"] == 2
    first, second = listed["clients"]
    assert first.pop("address").startswith("127.0.0.1:")
    assert 0 <= first.pop("seconds") < PATIENCE
    # It was greeted, told of itself, promised its room, and has heard its own message.
    assert first == {"id": a.id, "room": ROOM, "received": 2, "sent": 4, "waiting": 0}
    assert (second["id"], second["room"]) == (b.id, None)
    assert operator.get(f"/clients/{b.id}") | {"seconds": 0} == second | {"seconds": 0}


def test_clients_are_found_by_a_part_of_their_id_or_address(operator, service, app):
    for name in ("anna", "hanna", "bert"):
        service.peer(app.url, clientId=name)

    def found(search, **more):
        answer = operator.get("/clients", search=search, **more)
        return [client["id"] for client in answer["clients"]], answer["total"]

    assert found("ann") == (["anna", "hanna"], 2)
    assert found("127.0.0.1:") == (["anna", "hanna", "bert"], 3)
    assert found("ann", limit=1, offset=1) == (["hanna"], 2)
    assert found("Bert") == ([], 0)


def test_clients_are_sorted_by_what_stands_out(operator, service, app):
    url = app.url
    quiet, loud = service.peer(url, clientId="quiet"), service.peer(url, clientId="loud")
    for peer, count in ((quiet, 2), (loud, 3)):
        for _ in range(count):
            peer.say("GetRooms")
            peer.hear_type("Rooms")
    wire = service.wire(url, "/?clientId=deaf")
    wire.frame()
    hub = app.extensions["piehub"]
    deaf = hub.registry.client("deaf")
    while not deaf.outbox.waiting:
        deaf.push(bytes(100_000))

    def first(sort):
        return [client["id"] for client in operator.get("/clients", sort=sort)["clients"]]

    assert first("received") == ["loud", "quiet", "deaf"]
    assert first("seconds") == ["quiet", "loud", "deaf"]
    assert first("waiting") == ["deaf", "quiet", "loud"]
    assert operator.get("/clients/deaf")["waiting"] == deaf.outbox.waiting > 0


def test_who_has_another_connections_id_is_younger_than_those_who_came_before(
    operator, service, app
):
    first = service.peer(app.url, clientId="first")
    service.peer(app.url, clientId="second")
    service.peer(app.url, clientId="first", resumeToken=first.hello["resumeToken"])
    sorted_ones = operator.get("/clients", sort="seconds")["clients"]
    assert [client["id"] for client in sorted_ones] == ["second", "first"]


@pytest.mark.parametrize("name", ["a/b", "?", "100%", "ä", "a b"])
def test_a_client_is_closed_and_gone_for_its_room(name, operator, service, app, member):
    other = member()
    peer = service.peer(app.url, clientId=name)
    peer.join()
    path = "/clients/" + path_of(name=name).rpartition("/")[2]
    assert operator.get(path)["id"] == name
    assert operator.close(path) == 204
    assert peer.close_code() == 1008
    while (presence := other.hear_type("ClientPresenceChanged"))["present"]:
        pass
    assert presence["clients"] == [other.id]
    assert operator.close(path) == 404


def test_who_is_closed_and_does_not_answer_is_gone_for_its_room_at_once(
    operator, service, app, member, monkeypatch
):
    monkeypatch.setattr("piehub.net.heartbeat.CLOSE_TIMEOUT", 100 * PATIENCE)
    other = member()
    wire = service.wire(app.url, "/?clientId=silent")
    wire.send(masked(1, json.dumps({"type": "JoinRoom", "roomInfo": ROOM}).encode()))
    assert len(other.hear_type("ClientPresenceChanged")["clients"]) == 2
    operator.close("/clients/silent")
    assert other.hear_type("ClientPresenceChanged")["clients"] == [other.id]


def test_who_is_closed_is_told_by_whom_and_the_log_says_it_too(operator, service, app, caplog):
    wire = service.wire(app.url, "/?clientId=anna")
    wire.frame()
    with caplog.at_level("INFO", "piehub"):
        operator.close("/clients/anna")
    assert wire.frame() == (8, b"\x03\xf0closed by the operator")
    assert "client closed by the operator id='anna' address=127.0.0.1:" in caplog.text


def test_a_client_that_is_not_there_is_404_and_named(operator):
    for method in ("GET", "DELETE"):
        status, text = operator.refused(method, "/clients/nobody")
        assert (status, "'nobody'" in text) == (404, True)


# What is asked for


@pytest.mark.parametrize(
    ("path", "query", "told"),
    [
        ("/rooms", "limit=0", "limit must be an integer from 1 to 1000, not '0'"),
        ("/rooms", "limit=1001", "from 1 to 1000"),
        ("/rooms", "limit=many", "not 'many'"),
        ("/rooms", "limit=1.5", "not '1.5'"),
        ("/rooms", "limit=%2B1", "not '+1'"),
        ("/rooms", "limit=%D9%A1", "an integer"),
        ("/rooms", "limit=", "not ''"),
        ("/rooms", "offset=-1", "offset must be an integer from 0 to 1000000, not '-1'"),
        ("/rooms", "offset=" + "9" * 5000, "not '" + "9" * 39 + "…'"),
        ("/clients", "limit=0", "from 1 to 1000"),
        ("/clients", "sort=id", "sort must be one of waiting, seconds, received, not 'id'"),
        ("/clients", "sort=", "one of waiting"),
        (
            "/rooms",
            "ofset=1",
            "'ofset' is no parameter; there are app, name, version, search, limit, offset",
        ),
        ("/clients", "limit=1&limit=2", "limit is there 2 times"),
    ],
)
def test_a_wrong_parameter_is_400_and_told_what_would_be_right(path, query, told, operator):
    status, text = operator.refused("GET", f"{path}?{query}")
    assert status == 400
    assert told in text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/rooms", "GET"),
        ("PATCH", LOBBY, "GET, DELETE"),
        ("OPTIONS", LOBBY, "GET, DELETE"),
        ("GET", f"{LOBBY}/messages", "POST"),
        ("DELETE", "/clients", "GET"),
        ("PUT", "/clients/anna", "GET, DELETE"),
        ("POST", "/openapi.json", "GET"),
    ],
)
def test_a_method_that_is_not_known_there_is_405_and_told_which_are(
    method, path, allowed, operator
):
    answer = operator.ask(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert allowed in answer.json["error"]


@pytest.mark.parametrize(
    "path", ["/", "/rooms/", "/rooms/chat", f"{LOBBY}/", f"{LOBBY}/messages/1", "/clients/", "//"]
)
def test_a_path_where_nothing_is_is_404_and_told_where_to_look(path, operator):
    status, text = operator.refused("GET", path)
    assert status == 404
    assert "openapi.json" in text or "no room" in text or "no client" in text


def test_the_head_of_an_answer_may_be_asked_for_alone(operator, member):
    member()
    answer = operator.ask("HEAD", LOBBY)
    assert (answer.status_code, answer.data) == (200, b"")


def test_answers_are_kept_nowhere(operator, member):
    member()
    for path in ("/rooms", LOBBY, "/clients/nobody", "/nothing"):
        assert operator.ask("GET", path).headers["Cache-Control"] == "no-store"


def test_before_anybody_has_come_there_is_nothing(app, operator):
    assert operator.get("/rooms") == {"rooms": [], "total": 0}
    assert operator.get("/clients") == {"clients": [], "total": 0}
    assert operator.close(LOBBY) == operator.close("/clients/anna") == 404
    assert operator.refused("POST", f"{LOBBY}/messages", json={"payload": 1})[0] == 404


# Who may ask

PATHS = ["/rooms", LOBBY, f"{LOBBY}/messages", "/clients", "/clients/anna", "/nothing"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_without_the_token_nothing_is_told_and_nothing_done(method, operator, member):
    peer = member()
    for path in PATHS:
        for headers in ({}, {"Authorization": "Bearer another-token-altogether"}):
            answer = operator.ask(method, path, json={"payload": 1}, headers=headers)
            assert answer.status_code == 401
            assert set(answer.json) == {"error"}
    assert peer.hears_nothing()


def test_where_no_token_is_set_there_is_no_api(service):
    app = create_app(PIEHUB_SECRET_KEY="for tests")
    operator = Operator(app)
    for path in [*PATHS, "/openapi.json"]:
        assert operator.refused("GET", path)[0] == 404


# Whose app it is


def app_with(pie):
    app = Flask(__name__)
    app.config.update(
        PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_ADMIN_TOKEN=TOKEN
    )
    pie.init_app(app)
    return app


def test_an_app_has_the_api_where_it_wants_it(service):
    pie = PieHub()
    app = app_with(pie)
    app.register_blueprint(pie.operator(), url_prefix="/my/hub")
    peer = service.peer(service.start(app))
    peer.join()
    operator = Operator(app, "/my/hub")
    assert operator.get(LOBBY)["members"] == [peer.id]
    assert operator.get("/openapi.json")["servers"] == [{"url": "/my/hub"}]
    assert app.test_client().get("/api/rooms").status_code == 404


def test_an_app_that_does_not_ask_for_it_has_none():
    app = app_with(PieHub())
    assert app.test_client().get("/api/openapi.json").status_code == 404


def test_each_app_tells_of_its_own_hub(service):
    pie = PieHub()
    apps = [app_with(pie), app_with(pie)]
    for app in apps:
        app.register_blueprint(pie.operator())
    urls = [service.start(app) for app in apps]
    service.peer(urls[0], clientId="anna")
    service.peer(urls[1], clientId="bert")
    told = [Operator(app).get("/clients")["clients"] for app in apps]
    assert [[client["id"] for client in clients] for clients in told] == [["anna"], ["bert"]]


def test_views_may_run_in_other_threads_and_rooms_are_used_in_the_hubs_own(
    app, operator, member, monkeypatch
):
    registry = app.extensions["piehub"].registry
    used = []

    def noted(name):
        method = getattr(registry, name)

        def note(*asked):
            used.append((name, native_ident()))
            return method(*asked)

        return note

    for name in ("announce", "client", "clients", "close", "page", "view"):
        monkeypatch.setattr(registry, name, noted(name))
    a, b = member(), member()
    elsewhere = threadpool.ThreadPool(1)
    for path in ("/rooms", "/clients", f"/clients/{a.id}"):
        elsewhere.apply(operator.get, (path,))
    assert elsewhere.apply(operator.get, (LOBBY,))["members"] == [a.id, b.id]
    said = elsewhere.apply(operator.ask, ("POST", f"{LOBBY}/messages"), {"json": {"payload": 1}})
    assert said.json == {"sent": 2}
    assert elsewhere.apply(operator.close, (f"/clients/{a.id}",)) == 204
    assert a.close_code() == 1008
    assert elsewhere.apply(operator.close, (LOBBY,)) == 204
    assert b.hear_type("Err")
    elsewhere.kill()
    kinds, threads = zip(*used, strict=True)
    assert set(kinds) == {"announce", "client", "clients", "close", "page", "view"}
    assert set(threads) == {native_ident()}
