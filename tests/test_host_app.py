"""Server code that lives in a room."""

import gevent
import pytest
from gevent.event import Event
from gevent.lock import Semaphore

from piehub import HostApp, create_app, memory
from piehub.rooms.registry import Registry
from piehub.settings import SettingError
from tests.support.peer import ROOM
from tests.support.timing import MS, PATIENCE


def start(service, host_app, **settings):
    config = {"PIEHUB_ROOM_CLEANUP_DELAY": 0, "PIEHUB_SECRET_KEY": "for tests", **settings}
    return service.start(create_app(host_app=host_app, **config))


def member(service, url, **room):
    peer = service.peer(url)
    peer.join(**room)
    return peer


class Shouter(HostApp):
    version = "2.0"

    def handle_message(self, message):
        if message.get("payload") == "hush":
            return {"doNotEcho": True}
        if isinstance(message.get("payload"), str):
            return message | {"payload": message["payload"].upper()}
        return None


def test_clients_are_told_the_host_apps_version(service):
    assert service.peer(start(service, Shouter)).hello["hostAppVersion"] == "2.0"


def test_without_a_host_app_there_is_no_version(service):
    assert "hostAppVersion" not in service.peer(service.start()).hello


def test_a_host_app_changes_drops_and_lets_be(service):
    peer = member(service, start(service, Shouter))
    for payload in ("hey", "hush", 1):
        peer.say("Data", payload=payload)
    assert [peer.hear()["payload"], peer.hear()["payload"]] == ["HEY", 1]


def test_what_a_host_app_lets_be_travels_to_the_letter(service):
    peer = member(service, start(service, Shouter))
    peer.send('{"type": "Data",  "payload": [1.00, 1e999]}')
    assert peer.socket.recv().startswith('{"type": "Data",  "payload": [1.00, 1e999],')


def test_presence_goes_through_the_host_app_and_the_promise_comes_behind_it(service):
    class Counter(HostApp):
        def handle_message(self, message):
            if message["type"] == "ClientPresenceChanged":
                return message | {"count": len(message["clients"])}
            return None

    peer = service.peer(start(service, Counter))
    peer.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    assert [peer.hear()["count"], peer.hear()["type"]] == [1, "ResolvePromise"]


def test_whispers_pass_the_host_app_by_and_keep_their_place(service):
    url = start(service, Shouter)
    a, b = member(service, url), member(service, url)
    a.say("Data", payload="one")
    a.say("Data", payload="two", subType="Whisper", whisperClientIds=[b.id])
    a.say("Data", payload="three")
    assert [b.hear_type("Data")["payload"] for _ in range(3)] == ["ONE", "two", "THREE"]


def test_a_host_app_sends_as_itself_and_as_a_client(service):
    class Greeter(HostApp):
        def handle_message(self, message):
            if message.get("payload") == "hello":
                self.send_data("and hello to you")
                self.send_data("I forgot", as_from_client=message["fromClient"])
                self.send_data("unseen by me", skip_handler=True)
            elif message["type"] == "Data":
                return message | {"seen": True}
            return None

    peer = member(service, start(service, Greeter))
    peer.say("Data", payload="hello")
    heard = [peer.hear() for _ in range(4)]
    assert [message["payload"] for message in heard] == [
        "hello",
        "and hello to you",
        "I forgot",
        "unseen by me",
    ]
    assert [message.get("fromClient") for message in heard] == [peer.id, None, peer.id, None]
    assert [message.get("seen") for message in heard] == [None, True, True, None]
    assert all(isinstance(message["time"], int) for message in heard)


def test_a_host_app_that_raises_is_told_once_and_the_message_goes_as_it_was(service, capsys):
    class Clumsy(HostApp):
        def handle_message(self, message):
            if message["type"] == "Data":
                raise ValueError("tripped")

    url = start(service, Clumsy)
    a, b = member(service, url), member(service, url)
    a.say("Data", payload=1)
    for peer in (a, b):
        error = peer.hear_type("Err")
        assert error["message"] == "hostApp.handleMessage error: tripped"
        assert peer.hear()["payload"] == 1
    assert "ValueError: tripped" in capsys.readouterr().err


