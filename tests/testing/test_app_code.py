"""The app's own code under clients in process: hooks, host apps, views, signals, threads."""

import logging
import threading
from contextvars import ContextVar

import flask
import pytest

from piehub import HostApp, PieHub, signals
from piehub.testing import NeverDone, Refused

ROOM = {"app": "chat", "version": "1"}


def joined(pie, **room):
    client = pie.test_client()
    client.join(**ROOM | room)
    return client


def test_on_join_refuses_with_its_own_words(pie):
    @pie.on_join
    def members_only(client, room):
        return "Members only." if room.name == "club" else None

    eve = pie.test_client()
    with pytest.raises(Refused, match=r"^Members only\.$"):
        eve.join(**ROOM, name="club")
    eve.join(**ROOM, name="street")


def test_on_join_is_asked_for_a_match_too(pie):
    @pie.on_join
    def nobody(client, room):
        return f"No {room.name} for you."

    with pytest.raises(Refused, match="No match for you"):
        pie.test_client().ask("EnterMatchmaking", app="duel", version="1", matchSize=2)


def test_on_data_drops_and_changes_what_is_said(pie):
    @pie.on_data
    def censor(client, room, message):
        if message["payload"] == "spam":
            return False
        return {**message, "payload": message["payload"].upper()}

    ann, bob = joined(pie), joined(pie)
    ann.send_data("spam")
    ann.send_data("ham")
    assert bob.payloads() == ["HAM"]


def test_on_leave_is_told_however_a_client_goes(pie):
    gone = []
    pie.on_leave(lambda client, room: gone.append((client.id, room.name)))
    clients = [joined(pie, name=name) for name in ("left", "closed", "vanished")]
    clients[0].leave()
    clients[1].close()
    clients[2].vanish()
    assert gone == [
        (client.id, name)
        for client, name in zip(clients, ("left", "closed", "vanished"), strict=True)
    ]


