"""`flask pie send`."""

import pytest

from tests.commands.conftest import TOKEN
from tests.commands.test_rooms import told

ROOM = ["--app", "chat", "--version", "1.0.0", "--name", "lobby"]


@pytest.fixture
def send(pie, fake):
    def run(*words, room=ROOM, **options):
        return pie("send", "--url", fake.url, "--token", TOKEN, *room, *words, **options)

    return run


@pytest.mark.parametrize(("count", "text"), [(0, "0 clients hear it"), (1, "1 client hears it")])
def test_how_many_hear_it_is_said(count, text, send, fake):
    fake.add()
    fake.heard_by = count
    ran = send('{"text": "News!"}')
    assert (ran.exit_code, ran.stdout) == (0, f"{text}\n")
    assert fake.sent == [{"payload": {"text": "News!"}}]


@pytest.mark.parametrize(
    "payload", ["null", "0", '""', "[]", "1234567890123456789012345678", '"ü"']
)
def test_any_json_is_a_payload(payload, send, fake):
    fake.add()
    assert send(payload).exit_code == 0
    assert fake.sent == [{"payload": eval(payload, {"null": None})}]


def test_a_payload_may_be_read(send, fake):
    fake.add()
    assert send("-", input='["from", "a file"]\n').exit_code == 0
    assert fake.sent == [{"payload": ["from", "a file"]}]


def test_it_may_be_for_some_alone(send, fake):
    fake.add()
    assert send("1", "--to", "anna", "--to", "ben").exit_code == 0
    assert fake.sent == [{"payload": 1, "to": ["anna", "ben"]}]


def test_a_room_that_is_not_named_is_the_default_one(send, fake):
    fake.add(name="default")
    assert send("1", room=ROOM[:4]).exit_code == 0
    assert fake.sent


def test_a_room_may_have_any_name(send, fake):
    fake.add(app="a/b", version="%2F", name="?#ü .")
    assert send("1", room=["--app", "a/b", "--version", "%2F", "--name", "?#ü ."]).exit_code == 0
    assert fake.sent


@pytest.mark.parametrize("payload", ["hello", "", "{", "NaN", "Infinity", "1e400", "[" * 100_000])
@pytest.mark.parametrize("way", ["typed", "read"])
def test_a_payload_that_is_no_json_is_not_sent(payload, way, send, fake):
    ran = send(payload) if way == "typed" else send("-", input=payload)
    assert "the payload is no JSON: " in told(ran)
    assert not fake.asked


def test_a_room_that_there_is_not_is_said(send):
    assert "the hub says 404: There is no such room." in told(send("1"))


@pytest.mark.parametrize("left_out", ["--app", "--version"])
def test_a_room_has_an_app_and_a_version(left_out, send, fake):
    at = ROOM.index(left_out)
    ran = send("1", room=ROOM[:at] + ROOM[at + 2 :])
    assert ran.exit_code == 2
    assert f"Missing option '{left_out}'" in ran.stderr
    assert not fake.asked
