import json
import math

import pytest

from piehub.protocol import incoming


def payload(said):
    text = b'{"type":"Data","payload":%b}' % said
    incoming.decode(text)
    return incoming.to_dict(text)["payload"]


def test_a_message_comes_whole_with_the_fields_that_the_hub_does_not_know():
    assert incoming.to_dict(b' {"type":"Data","payload":{"x":[1,2.5,null,true]},"mood":"ok"} ') == {
        "type": "Data",
        "payload": {"x": [1, 2.5, None, True]},
        "mood": "ok",
    }


def test_of_a_key_sent_twice_the_last_one_counts():
    assert payload(b'{"a":1,"a":2}') == {"a": 2}


def test_text_beyond_ascii_comes_as_text():
    assert payload('"é \N{GRINNING FACE} \\ud83d\\ude00"'.encode()) == (
        "é \N{GRINNING FACE} \N{GRINNING FACE}"
    )


def test_a_whole_number_keeps_every_digit():
    digits = "1" + "2" * 3000
    assert payload(digits.encode()) == int(digits)
    assert payload(b"-9007199254740993") == -9007199254740993
    assert type(payload(b"5")) is int


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (b"9" * 5000, math.inf),
        (b"-" + b"9" * 5000, -math.inf),
        (b"9" * 4301, math.inf),
        (b"1e400", math.inf),
        (b"-1e400", -math.inf),
    ],
)
def test_a_number_beyond_all_bounds_can_be_written_again_and_is_infinite_in_javascript(said, value):
    read = payload(said)
    assert type(read) is int
    assert float(json.dumps(read)) == value


def test_a_message_as_deep_as_may_be_comes_whole():
    value = payload(b"[" * 31 + b"]" * 31)
    for _ in range(30):
        (value,) = value
    assert value == []
