"""The words of recovery: history, recover, messageId, seq."""

import json

import pytest

from piehub.protocol import incoming, outgoing
from piehub.protocol.incoming import BadMessage, Recover

SENDER = outgoing.signature("id-1")


def join(info=b"", rest=b""):
    text = b'{"type":"JoinRoom","roomInfo":{"app":"a","version":"1"%b}%b}' % (info, rest)
    incoming.decode(text)
    return incoming.join(text)


def refusal(info=b"", rest=b""):
    with pytest.raises(BadMessage) as caught:
        join(info, rest)
    assert caught.value.func == "JoinRoom"
    return str(caught.value)


def message_id(value):
    return incoming.message_id(incoming.decode(b'{"type":"Data","messageId":%b}' % value))


def test_a_room_is_made_with_a_history():
    assert join(b',"history":1').room.history == 1
    assert join(b',"history":1000.0').room.history == 1000
    assert join(b',"history":null').room.history is None
    assert join().room.history is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [(b"0", "0"), (b"1001", "1001"), (b"1.5", "1.5"), (b'"5"', "the text '5'"), (b"true", "true")],
)
def test_a_history_that_is_none_is_refused(value, shown):
    assert refusal(b',"history":%b' % value) == (
        f"roomInfo.history must be an integer from 1 to 1000, not {shown}"
    )


def test_a_join_says_from_where_it_recovers():
    assert join(rest=b',"recover":{"epoch":"e","seq":0}').recover == Recover("e", 0)
    assert join(rest=b',"recover":null').recover is None
    assert join().recover is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"7", 'recover must be an object such as {"epoch": "6f1c", "seq": 12}, '),
        (b'{"seq":1}', "recover.epoch must be a non-empty text, not nothing"),
        (b'{"epoch":5,"seq":1}', "recover.epoch must be text, not 5"),
        (b'{"epoch":"e"}', "recover.seq must be an integer of 0 or more, not nothing"),
        (b'{"epoch":"e","seq":-1}', "recover.seq must be an integer of 0 or more, not -1"),
        (b'{"epoch":"e","seq":"1"}', "recover.seq must be an integer of 0 or more, not the text"),
    ],
)
def test_a_recover_that_is_none_is_refused(value, message):
    assert refusal(rest=b',"recover":%b' % value).startswith(message)


def test_a_message_id_is_text_of_up_to_64_characters():
    assert message_id(b'"m"') == "m"
    assert message_id(b'"%b"' % (b"m" * 64)) == "m" * 64
    assert message_id(b"null") is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"5", "messageId must be text, not 5"),
        (b"[]", "messageId must be text, not a list"),
        (b'""', "messageId has 0 characters; between 1 and 64 are allowed"),
        (b'"%b"' % (b"m" * 65), "messageId has 65 characters; between 1 and 64 are allowed"),
    ],
)
def test_a_message_id_that_is_none_is_refused(value, message):
    with pytest.raises(BadMessage, match=message):
        message_id(value)


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"Data","seq":99,"payload":1}',
        b'{"type":"Data","seq":null,"payload":1,"seq":98}',
        b'{"type":"Data","payload":1,"\\u0073eq":99}',
        b'{"type":"Data","payload":1,"time":2,"seq":99,"fromClient":"x"} ',
    ],
)
def test_where_messages_are_numbered_the_senders_own_number_does_not_travel(text):
    head = outgoing.relay_head(text, incoming.decode(text), SENDER)
    sent = outgoing.numbered(outgoing.relay(head, 5), 7)
    pairs = json.loads(sent, object_pairs_hook=list)
    assert pairs[-2:] == [("time", 5), ("seq", 7)]
    assert sorted(key for key, _ in pairs) == ["fromClient", "payload", "seq", "time", "type"]


def test_elsewhere_a_seq_is_a_field_like_any_other():
    text = b'{"type":"Data","seq":99}'
    head = outgoing.relay_head(text, incoming.decode(text), SENDER)
    assert json.loads(outgoing.relay(head, 5))["seq"] == 99


@pytest.mark.parametrize(
    ("text", "is_data"),
    [
        (b'{"type":"Data"}', True),
        (b'{"payload":1,"type":"\\u0044ata"}', True),
        (b'{"type":"Err","message":"Data"}', False),
        (b'{"type":["Data"]}', False),
        (b'{"payload":1}', False),
    ],
)
def test_of_the_apps_own_what_is_data_is_told_by_its_type(text, is_data):
    assert outgoing.is_data(text) is is_data


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"Data",  "payload":[1.00]}',
        b'{"type":"Data",  "payload":[1.00,"\\u0041","seq"], "sequence":1}',
    ],
)
def test_what_says_no_number_keeps_every_letter(text):
    assert outgoing.without_seq(text) == text


def test_a_number_of_the_senders_is_taken_out_and_the_rest_keeps_every_letter():
    assert outgoing.without_seq(b'{"type":"Data","seq":5,"payload":1.00}') == (
        b'{"type":"Data","payload":1.00}'
    )