@pytest.mark.parametrize("letter", ["x", "\x85", "\0", "\U0001f600"])
def test_of_a_long_error_the_room_is_told_the_beginning_and_the_log_all(letter, service, capsys):
    class Wordy(HostApp):
        def handle_message(self, message):
            if message["type"] == "Data":
                raise ValueError(f"cannot play {message['payload']!r}")

    peer = member(service, start(service, Wordy))
    payload = letter * 5_000
    peer.say("Data", payload=payload)
    told = peer.hear()["message"].removeprefix("hostApp.handleMessage error: ")
    whole = f"cannot play {payload!r}"
    assert told == whole[:299] + "…"
    assert peer.hear()["payload"] == payload
    assert whole in capsys.readouterr().err


def test_what_is_sent_again_while_the_room_is_told_of_an_error_is_not_doubled(service, monkeypatch):
    class Clumsy(HostApp):
        def handle_message(self, message):
            if message["type"] == "Data":
                raise ValueError("tripped")

    def deliver(registry, room, emission, whole=Registry._deliver):
        whole(registry, room, emission)
        if emission.text.startswith(b'{"type":"Err"'):
            (connection,) = service.hub.heartbeat
            while connection.received < 3:  # under threads, another may come in between
                gevent.sleep(MS)

    monkeypatch.setattr(Registry, "_deliver", deliver)
    peer = member(service, start(service, Clumsy), history=10)
    peer.say("Data", payload="once", messageId="m")
    peer.hear_type("Err")
    peer.say("Data", payload="once", messageId="m")
    peer.say("Data", payload="last")
    assert [peer.hear_type("Data")["seq"] for _ in range(3)] == [1, 1, 2]


def test_a_host_app_that_blocks_holds_up_its_room_alone(service):
    go_on = Event()

    class Slow(HostApp):
        def handle_message(self, message):
            if message.get("payload") == "wait":
                go_on.wait(PATIENCE)

    url = start(service, Slow)
    held, free = member(service, url), member(service, url, name="elsewhere")
    held.say("Data", payload="wait")
    held.say("Data", payload="behind")
    free.say("Data", payload="free")
    assert free.hear()["payload"] == "free"
    assert held.hears_nothing()
    go_on.set()
    assert [held.hear()["payload"], held.hear()["payload"]] == ["wait", "behind"]


def test_each_room_has_an_instance_of_its_own_which_is_cleaned_up(service):
    made, gone = [], Event()

    class Keeper(HostApp):
        def __init__(self):
            made.append(self.room.name)

        def cleanup(self):
            assert self.room.name == "lobby"
            gone.set()

    url = start(service, Keeper)
    peer, _ = member(service, url), member(service, url, name="elsewhere")
    assert made == ["lobby", "elsewhere"]
    peer.say("LeaveRoom")
    assert gone.wait(PATIENCE)


def test_who_fills_the_mailbox_of_a_busy_host_app_waits_for_space(service):
    turns = Semaphore(0)

    class Slow(HostApp):
        def handle_message(self, message):
            turns.acquire(timeout=PATIENCE)

    url = start(service, Slow, PIEHUB_RATE_LIMIT=0, PIEHUB_MAX_ROOMS=10)
    peer = service.peer(url)
    peer.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    flood = gevent.spawn(lambda: [peer.say("Data", payload="x" * 60_000) for _ in range(100)])
    (connection,) = service.hub.heartbeat
    while connection.received < 18:  # 18 messages of 60 kB are over a megabyte
        gevent.sleep(0)
    assert peer.hears_nothing()
    assert connection.received == 20  # the join, 18, and the one that waits
    assert not connection.is_listening
    for _ in range(5):  # presence is one of them
        turns.release()
    with gevent.Timeout(PATIENCE):
        while connection.received == 20:
            gevent.sleep(MS)
    for _ in range(100):
        turns.release()
    assert [peer.hear_type("Data")["payload"] for _ in range(100)] == ["x" * 60_000] * 100
    flood.get()


def test_in_little_memory_less_waits_for_each_host_app_and_all_of_it_arrives(service, monkeypatch):
    monkeypatch.setattr(memory, "of_machine", lambda: 400_000)
    turns = Semaphore(0)

    class Slow(HostApp):
        def handle_message(self, message):
            turns.acquire(timeout=PATIENCE)

    url = start(service, Slow, PIEHUB_RATE_LIMIT=0, PIEHUB_MAX_ROOMS=10)
    peer = service.peer(url)
    peer.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    for count in range(20):
        peer.say("Data", payload=f"{count}" + "x" * 5_000)
    (connection,) = service.hub.heartbeat
    while connection.received < 3:
        gevent.sleep(MS)
    assert peer.hears_nothing()
    assert connection.received <= 4  # 10 kB may wait, and the one that makes it more
    for _ in range(100):  # presence comes, too, and goes
        turns.release()
    heard = [peer.hear_type("Data")["payload"].strip("x") for _ in range(20)]
    assert heard == [str(count) for count in range(20)]


