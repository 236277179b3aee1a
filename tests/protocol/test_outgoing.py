import json
import math

import pytest

from piehub.protocol import outgoing
from piehub.protocol.incoming import RoomInfo

TIME = 1_700_000_000_123


def test_a_client_is_told_its_id_and_the_hubs_version():
    assert outgoing.server_assigned("id-1", "1.2.3", None, "token") == (
        b'{"type":"ServerAssignedData","clientId":"id-1","serverVersion":"1.2.3",'
        b'"resumeToken":"token"}'
    )


def test_a_client_is_told_the_host_apps_version_where_there_is_one():
    assert outgoing.server_assigned("id-1", "1.2.3", "0.1", "token") == (
        b'{"type":"ServerAssignedData","clientId":"id-1","serverVersion":"1.2.3",'
        b'"hostAppVersion":"0.1","resumeToken":"token"}'
    )


@pytest.mark.parametrize(("present", "text"), [(True, b"true"), (False, b"false")])
def test_presence_lists_the_clients_in_order_and_says_whether_one_came_or_went(present, text):
    clients = {"b": 1, "a": 2}.keys()
    assert outgoing.presence(clients, TIME, present=present) == (
        b'{"type":"ClientPresenceChanged","clients":["b","a"],"time":1700000000123,"present":%b}'
        % text
    )


def test_a_promise_is_kept():
    assert outgoing.resolve("EnterMatchmaking", {"queued": True}) == (
        b'{"type":"ResolvePromise","func":"EnterMatchmaking","data":{"queued":true}}'
    )


def test_a_promise_is_refused():
    assert outgoing.reject("JoinRoom", 'no "room"') == (
        b'{"type":"RejectPromise","func":"JoinRoom","err":"no \\"room\\""}'
    )


def test_an_error_has_a_message():
    assert outgoing.err("é no") == '{"type":"Err","message":"é no"}'.encode()


def test_rooms_are_a_list():
    assert outgoing.rooms({"rooms": []}) == b'{"type":"Rooms","rooms":[]}'
    assert outgoing.rooms({"rooms": [{"app": "a", "name": "r", "version": "1"}], "more": True}) == (
        b'{"type":"Rooms","rooms":[{"app":"a","name":"r","version":"1"}],"more":true}'
    )


@pytest.mark.parametrize("value", [{}, [1, "a"], {"é": 'ten "quotes"'}])
def test_a_length_is_that_of_the_text_in_a_message(value):
    text = outgoing.stats({"value": value})
    assert outgoing.length(value) == len(text) - len(outgoing.stats({"value": 1})) + 1


def test_stats_are_an_object():
    assert outgoing.stats({"err": "no"}) == b'{"type":"GetStats","stats":{"err":"no"}}'


def test_a_match_is_found_in_a_room_with_its_clients():
    info = RoomInfo("a", "1", "match-1", hidden=True)
    assert outgoing.match_found(info, ["x", "y"]) == (
        b'{"type":"MatchFound","roomInfo":{"app":"a","version":"1","name":"match-1",'
        b'"hidden":true},"clients":["x","y"]}'
    )


def test_a_joined_room_without_settings_has_none():
    assert outgoing.joined(RoomInfo("a", "1", "r")) == {
        "app": "a",
        "name": "r",
        "version": "1",
        "isPasswordProtected": False,
    }


def test_a_joined_room_has_its_settings_and_never_its_password():
    assert outgoing.joined(RoomInfo("a", "1", "r", 3, 250.5, False, "secret")) == {
        "app": "a",
        "name": "r",
        "version": "1",
        "maxClients": 3,
        "togetherTimeoutMs": 250.5,
        "hidden": False,
        "isPasswordProtected": True,
    }


def test_the_servers_own_data_has_a_payload_and_a_time():
    assert outgoing.room_data({"x": [1, None]}, TIME) == (
        b'{"type":"Data","payload":{"x":[1,null]},"time":1700000000123}'
    )


@pytest.mark.parametrize("sender", ["id-1", ""])
def test_the_servers_own_data_may_seem_to_come_from_a_client(sender):
    assert json.loads(outgoing.room_data(None, TIME, sender)) == {
        "type": "Data",
        "payload": None,
        "fromClient": sender,
        "time": TIME,
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": [True, None]}, b'{"a":1,"b":[true,null]}'),
        ((1, 2), b"[1,2]"),
        ({5: "int keys"}, b'{"5":"int keys"}'),
        (2**70, b"1180591620717411303424"),
        ("é", b'"\xc3\xa9"'),
    ],
)
def test_what_a_developer_hands_over_becomes_json(value, text):
    assert outgoing.json_text(value) == text


def test_half_a_character_is_a_value_error():
    with pytest.raises(ValueError, match="surrogates not allowed"):
        outgoing.json_text({"payload": "\ud800"})


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object(), {"deep": [{1}]}, {(1, 2): 3}])
def test_what_json_has_no_words_for_is_a_type_error(value):
    with pytest.raises(TypeError):
        outgoing.json_text(value)
    with pytest.raises(TypeError):
        outgoing.room_data(value, TIME)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [{"deep": math.nan}]])
def test_a_number_that_json_has_no_words_for_is_a_value_error(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        outgoing.json_text(value)
    with pytest.raises(ValueError, match="not JSON compliant"):
        outgoing.room_data(value, TIME)


def test_what_is_too_deep_to_be_written_is_a_value_error():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deep"):
        outgoing.json_text(value)


def test_a_list_in_itself_is_a_value_error():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="Circular reference"):
        outgoing.json_text(value)
