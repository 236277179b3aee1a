"""What a client sends, and what it is told: odd messages, ids, takeover."""

import json

import gevent
import pytest
from gevent.event import Event

from piehub import create_app, session
from piehub.net.runtime import CLOCK
from tests.support.peer import ROOM, masked
from tests.support.timing import A_WHILE, PATIENCE

BAD = {
    "not JSON": ("{nope", "not JSON"),
    "empty": ("", "The message is empty; a message is a JSON object"),
    "a list": ("[1]", "A message is a JSON object"),
    "a trailing comma": ('{"type":"Data",}', "not JSON"),
    "NaN": ('{"type":"Data","payload":NaN}', "not JSON"),
    "no type": ('{"payload":1}', "has no type"),
    "a type that is a number": ('{"type":7}', "is no type of message"),
    "a type that is a list": ('{"type":["Data"]}', "is no type of message"),
    "an unknown type": ('{"type":"Nope"}', "'Nope' is no type of message"),
    "a long unknown type": (json.dumps({"type": "x" * 5000}), "is no type of message"),
    "33 levels": ('{"type":"Data","payload":' + "[" * 32 + "]" * 32 + "}", "nested too deep"),
    "20,000 levels": (
        '{"type":"Data","payload":' + "[" * 20000 + "]" * 20000 + "}",
        "nested too deep",
    ),
    "half a surrogate pair": (r'{"type":"Data","payload":"\ud800"}', "half a surrogate pair"),
    "a together id that is an object": (
        '{"type":"Data","subType":"Together","togetherId":{}}',
        "togetherId must be text, a number or a boolean, not an object",
    ),
    "a together id that is a list": (
        '{"type":"Data","subType":"Together","togetherId":[1]}',
        "togetherId must be text, a number or a boolean, not a list",
    ),
    "a whisper to nobody": ('{"type":"Data","subType":"Whisper"}', "needs whisperClientIds"),
    "a whisper to numbers": (
        '{"type":"Data","subType":"Whisper","whisperClientIds":[1]}',
        "needs whisperClientIds",
    ),
    "GetRooms with text": ('{"type":"GetRooms","roomInfo":"chat"}', "roomInfo as an object"),
    "GetRooms with a number": (
        '{"type":"GetRooms","roomInfo":{"version":1}}',
        "roomInfo.version must be text, not 1",
    ),
}