def test_a_host_app_is_named_by_module_and_class(service):
    url = service.start(host_app="tests.test_host_app:Shouter")
    assert service.peer(url).hello["hostAppVersion"] == "2.0"


def test_a_host_app_that_is_handed_over_goes_before_one_that_is_named(service):
    url = start(service, Shouter, PIEHUB_HOST_APP="tests.test_host_app:HostApp")
    assert service.peer(url).hello["hostAppVersion"] == "2.0"


@pytest.mark.parametrize(
    "name",
    ["nowhere:Class", "tests.test_host_app:Missing", "tests.test_host_app", "json:dumps", ":"],
)
def test_a_host_app_that_cannot_be_found_is_named_at_start(name):
    with pytest.raises(SettingError, match=r"PIEHUB_HOST_APP: .*module:Class"):
        create_app(PIEHUB_HOST_APP=name)


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    "error",
    [gevent.Timeout(1), SystemExit(1), KeyboardInterrupt(), ValueError("\ud800"), Unspeakable()],
    ids=["gevent.Timeout", "SystemExit", "KeyboardInterrupt", "half a character", "no text"],
)
def test_whatever_a_host_app_raises_the_room_goes_on(error, service):
    class Fragile(HostApp):
        def handle_message(self, message):
            if message.get("payload") == "break":
                raise error

    peer = member(service, start(service, Fragile))
    peer.say("Data", payload="break")
    message = peer.hear()["message"]
    assert message.startswith("hostApp.handleMessage error: ")
    assert message.endswith("Unspeakable") == isinstance(error, Unspeakable)
    assert peer.hear()["payload"] == "break"
    peer.say("Data", payload="whole again")
    assert peer.hear()["payload"] == "whole again"


def test_a_host_app_speaks_from_a_native_thread(service):
    class Ticker(HostApp):
        def handle_message(self, message):
            if message.get("payload") == "go":
                pool = gevent.get_hub().threadpool
                jobs = [pool.spawn(self.send_data, number) for number in range(20)]
                gevent.joinall(jobs, raise_error=True)

    peer = member(service, start(service, Ticker))
    peer.say("Data", payload="go")
    heard = [peer.hear_type("Data")["payload"] for _ in range(21)]
    assert sorted(heard[1:]) == list(range(20))


def test_a_host_app_handles_nothing_once_it_is_cleaned_up(service):
    order, gone = [], Event()

    class Talkative(HostApp):
        def handle_message(self, message):
            order.append(message["type"])

        def cleanup(self):
            order.append("cleanup")
            self.send_data("goodbye")
            gone.set()

    peer = member(service, start(service, Talkative))
    peer.say("LeaveRoom")
    assert gone.wait(PATIENCE)
    peer.join()
    assert order == [
        "ClientPresenceChanged",
        "ClientPresenceChanged",
        "cleanup",
        "ClientPresenceChanged",
    ]


def test_a_cleanup_that_fails_is_logged(service, capsys):
    class Clumsy(HostApp):
        def cleanup(self):
            raise ValueError("tripped")

    peer = member(service, start(service, Clumsy))
    peer.say("LeaveRoom")
    assert peer.join()["type"] == "ResolvePromise"
    service.stop()
    log = capsys.readouterr().err
    assert "cleanup failed for the host app of room" in log
    assert "ValueError: tripped" in log
    assert "AppCodeFailed" not in log  # which would have ended the mailbox's greenlet


def test_a_host_app_that_never_began_is_not_cleaned_up(service, capsys):
    class Stillborn(HostApp):
        def __init__(self):
            raise ValueError("not today")

    peer = service.peer(start(service, Stillborn))
    peer.say("JoinRoom", roomInfo=ROOM, makeRoomIfNonExistant=True)
    assert peer.hear()["message"] == "hostApp.handleMessage error: not today"
    assert peer.hear()["type"] == "ClientPresenceChanged"
    peer.close()
    service.stop()
    assert "cleanup failed" not in capsys.readouterr().err


