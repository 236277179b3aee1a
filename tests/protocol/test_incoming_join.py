import json

import pytest

from piehub.protocol import incoming
from piehub.protocol.incoming import BadMessage, Join, RoomInfo


def ask(info, rest=b""):
    text = b'{"type":"JoinRoom","roomInfo":%b%b}' % (info, rest)
    incoming.decode(text)
    return incoming.join(text)


def ask_with(field):
    return ask(b'{"app":"a","version":"1",%b}' % field)


def refusal(text):
    with pytest.raises(BadMessage) as caught:
        incoming.join(text)
    assert caught.value.func == "JoinRoom"
    return str(caught.value)


def test_a_join_needs_only_app_and_version():
    assert ask(b'{"app":"a","version":"1"}') == Join(
        RoomInfo("a", "1", "default"), make=False, from_hub=False
    )


def test_every_setting_is_read():
    join = ask(
        b'{"app":"a","name":"r","version":"1","maxClients":3,"togetherTimeoutMs":250.5,'
        b'"hidden":true,"password":"secret"}',
        b',"makeRoomIfNonExistant":true',
    )
    room = RoomInfo("a", "1", "r", 3, 250.5, True, "secret")
    assert join == Join(room, make=True, from_hub=False)


def test_a_room_is_told_apart_by_app_name_and_version():
    join = ask(b'{"app":"a","name":"r","version":"1","maxClients":3,"password":"secret"}')
    assert join.room.key == ("a", "r", "1")


def test_a_setting_that_is_null_is_not_set():
    join = ask(
        b'{"app":"a","name":null,"version":"1","maxClients":null,"togetherTimeoutMs":null,'
        b'"hidden":null,"password":null}',
        b',"makeRoomIfNonExistant":null',
    )
    assert join == Join(RoomInfo("a", "1", "default"), make=False, from_hub=False)


def test_an_empty_name_is_a_name():
    assert ask_with(b'"name":""').room.name == ""


def test_false_is_a_setting_too():
    join = ask(b'{"app":"a","version":"1","hidden":false}', b',"makeRoomIfNonExistant":false')
    assert join.room.hidden is False
    assert join.make is False


def test_fields_that_the_hub_does_not_know_are_no_error():
    assert ask_with(b'"colour":[1]') == ask(b'{"app":"a","version":"1"}', b',"mood":{}')


def test_of_a_setting_sent_twice_the_last_one_counts():
    assert ask_with(b'"maxClients":1,"maxClients":2').room.max_clients == 2


def test_an_empty_password_is_none():
    assert ask_with(b'"password":""').room.password is None


def test_a_password_does_not_show_when_a_room_is_printed():
    join = ask_with(b'"password":"secret"')
    assert join.room.password == "secret"
    assert "secret" not in repr(join)
    assert "secret" not in repr(join.room)


@pytest.mark.parametrize(
    ("said", "from_hub"),
    [(b"true", False), (b"false", True), (b"null", False), (b'"true"', False), (b"1", False)],
)
def test_only_a_hub_says_whether_a_room_is_password_protected(said, from_hub):
    assert ask_with(b'"isPasswordProtected":%b' % said).from_hub is from_hub


@pytest.mark.parametrize(("said", "from_hub"), [(b"true", True), (b"false", False)])
def test_what_a_hub_said_of_a_protected_room_comes_back_with_its_password(said, from_hub):
    join = ask_with(b'"password":"secret","isPasswordProtected":%b' % said)
    assert join.from_hub is from_hub


@pytest.mark.parametrize(
    ("said", "read"), [(b"1", 1), (b"5.0", 5), (b"1e3", 1000), (b"9007199254740991", 2**53 - 1)]
)
def test_a_whole_number_is_one_however_it_is_written(said, read):
    most = ask_with(b'"maxClients":%b' % said).room.max_clients
    assert most == read
    assert type(most) is int


@pytest.mark.parametrize(("said", "read"), [(b"0.001", 0.001), (b"1", 1), (b"600000", 600_000)])
def test_a_together_timeout_may_be_any_number_up_to_ten_minutes(said, read):
    assert ask_with(b'"togetherTimeoutMs":%b' % said).room.together_timeout_ms == read


@pytest.mark.parametrize("field", ["app", "name", "version", "password"])
@pytest.mark.parametrize("letter", ["x", "\N{GRINNING FACE}"])
def test_a_text_may_have_200_characters_and_no_more(field, letter):
    info = {"app": "a", "version": "1", field: letter * 200}
    ask(json.dumps(info, ensure_ascii=False).encode())
    info[field] += letter
    message = refusal(json.dumps({"roomInfo": info}, ensure_ascii=False).encode())
    assert message == f"roomInfo.{field} has 201 characters; at most 200 are allowed"


@pytest.mark.parametrize(
    ("info", "found"),
    [
        (b"null", "nothing"),
        (b'"lobby"', "the text 'lobby'"),
        (b'["lobby"]', "a list"),
        (b"5", "5"),
        (b"true", "true"),
        (b"false", "false"),
    ],
)
def test_a_join_without_a_room_info_is_told_what_one_looks_like(info, found):
    assert refusal(b'{"type":"JoinRoom","roomInfo":%b}' % info) == (
        'JoinRoom needs roomInfo, an object such as {"app": "chat", "version": "1.0.0", '
        f'"name": "lobby"}}, not {found}'
    )