BAD_JOINS = {
    "nothing": ({}, "needs roomInfo"),
    "text": ({"roomInfo": "chat"}, "needs roomInfo"),
    "no version": ({"roomInfo": {"app": "a"}}, "roomInfo.version must be a non-empty text"),
    "a number": ({"roomInfo": ROOM | {"app": 5}}, "roomInfo.app must be text, not 5"),
    "a long name": ({"roomInfo": ROOM | {"name": "n" * 201}}, "201 characters; at most 200"),
    "maxClients 0": ({"roomInfo": ROOM | {"maxClients": 0}}, "an integer of 1 or more, not 0"),
    "hidden 1": ({"roomInfo": ROOM | {"hidden": 1}}, "true or false, not 1"),
    "make yes": ({"roomInfo": ROOM, "makeRoomIfNonExistant": "yes"}, "true or false"),
    "togetherTimeoutMs -1": ({"roomInfo": ROOM | {"togetherTimeoutMs": -1}}, "above 0"),
    "half a pair": ({"roomInfo": ROOM | {"name": "\ud800"}}, "half a surrogate pair"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_message_is_explained_to_its_sender_alone(case, service):
    text, explanation = BAD[case]
    url = service.start(room_cleanup_delay=0)
    witness, sender = service.peer(url), service.peer(url)
    witness.join()
    sender.join()
    witness.hear_type("ClientPresenceChanged")
    sender.send(text)
    answer = sender.hear()
    assert answer["type"] == "Err"
    assert explanation in answer["message"]
    sender.say("Data", payload="still here")
    assert witness.hear()["payload"] == "still here"


@pytest.mark.parametrize("case", BAD_JOINS)
def test_a_join_that_cannot_be_understood_rejects_the_promise(case, service):
    fields, explanation = BAD_JOINS[case]
    peer = service.peer(service.start(room_cleanup_delay=0))
    peer.say("JoinRoom", **({"makeRoomIfNonExistant": True} | fields))
    answer = peer.hear()
    assert (answer["type"], answer["func"]) == ("RejectPromise", "JoinRoom")
    assert explanation in answer["err"]
    assert peer.join()["type"] == "ResolvePromise"


def test_a_huge_number_in_a_setting_is_refused_and_in_a_payload_travels(service):
    peer = service.peer(service.start(room_cleanup_delay=0))
    peer.send('{"type":"JoinRoom","roomInfo":{"app":"a","version":"1","maxClients":1e999}}')
    assert peer.hear()["type"] == "RejectPromise"
    peer.join()
    peer.send('{"type":"Data","payload":[1e999,12345678901234567890123,0.10]}')
    assert '"payload":[1e999,12345678901234567890123,0.10]' in peer.socket.recv()


def test_a_password_is_never_echoed(service):
    peer = service.peer(service.start(room_cleanup_delay=0))
    assert "98765" not in peer.join(password=98765)["err"]
    assert "secret" not in json.dumps(peer.join(password="secret"))
    peer.say("GetStats")
    assert "secret" not in peer.socket.recv()


def test_memory_does_not_grow_with_bad_messages(service):
    peer = service.peer(service.start(rate_limit=0))
    hub = service.hub
    for number in range(2000):
        peer.say("JoinRoom", roomInfo={"app": f"app {number}", "version": 1})
        assert peer.hear()["type"] == "RejectPromise"
    assert hub.registry.counts() == (0, 1)


def test_who_makes_too_many_rooms_is_told_and_may_do_everything_else(service):
    url = service.start(room_cleanup_delay=0, room_rate_per_client=0.001)
    peer, other = service.peer(url), service.peer(url)
    assert peer.join(name="first")["type"] == "ResolvePromise"
    peer.say("LeaveRoom")
    refused = peer.join(name="second")
    assert (refused["type"], refused["func"]) == ("RejectPromise", "JoinRoom")
    assert refused["err"].startswith("This client has made too many rooms: 0.001 a second")
    assert other.join(name="third")["type"] == "ResolvePromise"
    assert peer.join(name="third")["type"] == "ResolvePromise"


def test_who_guesses_passwords_is_refused_and_so_is_its_next_connection(service):
    url = service.start(room_cleanup_delay=0, password_attempts=2)
    owner, guesser = service.peer(url), service.peer(url)
    owner.join(password="right")
    for _ in range(2):
        assert "incorrect password" in guesser.join(password="wrong")["err"]
    for peer in (guesser, service.peer(url)):
        assert "Too many wrong passwords" in peer.join(password="right")["err"]
    assert guesser.join(name="another")["type"] == "ResolvePromise"


def test_behind_a_proxy_that_was_not_named_who_guesses_holds_up_itself_alone(service):
    url = service.start(room_cleanup_delay=0, password_attempts=1)
    owner = service.peer(url)
    owner.join(password="right")
    answers = []
    for passwords in (["wrong", "right"], ["right"]):
        wire = service.wire(url, handshake=False)
        wire.send(wire.request(X_Forwarded_For="198.51.100.7"))
        wire.read_until(b"\r\n\r\n")
        for password in passwords:
            join = {"type": "JoinRoom", "roomInfo": ROOM | {"password": password}}
            wire.send(masked(1, json.dumps(join).encode()))
            while b"Promise" not in (text := wire.frame()[1]):
                pass
            answers.append(json.loads(text).get("err", "in"))
    assert ["incorrect" in answers[0], "Too many" in answers[1], answers[2]] == [True, True, "in"]


def test_no_more_join_a_room_than_the_hub_allows(service):
    url = service.start(room_cleanup_delay=0, max_members=1, max_rooms=1)
    peer, other = service.peer(url), service.peer(url)
    assert peer.join()["type"] == "ResolvePromise"
    assert other.join()["err"].startswith("This room has 1 clients, as many as this hub allows")
    assert other.join(name="another")["err"].startswith("This hub has 1 rooms, as many as it may")


def test_a_binary_message_is_taken_as_text(service):
    peer = service.peer(service.start(room_cleanup_delay=0))
    peer.join()
    peer.socket.send(b'{"type":"Data","payload":"\xc3\xbc"}')
    assert isinstance(heard := peer.socket.recv(), str)
    assert json.loads(heard)["payload"] == "ü"


def test_a_binary_message_that_is_no_text_is_explained(service):
    peer = service.peer(service.start())
    peer.socket.send(b'{"type":"Data","payload":"\xff"}')
    assert "UTF-8" in peer.hear()["message"]


def test_stats_can_be_turned_off(service):
    peer = service.peer(service.start(allow_stats=False))
    peer.say("GetStats")
    assert peer.hear()["stats"] == {"err": "Stats access not allowed."}


def test_a_free_id_is_given_to_who_asks(service):
    url = service.start()
    assert service.peer(url, clientId="bob").id == "bob"


def test_an_id_can_be_had_again_once_its_holder_has_left(service):
    url = service.start()
    first = service.peer(url, clientId="bob")
    first.close()
    assert service.peer(url, clientId="bob").id == "bob"


def test_an_id_of_a_live_client_is_not_given_away(service):
    url = service.start()
    service.peer(url, clientId="bob")
    assert service.peer(url, clientId="bob").id != "bob"


def silent_holder(service, url, client_id):
    """A client in a room that answers no ping."""
    wire = service.wire(url, f"/?clientId={client_id}")
    wire.frame()  # ServerAssignedData
    join = {"type": "JoinRoom", "roomInfo": ROOM, "makeRoomIfNonExistant": True}
    wire.send(masked(1, json.dumps(join).encode()))
    wire.frame()  # presence
    wire.frame()  # the promise
    return wire


def test_an_id_whose_holder_answers_no_more_is_taken_over(service):
    url = service.start(room_cleanup_delay=0)
    witness = service.peer(url)
    witness.join()
    holder = silent_holder(service, url, "bob")
    witness.hear()
    newcomer = service.peer(url, clientId="bob")
    assert newcomer.id == "bob"
    assert holder.frame() == (9, b"")  # it was asked
    assert holder.frame()[1][:2] == (4409).to_bytes(2, "big")
    left = witness.hear()
    assert (left["clients"], left["present"]) == ([witness.id], False)
    newcomer.join(make=False)
    assert witness.hear()["clients"] == [witness.id, "bob"]
    holder.close()  # its late end must not undo the newcomer
    assert witness.hears_nothing()
    witness.say("Data", payload=1)
    assert newcomer.hear_type("Data")["payload"] == 1


def test_who_asks_for_a_taken_id_again_and_again_does_not_have_its_holder_closed(service):
    """Each asks the holder for a sign of life, and its answers are not what it says."""
    url = service.start(rate_limit=1, rate_burst=5)
    holder = service.peer(url, clientId="bob")
    for _ in range(10):
        service.peer(url, clientId="bob").close()
    holder.say("GetStats")
    assert holder.hear()["type"] == "GetStats"


def test_pongs_that_nobody_has_asked_for_count_as_messages(service):
    wire = service.wire(service.start(rate_limit=1, rate_burst=5))
    wire.frame()
    wire.send(masked(10, b"") * 6)
    assert wire.frame()[1][:2] == (4429).to_bytes(2, "big")


def test_a_resume_token_takes_over_at_once(service):
    url = service.start()
    holder = service.peer(url, clientId="bob")
    newcomer = service.peer(url, clientId="bob", resumeToken=holder.hello["resumeToken"])
    assert newcomer.id == "bob"
    assert holder.close_code() == 4409
    newcomer.say("GetStats")
    assert newcomer.hear()["stats"]["lifeTimeClients"] == 2


@pytest.mark.parametrize("token", ["", "bob", "nonsense.x.y", "ä.1.ö"])
def test_a_wrong_resume_token_takes_over_nothing(token, service):
    url = service.start()
    service.peer(url, clientId="bob")
    assert service.peer(url, clientId="bob", resumeToken=token).id != "bob"


def test_a_resume_token_is_worthless_for_another_id(service):
    url = service.start()
    service.peer(url, clientId="bob")
    eve = service.peer(url, clientId="eve")
    assert service.peer(url, clientId="bob", resumeToken=eve.hello["resumeToken"]).id != "bob"


def test_who_once_had_an_id_cannot_take_it_from_its_later_holder(service):
    url = service.start()
    stranger = service.peer(url, clientId="alice")
    token = stranger.hello["resumeToken"]
    stranger.close()
    alice = service.peer(url, clientId="alice")
    assert alice.id == "alice"
    assert service.peer(url, clientId="alice", resumeToken=token).id != "alice"


def test_a_resume_token_stays_good_over_several_connections(service):
    url = service.start()
    first = service.peer(url, clientId="bob")
    token = first.hello["resumeToken"]
    first.close()
    second = service.peer(url, clientId="bob", resumeToken=token)
    third = service.peer(url, clientId="bob", resumeToken=token)
    assert (second.id, third.id) == ("bob", "bob")
    assert second.close_code() == 4409


@pytest.mark.parametrize(
    ("seconds", "lineage"),
    [
        pytest.param(86_400, "anna's", id="a day later"),
        pytest.param(86_401, None, id="more than a day later"),
        pytest.param(-1, "anna's", id="the clock was set back"),
        pytest.param(-300, "anna's", id="by five minutes"),
        pytest.param(-301, None, id="by more"),
    ],
)
def test_a_resume_token_is_good_for_a_day_and_a_little_before(seconds, lineage, monkeypatch):
    hub = create_app(PIEHUB_SECRET_KEY="for tests").extensions["piehub"]
    monkeypatch.setattr(hub, "clock", CLOCK._replace(now_ms=lambda: 100_000_000))
    token = hub.resume_token("anna", "anna's")
    monkeypatch.setattr(hub, "clock", CLOCK._replace(now_ms=lambda: (100_000 + seconds) * 1000))
    assert hub.lineage("anna", token) == lineage


@pytest.mark.parametrize(
    ("before", "after", "is_good"),
    [
        ({"PIEHUB_SECRET_KEY": "one"}, {"PIEHUB_SECRET_KEY": "one", "SECRET_KEY": "two"}, True),
        ({"SECRET_KEY": "one"}, {"SECRET_KEY": "one"}, True),
        ({"SECRET_KEY": b"\xff"}, {"SECRET_KEY": b"\xff"}, True),
        ({"SECRET_KEY": "one"}, {"SECRET_KEY": "two"}, False),
        ({}, {}, False),
    ],
)
def test_a_resume_token_is_good_after_a_restart_with_the_same_key(before, after, is_good):
    old, new = (create_app(**keys).extensions["piehub"] for keys in (before, after))
    assert new.lineage("anna", old.resume_token("anna", "anna's")) == (
        "anna's" if is_good else None
    )


def test_a_bug_of_the_hub_closes_with_1011_and_is_logged(service, monkeypatch, capsys):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(session.incoming, "search", fail)
    peer = service.peer(service.start())
    peer.say("GetRooms")
    assert peer.close_code() == 1011
    service.stop()
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_protected_room_is_not_remade_without_its_password(service):
    peer = service.peer(service.start(room_cleanup_delay=0), clientId="bob")
    assert "non-existant" in peer.join(make=False, isPasswordProtected=True)["err"]
    answer = peer.join(make=False, isPasswordProtected=True, password="secret")
    assert answer["data"]["isPasswordProtected"] is True


def test_two_newcomers_to_one_dead_id_do_not_both_get_it(service):
    url = service.start(room_cleanup_delay=0)
    silent_holder(service, url, "bob")
    newcomers = [gevent.spawn(service.peer, url, clientId="bob") for _ in range(2)]
    ids = [newcomer.get().id for newcomer in newcomers]
    assert ids.count("bob") == 1


def test_a_together_group_is_flushed_by_its_timer(service):
    url = service.start(room_cleanup_delay=0)
    a, b = service.peer(url), service.peer(url)
    a.join(togetherTimeoutMs=A_WHILE * 1000)
    b.join(togetherTimeoutMs=A_WHILE * 1000)
    a.hear_type("ClientPresenceChanged")
    a.say("Data", subType="Together", togetherId="g", payload=1)
    assert b.hear()["payload"] == 1
    assert a.hear_type("Data")["payload"] == 1


def test_everyone_in_a_room_sees_one_order(service):
    url = service.start(room_cleanup_delay=0, rate_limit=0)
    peers = [service.peer(url) for _ in range(4)]
    for peer in peers:
        peer.join()

    def chatter(peer):
        for number in range(50):
            peer.say("Data", payload=[peer.id, number])

    gevent.joinall([gevent.spawn(chatter, peer) for peer in peers], raise_error=True)
    seen = [[peer.hear_type("Data")["payload"] for _ in range(200)] for peer in peers]
    assert seen.count(seen[0]) == 4
    for peer in peers:
        assert [number for sender, number in seen[0] if sender == peer.id] == list(range(50))


def test_an_id_is_not_free_while_its_holders_hooks_take_their_time(service):
    app = create_app(PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0)
    told = Event()

    def slow(client, room):
        told.wait(PATIENCE)

    app.extensions["piehub"].hooks.on_leave.append(slow)
    url = service.start(app)
    holder = service.peer(url, clientId="bob")
    holder.join()
    owner = service.peer(url, clientId="bob", resumeToken=holder.hello["resumeToken"])
    assert owner.id == "bob"
    assert service.peer(url, clientId="bob").id != "bob"
    told.set()
    assert holder.close_code() == 4409


def test_the_longest_id_and_message_have_space_in_each_part_of_the_smallest_outbox(service):
    limit = 65_536
    url = service.start(outbox_bytes=2 * (limit + 1024), max_members=100, room_cleanup_delay=0)
    member = service.peer(url, clientId="\N{GRINNING FACE}" * 128)
    member.join(history=10)
    frame = '{"type":"Data","messageId":"m","payload":"%s"%s}'
    fill = "x" * (limit - len(frame) + 4)
    for _ in range(2):  # and may be sent again
        member.send(frame % (fill, ""))
        heard = member.hear()
        assert (heard["type"], heard["seq"]) == ("Data", 1)
        assert heard["fromClient"] == "\N{GRINNING FACE}" * 128
    together = ',"subType":"Together"'
    member.send(frame.replace('"m"', '"n"') % (fill[len(together) :], together))
    assert member.hear()["seq"] == 2