def test_a_host_app_that_talks_to_itself_without_end_does_not_keep_the_others_out(service):
    done = Event()

    class Restless(HostApp):
        def handle_message(self, message):
            if message.get("payload") != "on" or done.is_set():
                return None
            self.send_data("on")
            return {"doNotEcho": True}

    url = start(service, Restless)
    member(service, url).say("Data", payload="on")
    other = member(service, url, name="elsewhere")
    other.say("Data", payload="hello")
    assert other.hear()["payload"] == "hello"
    done.set()


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000])
def test_no_number_takes_a_message_past_a_host_app(number, service):
    peer = member(service, start(service, Shouter))
    peer.send(f'{{"type":"Data","payload":"hush hush","n":{number}}}')
    heard = peer.hear()
    assert heard["payload"] == "HUSH HUSH"
    assert abs(heard["n"]) > 10**308  # infinity, in JavaScript


def test_a_host_app_that_kills_its_own_greenlet_does_not_mute_its_room(service):
    class Suicidal(HostApp):
        def handle_message(self, message):
            if message.get("payload") == "die":
                raise gevent.GreenletExit

    url = start(service, Suicidal)
    peer = member(service, url)
    peer.say("Data", payload="die")
    assert peer.hear()["type"] == "Err"
    assert peer.hear()["payload"] == "die"
    assert member(service, url).id


def test_a_host_app_that_returns_no_dict_is_told_what_would_do(service):
    class Wordy(HostApp):
        def handle_message(self, message):
            return "text" if message["type"] == "Data" else None

    peer = member(service, start(service, Wordy))
    peer.say("Data", payload=1)
    assert "handle_message returns None or a dict, not 'text'" in peer.hear()["message"]


def test_a_host_app_cannot_send_what_no_outbox_holds(service):
    class Boaster(HostApp):
        def handle_message(self, message):
            if message.get("payload") == "go":
                self.send_data("x" * 2_000_000)

    peer = member(service, start(service, Boaster))
    peer.say("Data", payload="go")
    assert "at most 1047552 can be sent" in peer.hear()["message"]
    assert peer.hear()["payload"] == "go"


def test_a_host_app_cannot_make_of_a_message_what_no_outbox_holds(service, capsys):
    class Boaster(HostApp):
        def handle_message(self, message):
            if message["type"] == "Data":
                return message | {"payload": "x" * message["payload"]}
            return None

    small = {"PIEHUB_MAX_MESSAGE_BYTES": 10_000, "PIEHUB_MAX_MEMBERS": 100}
    url = start(service, Boaster, PIEHUB_OUTBOX_BYTES=100_000, **small)
    peer = member(service, url)
    peer.say("Data", payload=98_000)
    assert peer.hear()["payload"] == "x" * 98_000
    peer.say("Data", payload=99_000)
    assert "with PIEHUB_OUTBOX_BYTES of 100000, at most 98976 can be sent" in peer.hear()["message"]
    peer.say("Data", payload=3)
    assert peer.hear()["payload"] == "xxx"
    assert "at most 98976 can be sent" in capsys.readouterr().err


def nested(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("levels", [100, 987, 100_000])
def test_however_deep_a_host_app_nests_its_room_goes_on(levels, service):
    class Deep(HostApp):
        def handle_message(self, message):
            if message.get("payload") == "go":
                return message | {"seq": 1, "payload": nested(levels)}
            return None

    peer = member(service, start(service, Deep), history=10)
    peer.say("Data", payload="go")
    peer.say("Data", payload="and on")
    while (heard := peer.hear()).get("payload") != "and on":
        assert heard["type"] == "Err" or heard["payload"] == nested(levels)
    assert heard["seq"] in (1, 2)


@pytest.mark.parametrize(
    "answer", [{"payload": "x" * 2_000_000}, {"payload": {1, 2}}, {"payload": float("nan")}]
)
def test_of_what_a_host_app_returns_and_cannot_be_sent_nothing_is(answer, service):
    class Censor(HostApp):
        def handle_message(self, message):
            return message | answer if message.get("payload") == "secret" else None

    peer = member(service, start(service, Censor))
    peer.say("Data", payload="secret")
    assert peer.hear()["message"].startswith("hostApp.handleMessage error: ")
    peer.say("Data", payload="and on")
    assert peer.hear()["payload"] == "and on"
