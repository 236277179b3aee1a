"""A client that comes back misses nothing, over real sockets."""

import json

import gevent
import pytest
from gevent.event import Event

from piehub import HostApp, create_app
from tests.support.peer import ROOM
from tests.support.timing import MS, PATIENCE


@pytest.fixture
def url(service):
    return service.start(room_cleanup_delay=PATIENCE / 50)


def joined(peer, **fields):
    """Join a room with a history, and return the promise's data."""
    peer.say("JoinRoom", roomInfo=ROOM | {"history": 100}, makeRoomIfNonExistant=True, **fields)
    return peer.hear_type("ResolvePromise")["data"]


def data(peer, count):
    """(seq, payload) of the next Data."""
    heard = [peer.hear_type("Data") for _ in range(count)]
    return [(one["seq"], one["payload"]) for one in heard]


def at(told, seq=None):
    return {"epoch": told["epoch"], "seq": told["seq"] if seq is None else seq}


def come_back(service, url, peer, last):
    """The same client on another connection, and what its promise says."""
    back = service.peer(url, clientId=peer.id, resumeToken=peer.hello["resumeToken"])
    return back, joined(back, recover=last)


def test_a_client_that_was_cut_off_misses_nothing(service, url):
    anna, bert = service.peer(url), service.peer(url)
    told = joined(anna)
    joined(bert)
    bert.say("Data", payload="heard")
    assert data(anna, 1) == data(bert, 1) == [(1, "heard")]
    anna.socket.socket.close()
    bert.hear_type("ClientPresenceChanged")
    for payload in range(5):
        bert.say("Data", payload=payload)
    data(bert, 5)
    back, told = come_back(service, url, anna, at(told, 1))
    assert (back.id, told["recovered"], told["seq"]) == (anna.id, True, 6)
    bert.say("Data", payload="new")
    assert data(back, 6) == [(2, 0), (3, 1), (4, 2), (5, 3), (6, 4), (7, "new")]


def test_a_client_that_heard_nothing_yet_misses_nothing(service, url):
    anna, bert = service.peer(url), service.peer(url)
    told = joined(anna)
    joined(bert)
    anna.close()
    bert.say("Data", payload="first")
    data(bert, 1)
    back, told = come_back(service, url, anna, at(told))
    assert told["recovered"] is True
    assert data(back, 1) == [(1, "first")]


def test_a_client_that_takes_its_id_from_its_own_dead_connection_misses_nothing(service, url):
    anna, bert = service.peer(url), service.peer(url)
    told = joined(anna)
    joined(bert)
    bert.say("Data", payload="unread")
    data(bert, 1)
    back, told = come_back(service, url, anna, at(told))
    assert anna.close_code() == 4409
    assert (back.id, told["recovered"]) == (anna.id, True)
    assert data(back, 1) == [(1, "unread")]


def test_a_room_that_everybody_dropped_out_of_is_recovered(service):
    url = service.start(room_cleanup_delay=PATIENCE / 5)
    anna = service.peer(url)
    told = joined(anna)
    anna.say("Data", payload="last words")
    anna.say("GetStats")
    anna.hear_type("GetStats")
    anna.close()
    back, told = come_back(service, url, anna, at(told))
    assert told["recovered"] is True
    assert data(back, 1) == [(1, "last words")]


def test_what_is_sent_again_with_its_message_id_is_said_once_and_acknowledged(service, url):
    anna, bert = service.peer(url), service.peer(url)
    told = joined(anna)
    joined(bert)
    anna.say("Data", payload="once", messageId="m1")
    data(bert, 1)
    anna.close()
    back, _ = come_back(service, url, anna, at(told, 1))
    back.say("Data", payload="once", messageId="m1")
    back.say("Data", payload="next", messageId="m2")
    assert data(back, 2) == [(1, "once"), (2, "next")]
    assert data(bert, 1) == [(2, "next")]


def test_a_message_id_that_is_none_is_refused_where_there_is_a_history(service, url):
    anna = service.peer(url)
    joined(anna)
    anna.say("Data", payload=1, messageId=5)
    assert anna.hear_type("Err")["message"] == "messageId must be text, not 5"