def test_a_hook_that_raises_is_refused_and_logged_as_in_production(pie, caplog):
    @pie.on_join
    def clumsy(client, room):
        raise ZeroDivisionError("tripped")

    client = pie.test_client()
    with pytest.raises(Refused, match="its log says how"):
        client.join(**ROOM)
    (error,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert error.message == f"on_join failed for client {client.id!r}"
    assert "ZeroDivisionError: tripped" in caplog.text


def test_hooks_run_outside_of_the_tests_request_and_in_an_app_context_of_their_own(app, pie):
    variable = ContextVar("of the test", default="as it was")
    seen = []

    def look(client, room, *message):
        seen.append((flask.has_request_context(), flask.current_app.name, variable.get()))
        assert "of the test" not in flask.g
        flask.g.hook = 1

    for register in (pie.on_join, pie.on_data, pie.on_leave):
        register(look)
    with app.test_request_context():
        flask.g.setdefault("of the test", 1)
        variable.set("the test's")
        ann = joined(pie)
        ann.send_data(1)
        assert ann.payloads() == [1]
        ann.leave()
        assert "hook" not in flask.g
    assert seen == [(False, "club", "as it was")] * 3


def test_hooks_run_one_at_a_time_for_each_client_also_when_one_uses_a_client_itself(pie):
    log = []
    ann, bob = joined(pie), joined(pie)

    @pie.on_data
    def answer(client, room, message):
        log.append(f"{message['payload']} begins")
        if message["payload"] == "one":
            ann.send_data("two")
            bob.send_data("three")
        log.append(f"{message['payload']} ends")

    ann.send_data("one")
    assert log == [
        "one begins",
        "three begins",
        "three ends",
        "one ends",
        "two begins",
        "two ends",
    ]
    assert ann.payloads() == ["three", "one", "two"]


def test_a_hook_cannot_have_its_own_client_answered(pie):
    ann = joined(pie)
    errors = []

    @pie.on_data
    def ask(client, room, message):
        with pytest.raises(RuntimeError, match="GetRooms is not answered while") as error:
            ann.ask("GetRooms")
        errors.append(error)

    ann.send_data(1)
    assert len(errors) == 1
    assert [message["type"] for message in ann.received()][-2:] == ["Data", "Rooms"]


def test_who_is_taken_over_while_its_own_hook_runs_is_closed_after_it(pie):
    ann = joined(pie)
    log = []

    @pie.on_data
    def come_again(client, room, message):
        token = {"clientId": ann.id, "resumeToken": ann.hello["resumeToken"]}
        log.append(pie.test_client(query_string=token).id)
        log.append(ann.close_code)

    ann.send_data(1)
    assert log == [ann.id, 4409]
    assert pie.rooms()[0].clients == ()
    assert ann.payloads() == []


def test_what_a_view_sends_has_been_heard_when_it_answers(app, pie):
    @app.post("/announce")
    def announce():
        count = pie.send(**ROOM, payload={"text": flask.request.form["text"]})
        return {"heard by": count}

    ann, bob = joined(pie), joined(pie)
    answer = app.test_client().post("/announce", data={"text": "News!"})
    assert answer.json == {"heard by": 2}
    assert ann.payloads() == bob.payloads() == [{"text": "News!"}]
    assert pie.send(**ROOM, payload="psst", to=bob.id) == 1
    assert (ann.payloads(), bob.payloads()) == ([], ["psst"])


def test_what_another_thread_sends_arrives(pie, in_thread):
    ann = joined(pie)
    assert in_thread(lambda: pie.send(**ROOM, payload="from a thread")) == []
    assert ann.payloads() == ["from a thread"]


def test_what_many_threads_send_arrives(pie):
    ann = joined(pie)
    threads = [
        threading.Thread(target=pie.send, kwargs=ROOM | {"payload": number}) for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ann.payloads()) == list(range(20))


def test_a_client_may_be_used_in_another_thread(pie, in_thread):
    ann, bob = joined(pie), joined(pie)
    assert in_thread(lambda: bob.send_data("from a thread")) == []
    assert ann.payloads() == ["from a thread"]


def test_a_hook_may_wait_for_a_thread_that_sends(pie, in_thread):
    ann = joined(pie)

    @pie.on_data
    def elsewhere(client, room, message):
        assert in_thread(lambda: pie.send(**ROOM, payload="from a thread")) == []

    ann.send_data("from ann")
    assert ann.payloads() == ["from a thread", "from ann"]


def test_a_hook_that_waits_for_a_thread_that_uses_a_client_does_not_wait_for_ever(
    pie, in_thread, monkeypatch
):
    monkeypatch.setattr("piehub.testing.in_process._PATIENCE", 0.05)
    ann, bob = joined(pie), joined(pie)
    errors = []

    @pie.on_data
    def elsewhere(client, room, message):
        if client.id == ann.id:
            errors.extend(in_thread(lambda: bob.send_data("from a thread")))

    ann.send_data("from ann")
    (error,) = errors
    assert str(error).startswith("Another thread is busy with this hub: ")
    assert ann.payloads() == ["from ann", "from a thread"]


def test_signals_are_sent(app, pie):
    heard = []

    def note(sender, client, room, message=None):
        heard.append(message or room.name)

    with (
        signals.room_joined.connected_to(note, app),
        signals.data_received.connected_to(note, app),
        signals.room_left.connected_to(note, app),
    ):
        ann = joined(pie)
        ann.send_data("hi")
        ann.leave()
    assert heard == ["default", *ann.received("Data"), "default"]


# Host apps


class Referee(HostApp):
    version = "7"
    log = logging.getLogger("referee")

    def handle_message(self, message):
        if message["type"] == "ClientPresenceChanged":
            self.send_data(f"{len(message['clients'])} here", skip_handler=True)
        elif message.get("payload") == "foul":
            return {"doNotEcho": True}
        elif message.get("payload") == "goal":
            self.send_data("score", as_from_client=message.get("fromClient"))
        elif message.get("payload") == "fall":
            raise ValueError("tripped")
        return None

    def cleanup(self):
        self.log.warning("cleaned up %s", self.room.name)


@pytest.fixture
def game(app):
    return PieHub(app, host_app=Referee)


def test_a_host_app_has_done_its_work_when_a_message_has_been_said(game):
    ann, bob = joined(game), joined(game)
    assert ann.hello["hostAppVersion"] == "7"
    assert ann.payloads() == ["1 here", "2 here"]
    for payload in ("goal", "foul", "over"):
        ann.send_data(payload)
    assert bob.payloads() == ["2 here", "goal", "score", "over"]


def test_what_a_host_app_sends_comes_behind_the_promise_of_a_join(game):
    ann = game.test_client()
    ann.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    types = [message["type"] for message in ann.received()]
    assert types == ["ClientPresenceChanged", "ResolvePromise", "Data"]


def test_a_host_app_that_raises_is_told_to_the_room(game, caplog):
    ann = joined(game)
    ann.received()
    ann.send_data("fall")
    error, message = ann.received()
    assert error["message"] == "hostApp.handleMessage error: tripped"
    assert message["payload"] == "fall"
    assert "ValueError: tripped" in caplog.text


def test_a_host_app_has_dealt_with_what_a_view_sends_when_that_answers(app):
    log = []

    class Clerk(HostApp):
        def handle_message(self, message):
            log.append(message.get("payload"))

    pie = PieHub(app, host_app=Clerk)
    app.add_url_rule("/news", view_func=lambda: {"heard by": pie.send(**ROOM, payload="news")})
    joined(pie)
    assert app.test_client().get("/news").json == {"heard by": 1}
    assert log == [None, "news"]


def test_who_joins_where_the_host_app_fails_is_in_all_the_same(app):
    class Stillborn(HostApp):
        def __init__(self):
            raise ValueError("not today")

    ann = PieHub(app, host_app=Stillborn).test_client()
    assert ann.join(**ROOM)["app"] == "chat"
    assert [message["type"] for message in ann.received()] == ["Err", "ClientPresenceChanged"]


def test_a_host_app_is_cleaned_up_when_its_room_goes(app, caplog):
    app.config["PIEHUB_ROOM_CLEANUP_DELAY"] = 0
    joined(PieHub(app, host_app=Referee)).leave()
    assert "cleaned up default" in caplog.messages


def test_a_host_app_that_answers_itself_without_end_is_no_endless_test(app):
    class Restless(HostApp):
        def handle_message(self, message):
            if message["type"] == "Data":
                self.send_data("again")

    ann = joined(PieHub(app, host_app=Restless))
    with pytest.raises(NeverDone, match="answer itself without end"):
        ann.send_data("go")


def test_many_messages_of_a_host_app_are_not_taken_for_endless_ones(app):
    class Counter(HostApp):
        def handle_message(self, message):
            if message["type"] == "Data" and message["payload"] < 2000:
                self.send_data(message["payload"] + 1)

    ann = joined(PieHub(app, host_app=Counter))
    for _ in range(10):
        ann.send_data(1)
        assert ann.payloads() == list(range(1, 2001))
