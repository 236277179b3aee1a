"""Whom a message is for: whisperClientIds and togetherId."""

import pytest

from piehub.protocol import incoming
from piehub.protocol.incoming import BadMessage

NEEDS_IDS = 'A Whisper needs whisperClientIds, a list of client ids such as ["id-1", "id-2"]'


def ids(said):
    return incoming.whisper_ids(incoming.decode(b'{"type":"Data","whisperClientIds":%b}' % said))


def group(said):
    return incoming.together_group(incoming.decode(b'{"type":"Data","togetherId":%b}' % said))


@pytest.mark.parametrize(
    ("said", "read"), [(b"[]", []), (b'["a"]', ["a"]), (b'["b","a","b",""]', ["b", "a", "b", ""])]
)
def test_a_whisper_names_clients_in_a_list(said, read):
    assert ids(said) == read


@pytest.mark.parametrize(
    "said", [b"null", b'"a"', b"5", b'{"a":1}', b"[1]", b'["a",null]', b'["a",["b"]]', b"true"]
)
def test_a_whisper_that_names_clients_in_another_way_is_told_the_right_one(said):
    with pytest.raises(BadMessage) as caught:
        ids(said)
    assert str(caught.value) == NEEDS_IDS
    assert caught.value.func is None


def test_a_whisper_that_names_nobody_is_told_the_right_way():
    with pytest.raises(BadMessage) as caught:
        incoming.whisper_ids(incoming.decode(b'{"type":"Data","subType":"Whisper"}'))
    assert str(caught.value) == NEEDS_IDS


def test_a_whisper_names_1000_clients_at_most():
    assert ids(b"[" + b",".join([b'"a"'] * 1000) + b"]") == ["a"] * 1000
    with pytest.raises(BadMessage, match=r"^A Whisper names at most 1000 clients, not 1001$"):
        ids(b"[" + b",".join([b'"a"'] * 1001) + b"]")


@pytest.mark.parametrize("text", [b'{"type":"Data"}', b'{"type":"Data","togetherId":null}'])
def test_a_together_message_without_an_id_has_no_name_for_its_group(text):
    assert incoming.together_group(incoming.decode(text)) is None


@pytest.mark.parametrize(
    "text", ["", "g", "None", "null", "undefined", "05", "5.0", "\N{GRINNING FACE}"]
)
def test_a_together_id_that_is_text_is_taken_to_the_letter(text):
    assert group(f'"{text}"'.encode()) == text


@pytest.mark.parametrize(("said", "text"), [(b"true", "true"), (b"false", "false")])
def test_a_boolean_together_id_is_the_group_that_its_text_names(said, text):
    assert group(said) == group(f'"{text}"'.encode()) == text


# What String(number) gives in JavaScript (ECMA-262, Number::toString).
JAVASCRIPT = [
    ("5", "5"),
    ("5.0", "5"),
    ("5e0", "5"),
    ("0", "0"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("0e9", "0"),
    ("-1", "-1"),
    ("-1.5", "-1.5"),
    ("0.1", "0.1"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("100", "100"),
    ("1e2", "100"),
    ("1.0e20", "100000000000000000000"),
    ("1e16", "10000000000000000"),
    ("12345678.9", "12345678.9"),
    ("123456789012345680000", "123456789012345680000"),
    ("123456789012345678901", "123456789012345680000"),
    ("9007199254740993", "9007199254740992"),
    ("18446744073709551616", "18446744073709552000"),
    ("999999999999999900000", "999999999999999900000"),
    ("999999999999999999999", "1e+21"),
    ("1e21", "1e+21"),
    ("1000000000000000000000", "1e+21"),
    ("-1e21", "-1e+21"),
    ("1.5e21", "1.5e+21"),
    ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ("0.000001", "0.000001"),
    ("1e-6", "0.000001"),
    ("-1e-6", "-0.000001"),
    ("1.5e-6", "0.0000015"),
    ("0.00001", "0.00001"),
    ("0.0000001", "1e-7"),
    ("1e-7", "1e-7"),
    ("-1e-7", "-1e-7"),
    ("1.5e-7", "1.5e-7"),
    ("9.99e-7", "9.99e-7"),
    ("1e-10", "1e-10"),
    ("5e-324", "5e-324"),
    ("1e-400", "0"),
    ("1" * 400, "Infinity"),
    ("-" + "1" * 400, "-Infinity"),
]


@pytest.mark.parametrize(("said", "text"), JAVASCRIPT, ids=[said[:24] for said, _ in JAVASCRIPT])
def test_a_number_is_the_group_that_javascript_would_print(said, text):
    assert group(said.encode()) == text


def test_numbers_that_are_equal_are_one_group_with_their_text():
    assert group(b"5") == group(b"5.0") == group(b'"5"') == group(b"0.5e1")
    assert group(b"5") != group(b'"5.0"')


@pytest.mark.parametrize(
    ("said", "found"), [(b"{}", "an object"), (b'{"a":1}', "an object"), (b"[5]", "a list")]
)
def test_a_together_id_that_is_no_single_value_is_refused(said, found):
    with pytest.raises(BadMessage) as caught:
        group(said)
    assert str(caught.value) == f"togetherId must be text, a number or a boolean, not {found}"
    assert caught.value.func is None


def test_a_together_id_may_have_200_characters_and_no_more():
    assert group(b'"%b"' % (b"x" * 200)) == "x" * 200
    with pytest.raises(BadMessage) as caught:
        group(b'"%b"' % (b"x" * 201))
    assert str(caught.value) == "togetherId has 201 characters; at most 200 are allowed"
