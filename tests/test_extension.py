"""What a Flask developer does with PieHub."""

import gc
import threading

import gevent
import pytest
from flask import Flask
from flask_sock import Sock
from gevent import threadpool
from websockets.sync.client import connect

from piehub import PieHub
from piehub.net.flusher import Flusher
from piehub.net.runtime import native_ident
from piehub.settings import SettingError
from tests.support.peer import ROOM
from tests.support.timing import A_WHILE, PATIENCE


def app_with(pie, **config):
    app = Flask(__name__)
    app.config.update(PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests", **config)
    pie.init_app(app)
    return app


def member(service, url, **room):
    peer = service.peer(url)
    peer.join(**room)
    return peer


def test_a_view_sends_into_a_room(service):
    pie = PieHub()
    app = app_with(pie)
    app.add_url_rule("/news", view_func=lambda: {"sent": pie.send(**ROOM, payload=["hot", 1.5])})
    peer = member(service, service.start(app))
    assert app.test_client().get("/news").json == {"sent": 1}
    message = peer.hear()
    assert (message["type"], message["payload"]) == ("Data", ["hot", 1.5])
    assert isinstance(message["time"], int)
    assert "fromClient" not in message


def test_a_message_may_go_to_some_of_a_room(service):
    pie = PieHub()
    url = service.start(app_with(pie))
    a, b = member(service, url), member(service, url)
    a.hear()
    assert pie.send(**ROOM, payload=1, to=b.id) == 1
    assert pie.send(**ROOM, payload=2, to=[b.id, "nobody", b.id]) == 1
    assert [b.hear()["payload"], b.hear()["payload"]] == [1, 2]
    assert a.hears_nothing()


def test_sending_where_there_is_no_room_reaches_nobody(caplog):
    pie = PieHub()
    app_with(pie)
    assert pie.send(**ROOM, payload=1) == 0
    assert caplog.text == ""


def test_a_message_goes_to_the_default_room_where_none_is_named(service):
    pie = PieHub()
    peer = service.peer(service.start(app_with(pie)))
    peer.say("JoinRoom", roomInfo={"app": "a", "version": "1"}, makeRoomIfNonExistant=True)
    peer.hear_type("ResolvePromise")
    assert pie.send(app="a", version="1", payload=1) == 1
    assert peer.hear()["payload"] == 1


def test_a_command_that_reaches_nobody_is_told_why(caplog):
    pie = PieHub()
    app = app_with(pie)
    app.cli.command("shout")(lambda: pie.send(**ROOM, payload=1))
    assert app.test_cli_runner().invoke(args=["shout"]).exit_code == 0
    assert "rooms live in the memory of the process that serves them" in caplog.text


def test_a_command_within_the_serving_process_sends_into_a_room(service, caplog):
    pie = PieHub()
    app = app_with(pie)
    app.cli.command("shout")(lambda: pie.send(**ROOM, payload="from a command"))
    peer = member(service, service.start(app))
    app.test_cli_runner().invoke(args=["shout"])
    assert peer.hear()["payload"] == "from a command"
    assert "Nobody" not in caplog.text


def test_another_thread_sends_into_a_room(service):
    pie = PieHub()
    peer = member(service, service.start(app_with(pie)))
    pool = threadpool.ThreadPool(1)
    native = pool.apply(lambda: pie.send(**ROOM, payload="from a native thread"))
    pool.kill()
    assert (native, peer.hear()["payload"]) == (1, "from a native thread")
    thread = threading.Thread(target=lambda: pie.send(**ROOM, payload="from a thread"))
    thread.start()
    thread.join()
    assert peer.hear()["payload"] == "from a thread"


def test_what_another_thread_sends_is_pushed_by_the_hubs_own(service, monkeypatch):
    pie = PieHub()
    peer = member(service, service.start(app_with(pie)))
    where = []
    wake = Flusher.wake

    def watch(flusher):
        where.append(native_ident())
        return wake(flusher)

    monkeypatch.setattr(Flusher, "wake", watch)
    gevent.get_hub().threadpool.apply(lambda: pie.send(**ROOM, payload=1))
    assert peer.hear()["payload"] == 1
    assert where == [native_ident()]


def test_an_error_in_another_thread_is_raised_there(service):
    pie = PieHub()
    service.start(app_with(pie))
    with pytest.raises(TypeError, match="not JSON serializable"):
        pie.send(**ROOM, payload={1, 2})


def test_rooms_are_shown_to_the_server_hidden_ones_too(service):
    pie = PieHub()
    peer = member(service, service.start(app_with(pie)), hidden=True, password="p", maxClients=3)
    (room,) = pie.rooms()
    assert (room.app, room.name, room.version) == ("chat", "lobby", "1.0.0")
    assert (room.clients, room.max_clients) == ((peer.id,), 3)
    assert room.hidden
    assert room.is_password_protected


def test_two_apps_of_one_piehub_have_rooms_of_their_own(service):
    pie = PieHub()
    first, second = app_with(pie), app_with(pie)
    a, b = (member(service, service.start(app)) for app in (first, second))
    with pytest.raises(RuntimeError, match="Which app's rooms"):
        pie.send(**ROOM, payload=1)
    with first.app_context():
        assert [room.clients for room in pie.rooms()] == [(a.id,)]
    with second.app_context():
        assert pie.send(**ROOM, payload="to the second") == 1
    assert b.hear()["payload"] == "to the second"
    assert a.hears_nothing()


def test_two_hubs_live_in_one_process(service):
    one, two = PieHub(), PieHub()
    a = member(service, service.start(app_with(one)))
    b = member(service, service.start(app_with(two)))
    one.send(**ROOM, payload=1)
    two.send(**ROOM, payload=2)
    assert (a.hear()["payload"], b.hear()["payload"]) == (1, 2)


def test_an_app_that_is_gone_leaves_room_for_another():
    pie = PieHub()
    app_with(pie)
    gc.collect()
    app = app_with(pie)
    assert pie.rooms() == []
    del app


def test_a_second_init_app_raises():
    pie = PieHub()
    app = app_with(pie)
    with pytest.raises(RuntimeError, match="has a hub already"):
        PieHub(app)


def test_a_piehub_without_an_app_says_so():
    with pytest.raises(RuntimeError, match="call init_app first"):
        PieHub().rooms()


def test_a_wrong_setting_is_refused_at_start():
    with pytest.raises(SettingError, match="PIEHUB_RATE_LIMIT is 'often'"):
        app_with(PieHub(), PIEHUB_RATE_LIMIT="often")


def test_settings_that_are_not_given_can_be_read_from_the_config():
    app = app_with(PieHub())
    assert app.config["PIEHUB_PING_INTERVAL"] == 25
    assert app.config["PIEHUB_ROOM_CLEANUP_DELAY"] == 0


def test_the_hub_moves_to_another_path(service):
    app = app_with(PieHub(), PIEHUB_PATH="/ws")
    app.add_url_rule("/", view_func=lambda: "the app's own page")
    url = service.start(app)
    wire = service.wire(url, "/ws")
    assert b"ServerAssignedData" in wire.frame()[1]
    assert app.test_client().get("/").text == "the app's own page"


def test_the_apps_own_flask_sock_routes_work_beside_the_hub(service):
    pie = PieHub()
    app = app_with(pie)

    @Sock(app).route("/echo")
    def echo(ws):
        ws.send(ws.receive(timeout=PATIENCE))

    url = service.start(app)
    peer = member(service, url)
    with connect(f"{url}/echo", proxy=None, close_timeout=A_WHILE) as own:
        own.send("mine")
        assert own.recv(PATIENCE) == "mine"
    peer.say("Data", payload=1)
    assert peer.hear()["payload"] == 1


def test_sending_before_anyone_came_does_not_keep_them_out(service):
    pie = PieHub()
    app = app_with(pie)
    sent = gevent.get_hub().threadpool.apply(lambda: pie.send(**ROOM, payload=1))
    peer = member(service, service.start(app))
    assert (sent, peer.id in pie.rooms()[0].clients) == (0, True)


def test_a_piehub_in_a_view_of_another_piehubs_app_keeps_to_its_own(service):
    one, two = PieHub(), PieHub()
    app = app_with(one)
    app.add_url_rule("/two", view_func=lambda: {"sent": two.send(**ROOM, payload="for two")})
    a = member(service, service.start(app))
    b = member(service, service.start(app_with(two)))
    assert app.test_client().get("/two").json == {"sent": 1}
    assert b.hear()["payload"] == "for two"
    assert a.hears_nothing()


def test_flask_socks_options_may_change_after_init_app(service):
    app = app_with(PieHub())
    url = service.start(app)
    app.config["SOCK_SERVER_OPTIONS"] = {"max_message_size": 100}
    ours = set()
    for _ in range(2):
        assert member(service, url).id
        ours.add(app.config["SOCK_SERVER_OPTIONS"]["thread_class"])
    assert len(ours) == 1  # rather than one around the other, for each client


def test_flask_socks_options_hold_for_the_apps_own_routes(service):
    class OwnThread(threading.Thread):
        pass

    app = app_with(PieHub())
    app.config["SOCK_SERVER_OPTIONS"] = {"thread_class": OwnThread, "max_message_size": 4}

    @Sock(app).route("/own")
    def show(ws):
        ws.send(f"{type(ws.thread).__name__} {ws.max_message_size}")

    url = service.start(app)
    member(service, url)  # at which the hub puts its own thread_class there
    with connect(f"{url}/own", proxy=None, close_timeout=A_WHILE) as own:
        assert own.recv(PATIENCE) == "OwnThread 4"


def test_subprotocols_are_for_the_apps_own_routes(service):
    app = app_with(PieHub())
    app.config["SOCK_SERVER_OPTIONS"] = {"subprotocols": ["chat"]}
    Sock(app).route("/own")(lambda ws: ws.send("hello"))
    url = service.start(app)
    agreed = []
    for address in (url, f"{url}/own"):
        with connect(address, proxy=None, close_timeout=A_WHILE, subprotocols=["chat"]) as client:
            assert client.recv(PATIENCE)
            agreed.append(client.subprotocol)
    assert agreed == [None, "chat"]


def test_a_message_that_no_outbox_holds_is_refused():
    pie = PieHub()
    app_with(pie)
    with pytest.raises(ValueError, match="at most 1047552 can be sent"):
        pie.send(**ROOM, payload="x" * 1_048_576)
