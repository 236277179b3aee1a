import json

import pytest

from piehub.protocol import incoming, outgoing

TIME = 1_700_000_000_123
REAL = outgoing.signature("id-1")


def relayed(text):
    head = outgoing.relay_head(text, incoming.decode(text), REAL)
    return outgoing.relay(head, TIME)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"Data","payload":1',
        b'{ "type" : "Data" ,\n\t"payload" : [ 1 , 2 ]',
        b'{"type":"Data","payload":123456789012345678901234567890.10e+5',
        b'{"type":"Data","payload":1e400,"n":-0.0',
        b'{"type":"Data","payload":%b' % (b"9" * 5000),
        b'{"type":"Data","payload":"\\u0041\\/\\n \\ud83d\\ude00"',
        '{"type":"Data","payload":"é \N{GRINNING FACE}"'.encode(),
        b'{"type":"Data","payload":{},"mood":"fine","togetherId":5.0,"subType":"Together"',
        b'{"type":"Data","payload":1,"payload":2',
        b'{"type":"Data","payload":{"fromClient":"x","time":1}',
        b'{"type":"Data","payload":"}"',
    ],
)
def test_every_field_travels_as_it_was_written(body):
    assert relayed(body + b"}") == body + b',"fromClient":"id-1","time":1700000000123}'


@pytest.mark.parametrize("around", [b"", b" ", b"\n", b"\r\n\t "])
def test_whitespace_around_a_message_does_no_harm(around):
    text = relayed(around + b'{"type":"Data"}' + around)
    assert text == around + b'{"type":"Data","fromClient":"id-1","time":1700000000123}'


@pytest.mark.parametrize(
    "lie",
    [
        b'"fromClient":"x"',
        b'"fromClient":null',
        b'"time":5',
        b'"time":null',
        b'"time":5,"fromClient":{"a":["x"]}',
        b'"fromClient":"x","fromClient":"y"',
        b'"time":1,"fromClient":"x","time":2,"time":3',
        b'"from\\u0043lient":"x"',
        b'"\\u0074ime":5',
        b'"t\\u0069me":5,"time":6,"from\\u0043lient":"x","fromClient":"y"',
    ],
)
def test_the_sender_and_the_time_are_set_by_the_hub_whatever_the_sender_wrote(lie):
    for text in (
        b'{"type":"Data",%b,"payload":1}' % lie,
        b'{%b,"type":"Data","payload":1}' % lie,
        b'{"type":"Data","payload":1,%b}\n' % lie,
    ):
        pairs = json.loads(relayed(text), object_pairs_hook=list)
        assert pairs == [("type", "Data"), ("payload", 1), ("fromClient", "id-1"), ("time", TIME)]


@pytest.mark.parametrize(
    "payload",
    [
        b"123456789012345678901234567890.10e+5",
        b"1e400",
        b"9" * 5000,
        b'{ "a" : [ 1 ,2 ],"a":3,"time":7,"fromClient":"z" }',
        b'"\\u0041\\/"',
    ],
)
def test_the_other_fields_stay_to_the_letter_when_a_lie_is_taken_out(payload):
    text = relayed(b'{"type":"Data","fromClient":"x","payload":%b,"mood":"ok"}' % payload)
    assert text == (
        b'{"type":"Data","payload":%b,"mood":"ok","fromClient":"id-1","time":1700000000123}'
        % payload
    )


def test_keys_beyond_ascii_survive_when_a_lie_is_taken_out():
    text = relayed('{"type":"Data","é":1,"\\ud83d\\ude00":2,"a\\"b":3,"time":0}'.encode())
    assert json.loads(text) == {
        "type": "Data",
        "é": 1,
        "\N{GRINNING FACE}": 2,
        'a"b': 3,
        "fromClient": "id-1",
        "time": TIME,
    }


def test_the_senders_id_is_put_in_as_the_json_text_that_it_is():
    text = b'{"type":"Data"}'
    head = outgoing.relay_head(text, incoming.decode(text), outgoing.signature('a"b'))
    assert json.loads(outgoing.relay(head, TIME))["fromClient"] == 'a"b'


def test_one_head_can_be_ended_with_any_time():
    head = b'{"type":"Data","fromClient":"id-1"'
    assert outgoing.relay(head, 5) == head + b',"time":5}'
    assert outgoing.relay(head, TIME) == head + b',"time":1700000000123}'
