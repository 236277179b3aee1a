import pytest

from piehub.protocol import incoming
from piehub.protocol.incoming import BadMessage

BEYOND = "A number that the hub reads is beyond what any computer holds: 1.8e308 is the most"
NO_OBJECT = 'A message is a JSON object such as {"type": "Data", "payload": 1}: '
TOO_DEEP = "The message is nested too deep: at most 32 arrays and objects in each other"
HALF_A_PAIR = (
    "The message holds half a surrogate pair, which is no character: "
    "a \\ud800 to \\udfff without its other half"
)


def refusal(text):
    with pytest.raises(BadMessage) as caught:
        incoming.decode(text)
    return str(caught.value), caught.value.func


def test_the_fields_that_the_hub_reads_come_out_as_values():
    envelope = incoming.decode(
        b'{"type": "Data", "payload": {"x": 1}, "subType": "Whisper", "togetherId": 5,'
        b' "whisperClientIds": ["a"]}'
    )
    assert envelope.type == "Data"
    assert envelope.subType == "Whisper"
    assert envelope.togetherId == 5
    assert envelope.whisperClientIds == ["a"]


def test_fields_that_were_not_sent_are_none():
    envelope = incoming.decode(b'{"type": "LeaveRoom"}')
    assert envelope.subType is None
    assert envelope.togetherId is None
    assert envelope.whisperClientIds is None


@pytest.mark.parametrize("text", [b' \t\r\n{"type":"Data"}', b'{"type":"Data"} \t\r\n'])
def test_whitespace_around_a_message_is_fine(text):
    assert incoming.decode(text).type == "Data"


def test_of_a_field_sent_twice_the_last_one_counts():
    assert incoming.decode(b'{"type":"Data","type":"JoinRoom"}').type == "JoinRoom"


def test_a_key_spelt_with_escapes_is_the_same_key():
    assert incoming.decode(b'{"\\u0074ype":"Data"}').type == "Data"


@pytest.mark.parametrize(
    "text",
    [
        b" ",
        b"{",
        b"{nope",
        b"nope",
        b"{'type':'Data'}",
        b'{"type":"Data"',
        b'{"type":"Data",}',
        b'{"type":"Data"} x',
        b'{"type":"Data"}{"type":"Data"}',
        b'{"payload":NaN}',
        b'{"payload":Infinity}',
        b'{"payload":01}',
        b'{"payload":.5}',
        b'{"payload":1.}',
        b'{"payload":[1,]}',
        b'{"payload":"\\x"}',
        b'{"payload":"a\nb"}',
        b'{"fromClient":nope}',
        b'\xef\xbb\xbf{"type":"Data"}',
    ],
)
def test_a_text_that_is_not_json_is_refused(text):
    message, func = refusal(text)
    assert message.startswith("The message is not JSON: ")
    assert func is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"[1]", "array"),
        (b"null", "null"),
        (b'"Data"', "str"),
        (b"5", "int"),
        (b"1.5", "float"),
        (b"true", "bool"),
    ],
)
def test_json_that_is_no_object_is_refused(text, found):
    assert refusal(text) == (f"{NO_OBJECT}Expected `object`, got `{found}`", None)


def test_an_empty_text_is_refused_as_such():
    assert refusal(b"") == (
        'The message is empty; a message is a JSON object such as {"type": "Data", "payload": 1}',
        None,
    )


@pytest.mark.parametrize(
    "number", [b"1e400", b"-1e400", b"1" * 5000], ids=["most", "least", "long"]
)
@pytest.mark.parametrize("field", [b"subType", b"togetherId", b"messageId", b"whisperClientIds"])
def test_a_number_that_nothing_holds_is_refused_where_the_hub_reads_it(field, number):
    message, func = refusal(b'{"type":"Data","%b":%b}' % (field, number))
    assert message == BEYOND
    assert func is None


@pytest.mark.parametrize(
    "number",
    [b"1e400", b"-1e400", b"1" * 5000, b"0." + b"1" * 5000],
    ids=["most", "least", "long", "fine"],
)
def test_any_number_is_fine_where_the_hub_only_passes_it_on(number):
    assert incoming.decode(b'{"type":"Data","payload":%b}' % number).type == "Data"


def nested(kind, levels):
    return b'{"type":"%b","payload":%b%b}' % (kind, b"[" * levels, b"]" * levels)


