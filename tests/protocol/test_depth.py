import json

import pytest

from piehub.protocol.depth import is_deeper


def arrays(depth):
    return b"[" * depth + b"]" * depth


def objects(depth):
    return b'{"a":' * depth + b"1" + b"}" * depth


def mixed(depth):
    return (
        b'[{"a":' * (depth // 2)
        + b"[]" * (depth % 2)
        + b"1" * (1 - depth % 2)
        + (b"}]" * (depth // 2))
    )


@pytest.mark.parametrize("nest", [arrays, objects, mixed])
@pytest.mark.parametrize("limit", [1, 2, 31, 32, 33])
def test_a_text_as_deep_as_the_limit_is_not_deeper_and_one_more_is(nest, limit):
    assert not is_deeper(nest(limit), limit)
    assert is_deeper(nest(limit + 1), limit)


@pytest.mark.parametrize("text", [b"1", b'"text"', b"null", b'"[[[["'])
def test_a_text_without_brackets_is_not_deeper_than_nothing(text):
    assert not is_deeper(text, 0)


def test_one_bracket_is_deeper_than_nothing():
    assert is_deeper(b"[]", 0)
    assert is_deeper(b"{}", 0)


def test_many_brackets_side_by_side_are_not_deep():
    text = b"[" + b",".join([b'{"a":[]}'] * 1000) + b"]"
    assert not is_deeper(text, 3)
    assert is_deeper(text, 2)


def test_the_deepest_branch_counts_wherever_it_stands():
    shallow, deep = b"[[]]", arrays(9)
    for text in (
        b"[%b,%b,%b]" % (deep, shallow, shallow),
        b"[%b,%b,%b]" % (shallow, deep, shallow),
        b"[%b,%b,%b]" % (shallow, shallow, deep),
        b'{"a":%b,"b":[],"c":%b}' % (shallow, deep),
    ):
        assert not is_deeper(text, 10)
        assert is_deeper(text, 9)


@pytest.mark.parametrize(
    "content",
    [
        "[[[[[[[[",
        "]]]]]]]]",
        "{[{[{[{[",
        'a quote " and [[[[[[[[',
        '""[[[[""[[[[""',
        "a backslash \\ and [[[[[[[[",
        "a backslash at the end, after [[[[[[[[ \\",
        '\\"[[[[[[[[\\\\"[[[[[[[[\\\\\\',
        '[[[[\\\\\\"[[[[',
    ],
)
def test_brackets_in_strings_do_not_count(content):
    as_value = json.dumps([[content]]).encode()
    assert not is_deeper(as_value, 2)
    assert is_deeper(as_value, 1)
    as_key = json.dumps({content: {content: 1}}).encode()
    assert not is_deeper(as_key, 2)
    assert is_deeper(as_key, 1)


@pytest.mark.parametrize("content", ["\\", '"', '\\"', '"\\', '\\\\"', "\\\\"])
def test_brackets_after_a_string_with_escapes_do_count(content):
    text = json.dumps([content, [[[]]], content]).encode()
    assert not is_deeper(text, 4)
    assert is_deeper(text, 3)