def test_a_message_id_means_nothing_where_there_is_no_history(service, url):
    anna = service.peer(url)
    anna.join()
    for value in (5, "m", "m"):
        anna.say("Data", payload=1, messageId=value, seq="mine")
        heard = anna.hear_type("Data")
        assert (heard["messageId"], heard["seq"]) == (value, "mine")


def test_nobody_can_say_another_number_than_the_hubs(service, url):
    anna, bert = service.peer(url), service.peer(url)
    joined(anna)
    joined(bert)
    anna.say("Data", payload="a", seq=1000)
    anna.say("Data", payload="b", seq=1000, subType="Whisper", whisperClientIds=[bert.id])
    assert bert.hear_type("Data")["seq"] == 1
    assert "seq" not in bert.hear_type("Data")


def test_a_whisper_is_never_taken_for_a_message_said_before(service, url):
    anna, bert = service.peer(url), service.peer(url)
    joined(anna)
    joined(bert)
    anna.say("Data", payload="a", messageId="m")
    for payload in "bc":
        anna.say(
            "Data", payload=payload, messageId="m", subType="Whisper", whisperClientIds=[bert.id]
        )
    assert [bert.hear_type("Data")["payload"] for _ in range(3)] == ["a", "b", "c"]


def test_after_a_restart_a_client_knows_that_it_has_a_gap_and_can_send_again(service):
    anna = service.peer(service.start(room_cleanup_delay=0, secret_key="same"))
    told = joined(anna)
    anna.say("Data", payload="old", messageId="m")
    data(anna, 1)
    url = service.start(room_cleanup_delay=0, secret_key="same", rejoin_window=60)
    back = service.peer(url, clientId=anna.id, resumeToken=anna.hello["resumeToken"])
    back.say("JoinRoom", roomInfo=told, recover=at(told, 1))  # what the hub once told it
    new = back.hear_type("ResolvePromise")["data"]
    assert (new["recovered"], new["seq"], new["history"]) == (False, 0, 100)
    assert new["epoch"] != told["epoch"]
    back.say("Data", payload="old", messageId="m")
    assert data(back, 1) == [(1, "old")]