def test_a_message_may_nest_as_deep_as_the_limit():
    assert incoming.decode(nested(b"Data", 31)).type == "Data"


@pytest.mark.parametrize("levels", [32, 500, 20_000])
def test_a_message_nested_deeper_than_the_limit_is_refused(levels):
    assert refusal(nested(b"Data", levels)) == (TOO_DEEP, None)


@pytest.mark.parametrize("kind", ["JoinRoom", "EnterMatchmaking", "LeaveMatchmaking"])
@pytest.mark.parametrize("levels", [32, 20_000])
def test_a_promise_nested_too_deep_is_refused_by_name(kind, levels):
    assert refusal(nested(kind.encode(), levels)) == (TOO_DEEP, kind)


@pytest.mark.parametrize("levels", [32, 1500, 20_000])
def test_too_deep_a_message_with_half_a_surrogate_pair_before_that_is_refused(levels):
    text = nested(b"JoinRoom", levels).replace(b"{", b'{"\\ud800":1,')
    message, func = refusal(text)
    assert message == (HALF_A_PAIR if levels == 32 else TOO_DEEP)
    assert func == "JoinRoom"


def test_too_deep_a_message_whose_type_is_no_text_is_refused_without_a_name():
    deep = b"[" * 32 + b"]" * 32
    assert refusal(b'{"type":%b}' % deep) == (TOO_DEEP, None)


def test_brackets_in_a_payloads_text_are_not_nesting():
    assert incoming.decode(b'{"type":"Data","payload":"%b"}' % (b"[" * 100)).type == "Data"


@pytest.mark.parametrize(
    "half",
    [
        b"\\ud800",
        b"\\uDBFF",
        b"\\udc00",
        b"\\uDfFf",
        b"a\\ud83dz",
        b"\\ud83d\\n",
        b"\\ud83d\\ud83d",
        b"\\ud83d\\ud83d\\ude00",
        b"\\ud83d\\ude00\\ude00",
        b"\\ude00\\ud83d",
    ],
)
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(half):
    assert refusal(b'{"type":"Data","payload":"%b"}' % half) == (HALF_A_PAIR, None)
    assert refusal(b'{"type":"Data","%b":1}' % half) == (HALF_A_PAIR, None)
    assert refusal(b'{"type":"Data","fromClient":"%b"}' % half) == (HALF_A_PAIR, None)
    assert refusal(b'{"type":"Data","togetherId":"%b"}' % half) == (HALF_A_PAIR, None)


@pytest.mark.parametrize("pair", [b"\\ud83d\\ude00", b"\\uD800\\uDC00", b"\\uDBFF\\uDFFF"])
def test_a_whole_surrogate_pair_is_a_character(pair):
    envelope = incoming.decode(b'{"type":"Data","togetherId":"%b%b"}' % (pair, pair))
    assert len(envelope.togetherId) == 2


def test_a_whole_surrogate_pair_is_not_blamed_for_another_fault():
    message, _ = refusal(b'{"type":"Data","payload":"\\ud83d\\ude00",}')
    assert message.startswith("The message is not JSON: ")


@pytest.mark.parametrize("kind", ["JoinRoom", "EnterMatchmaking", "LeaveMatchmaking"])
@pytest.mark.parametrize("colon", [":", " : "])
def test_a_promise_with_half_a_surrogate_pair_is_refused_by_name(kind, colon):
    text = f'{{"roomInfo":{{"name":"\\ud800"}},"type"{colon}"{kind}"}}'.encode()
    assert refusal(text) == (HALF_A_PAIR, kind)


def test_half_a_surrogate_pair_without_a_type_is_refused_without_a_name():
    assert refusal(b'{"payload":"\\ud800"}') == (HALF_A_PAIR, None)


def test_an_escaped_backslash_before_ud800_is_no_surrogate():
    assert incoming.decode(b'{"type":"Data","payload":"\\\\ud800"}').type == "Data"


def test_whether_the_type_is_a_known_one_is_left_to_whoever_handles_it():
    envelope = incoming.decode(b'{"type":5}')
    assert envelope.type == 5
    assert incoming.decode(b"{}").type is None


def test_a_type_within_a_payload_is_not_taken_for_the_messages_own():
    with pytest.raises(BadMessage) as refused:
        incoming.decode(rb'{"payload":{"type":"JoinRoom","x":"\ud800"},"type":"Data"}')
    assert refused.value.func is None