def test_a_join_that_says_nothing_is_told_what_a_room_info_looks_like():
    assert refusal(b'{"type":"JoinRoom"}').endswith('"name": "lobby"}, not nothing')


WRONG = [
    (b'"app":null', "roomInfo.app must be a non-empty text, not nothing"),
    (b'"app":""', "roomInfo.app must be a non-empty text, not the text ''"),
    (b'"app":5', "roomInfo.app must be text, not 5"),
    (b'"app":{"a":1}', "roomInfo.app must be text, not an object"),
    (b'"version":null', "roomInfo.version must be a non-empty text, not nothing"),
    (b'"version":""', "roomInfo.version must be a non-empty text, not the text ''"),
    (b'"version":1.5', "roomInfo.version must be text, not 1.5"),
    (b'"version":1e300', "roomInfo.version must be text, not a huge number"),
    (b'"version":-1e300', "roomInfo.version must be text, not a huge number"),
    (b'"version":%b' % (b"9" * 400), "roomInfo.version must be text, not a huge number"),
    (b'"name":["r"]', "roomInfo.name must be text, not a list"),
    (b'"name":false', "roomInfo.name must be text, not false"),
    (b'"maxClients":0', "roomInfo.maxClients must be an integer of 1 or more, not 0"),
    (b'"maxClients":-3', "roomInfo.maxClients must be an integer of 1 or more, not -3"),
    (b'"maxClients":2.5', "roomInfo.maxClients must be an integer of 1 or more, not 2.5"),
    (b'"maxClients":"2"', "roomInfo.maxClients must be an integer of 1 or more, not the text '2'"),
    (b'"maxClients":true', "roomInfo.maxClients must be an integer of 1 or more, not true"),
    (b'"maxClients":[]', "roomInfo.maxClients must be an integer of 1 or more, not a list"),
    (
        b'"maxClients":9007199254740992',
        "roomInfo.maxClients must be an integer from 1 to 9007199254740991, not 9.0072e+15",
    ),
    (
        b'"maxClients":1e300',
        "roomInfo.maxClients must be an integer from 1 to 9007199254740991, not a huge number",
    ),
    (
        b'"togetherTimeoutMs":0',
        "roomInfo.togetherTimeoutMs must be a number of milliseconds above 0 and at most 600000,"
        " not 0",
    ),
    (
        b'"togetherTimeoutMs":-0.5',
        "roomInfo.togetherTimeoutMs must be a number of milliseconds above 0 and at most 600000,"
        " not -0.5",
    ),
    (
        b'"togetherTimeoutMs":600001',
        "roomInfo.togetherTimeoutMs must be a number of milliseconds above 0 and at most 600000,"
        " not 600001",
    ),
    (
        b'"togetherTimeoutMs":"100"',
        "roomInfo.togetherTimeoutMs must be a number of milliseconds above 0 and at most 600000,"
        " not the text '100'",
    ),
    (b'"hidden":1', "roomInfo.hidden must be true or false, not 1"),
    (b'"hidden":"true"', "roomInfo.hidden must be true or false, not the text 'true'"),
    (
        b'"hidden":"%b"' % (b"x" * 40),
        f"roomInfo.hidden must be true or false, not the text '{'x' * 40}'",
    ),
    (b'"hidden":"%b"' % (b"x" * 41), "roomInfo.hidden must be true or false, not a long text"),
]


@pytest.mark.parametrize(("field", "message"), WRONG)
def test_a_setting_of_another_type_is_refused_with_what_would_be_right(field, message):
    text = b'{"type":"JoinRoom","roomInfo":{"app":"a","version":"1",%b}}' % field
    assert refusal(text) == message


@pytest.mark.parametrize("field", ["app", "version"])
def test_a_room_without_an_app_or_a_version_is_refused(field):
    other = {"app": "version", "version": "app"}[field]
    assert refusal(b'{"roomInfo":{"%b":"x"}}' % other.encode()) == (
        f"roomInfo.{field} must be a non-empty text, not nothing"
    )


@pytest.mark.parametrize("said", ["73577357", "true", '["73577357"]', '{"73577357":"73577357"}'])
def test_a_password_of_another_type_is_refused_and_never_shown(said):
    text = f'{{"roomInfo":{{"app":"a","version":"1","password":{said}}}}}'
    assert refusal(text.encode()) == "roomInfo.password must be text"


def test_a_password_that_is_too_long_is_refused_and_never_shown():
    text = f'{{"roomInfo":{{"app":"a","version":"1","password":"{"secret" * 40}"}}}}'
    assert "secret" not in refusal(text.encode())


def test_whether_to_make_the_room_must_be_said_with_true_or_false():
    text = b'{"roomInfo":{"app":"a","version":"1"},"makeRoomIfNonExistant":"yes"}'
    assert refusal(text) == "makeRoomIfNonExistant must be true or false, not the text 'yes'"


@pytest.mark.parametrize("number", [b"1e400", b"1" * 5000], ids=["float", "integer"])
def test_a_join_with_a_number_that_nothing_holds_is_refused_by_name(number):
    message = refusal(b'{"roomInfo":{"app":"a","version":"1","maxClients":%b}}' % number)
    assert message.startswith("A number that the hub reads is beyond what any computer holds")