def test_what_the_server_itself_says_is_recovered(service):
    app = create_app(PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests")
    url = service.start(app)
    anna, bert = service.peer(url), service.peer(url)
    told = joined(anna)
    joined(bert)
    text = service.hub.sendable("news")
    service.hub.registry.announce((ROOM["app"], ROOM["name"], ROOM["version"]), text)
    assert data(bert, 1) == [(1, "news")]
    anna.close()
    back, _ = come_back(service, url, anna, at(told))
    assert data(back, 1) == [(1, "news")]


class Referee(HostApp):
    """Drops what is foul, and counts what it is shown."""

    def __init__(self):
        self.shown = []
        self.may_go_on = Event()

    def handle_message(self, message):
        if message["type"] != "Data":
            return None
        self.shown.append(message["payload"])
        if message["payload"] == "slow":
            self.send_data("wait", skip_handler=True)
            assert self.may_go_on.wait(PATIENCE)
        return {"doNotEcho": True} if message["payload"] == "foul" else None


@pytest.fixture
def refereed(service):
    """A hub whose rooms have a Referee each; those that were made."""
    made = []

    class Remembered(Referee):
        def __init__(self):
            super().__init__()
            made.append(self)

    app = create_app(
        host_app=Remembered, PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests"
    )
    return service.start(app), made


def test_what_a_host_app_lets_through_is_recovered_and_what_it_says_itself(service, refereed):
    url, _ = refereed
    anna, bert = service.peer(url), service.peer(url)
    told = joined(anna)
    joined(bert)
    anna.close()
    for payload in ("fair", "foul", "fair too"):
        bert.say("Data", payload=payload)
    assert data(bert, 2) == [(1, "fair"), (2, "fair too")]
    back, _ = come_back(service, url, anna, at(told))
    assert data(back, 2) == [(1, "fair"), (2, "fair too")]


def test_a_host_app_is_shown_once_what_is_sent_again_while_it_still_looks(service, refereed):
    url, made = refereed
    anna, bert = service.peer(url), service.peer(url)
    told = joined(anna)
    joined(bert)
    anna.say("Data", payload="slow", messageId="m")
    while not (made and made[0].shown):
        gevent.sleep(MS)
    anna.close()
    back = service.peer(url, clientId=anna.id, resumeToken=anna.hello["resumeToken"])
    back.say("JoinRoom", roomInfo=ROOM, recover=at(told))
    back.say("Data", payload="slow", messageId="m")
    back.say("Data", payload="after")
    back.say("GetStats")
    back.hear_type("GetStats")  # past all promises: those wait for the host app
    made[0].may_go_on.set()
    promise = back.hear_type("ResolvePromise")["data"]
    assert (promise["recovered"], promise["seq"]) == (True, 2)
    assert data(back, 4) == [(1, "slow"), (2, "wait"), (1, "slow"), (3, "after")]
    assert made[0].shown == ["slow", "after"]
    assert data(bert, 3) == [(1, "slow"), (2, "wait"), (3, "after")]


def test_who_sends_the_same_again_and_again_to_a_busy_host_app_waits_for_space(service):
    made = []

    class Busy(Referee):
        def __init__(self):
            super().__init__()
            made.append(self)

    config = {"PIEHUB_ROOM_CLEANUP_DELAY": 0, "PIEHUB_SECRET_KEY": "for tests"}
    url = service.start(
        create_app(host_app=Busy, PIEHUB_RATE_LIMIT=0, PIEHUB_MAX_ROOMS=10, **config)
    )
    anna = service.peer(url)
    joined(anna)
    message = json.dumps({"type": "Data", "payload": "slow", "messageId": "m"})
    flood = gevent.spawn(lambda: [anna.send(message) for _ in range(10_000)])
    (connection,) = service.hub.heartbeat
    with gevent.Timeout(PATIENCE):
        while connection.received < 2000:
            gevent.sleep(MS)
    assert anna.hears_nothing()
    assert connection.received < 3000
    made[0].may_go_on.set()
    heard = data(anna, 10_001)
    assert heard.count((1, "slow")) == 10_000
    flood.get()


def test_the_apps_hook_is_asked_once_about_what_is_sent_again(service):
    app = create_app(PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests")
    asked = []
    service_url = service.start(app)
    service.hub.hooks.on_data.append(lambda client, room, message: asked.append(message["payload"]))
    anna = service.peer(service_url)
    joined(anna)
    for _ in range(2):
        anna.say("Data", payload="a", messageId="m")
    assert data(anna, 2) == [(1, "a"), (1, "a")]
    assert asked == ["a"]


@pytest.mark.parametrize("changed", [{"messageId": "another"}, {"messageId": None}])
def test_a_hook_that_changes_a_message_id_does_not_double_what_is_sent_again(changed, service):
    app = create_app(PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests")
    url = service.start(app)
    service.hub.hooks.on_data.append(lambda client, room, message: message | changed)
    anna, bert = service.peer(url), service.peer(url)
    joined(anna)
    joined(bert)
    for payload in ("once", "once"):
        anna.say("Data", payload=payload, messageId="m")
    anna.say("Data", payload="after", messageId="n")
    assert data(anna, 3) == [(1, "once"), (1, "once"), (2, "after")]
    assert data(bert, 2) == [(1, "once"), (2, "after")]


def test_a_hook_that_changes_a_message_cannot_change_its_number(service):
    app = create_app(PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_SECRET_KEY="for tests")
    url = service.start(app)
    service.hub.hooks.on_data.append(lambda client, room, message: message | {"seq": 99})
    anna = service.peer(url)
    joined(anna)
    anna.send(json.dumps({"type": "Data", "payload": "a"}))
    assert data(anna, 1) == [(1, "a")]
