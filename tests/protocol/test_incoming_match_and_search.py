import pytest

from piehub.protocol import incoming
from piehub.protocol.incoming import BadMessage, Match, Search


def refusal(read, text):
    with pytest.raises(BadMessage) as caught:
        read(text)
    return str(caught.value), caught.value.func


def test_a_match_is_wanted_by_app_version_and_size():
    text = b'{"type":"EnterMatchmaking","app":"a","version":"1","matchSize":2}'
    assert incoming.match(text) == Match("a", "1", 2)


@pytest.mark.parametrize("rating", [b"1500", b"null", b'"high"', b"{}"])
def test_a_rating_is_taken_and_makes_no_difference(rating):
    text = b'{"app":"a","version":"1","matchSize":4,"rating":%b}' % rating
    assert incoming.match(text) == Match("a", "1", 4)


def test_a_match_size_written_as_a_fraction_is_the_same_size():
    match = incoming.match(b'{"app":"a","version":"1","matchSize":2.0}')
    assert match == Match("a", "1", 2)
    assert type(match.match_size) is int


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (b'"app":"a","version":"1"', "matchSize must be an integer of 2 or more, not nothing"),
        (
            b'"app":"a","version":"1","matchSize":null',
            "matchSize must be an integer of 2 or more, not nothing",
        ),
        (
            b'"app":"a","version":"1","matchSize":1',
            "matchSize must be an integer of 2 or more, not 1",
        ),
        (
            b'"app":"a","version":"1","matchSize":2.5',
            "matchSize must be an integer of 2 or more, not 2.5",
        ),
        (
            b'"app":"a","version":"1","matchSize":"2"',
            "matchSize must be an integer of 2 or more, not the text '2'",
        ),
        (
            b'"app":"a","version":"1","matchSize":true',
            "matchSize must be an integer of 2 or more, not true",
        ),
        (b'"version":"1","matchSize":2', "app must be a non-empty text, not nothing"),
        (b'"app":"","version":"1","matchSize":2', "app must be a non-empty text, not the text ''"),
        (b'"app":5,"version":"1","matchSize":2', "app must be text, not 5"),
        (b'"app":"a","matchSize":2', "version must be a non-empty text, not nothing"),
        (b'"app":"a","version":1,"matchSize":2', "version must be text, not 1"),
        (
            b'"app":"%b","version":"1","matchSize":2' % (b"a" * 201),
            "app has 201 characters; at most 200 are allowed",
        ),
    ],
)
def test_a_match_that_cannot_be_is_refused_by_name(fields, message):
    assert refusal(incoming.match, b"{%b}" % fields) == (message, "EnterMatchmaking")


def test_a_match_with_a_number_that_nothing_holds_is_refused_by_name():
    message, func = refusal(incoming.match, b'{"app":"a","version":"1","matchSize":1e400}')
    assert message.startswith("A number that the hub reads is beyond what any computer holds")
    assert func == "EnterMatchmaking"


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"GetRooms"}',
        b'{"roomInfo":null}',
        b'{"roomInfo":{}}',
        b'{"roomInfo":{"app":null,"name":null,"version":null},"details":null}',
        b'{"roomInfo":{"app":"","name":"","version":""},"details":false}',
    ],
)
def test_a_search_that_names_nothing_matches_all(text):
    assert incoming.search(text) == Search("", "", "", details=False)


def test_a_search_is_for_app_name_and_version_with_details_if_asked_for():
    text = b'{"roomInfo":{"app":"a","name":"r","version":"1."},"details":true}'
    assert incoming.search(text) == Search("a", "r", "1.", details=True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            b'"roomInfo":"chat"',
            'GetRooms takes roomInfo as an object such as {"app": "chat"}, not the text \'chat\'',
        ),
        (
            b'"roomInfo":[]',
            'GetRooms takes roomInfo as an object such as {"app": "chat"}, not a list',
        ),
        (
            b'"roomInfo":false',
            'GetRooms takes roomInfo as an object such as {"app": "chat"}, not false',
        ),
        (b'"roomInfo":{"app":5}', "roomInfo.app must be text, not 5"),
        (b'"roomInfo":{"name":{}}', "roomInfo.name must be text, not an object"),
        (b'"roomInfo":{"version":1}', "roomInfo.version must be text, not 1"),
        (
            b'"roomInfo":{"version":"%b"}' % (b"1" * 201),
            "roomInfo.version has 201 characters; at most 200 are allowed",
        ),
        (b'"details":"yes"', "details must be true or false, not the text 'yes'"),
        (b'"details":1', "details must be true or false, not 1"),
    ],
)
def test_a_search_that_cannot_be_is_refused_and_no_promise_waits_on_it(fields, message):
    assert refusal(incoming.search, b"{%b}" % fields) == (message, None)
