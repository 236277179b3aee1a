"""How an app's hooks and views are tested: clients join in process, and nothing sleeps.

    python -m pytest examples

from the folder above this one.
"""

import pytest

from examples.flask_app import app, pie
from piehub.testing import Refused, tick

LOBBY = {"app": "chat", "name": "lobby", "version": "1.0.0"}


@pytest.fixture(autouse=True)
def nobody_is_left():
    """All tests share this app, so let its empty rooms go after each."""
    yield
    tick(app, 300)
    assert pie.rooms() == []


def test_an_announcement_is_heard_in_the_lobby():
    with pie.test_client() as ann:
        ann.join(**LOBBY)
        answer = app.test_client().post("/announce", data={"text": "Lunch!"})
        assert answer.status_code == 204
        assert ann.payloads() == [{"text": "Lunch!"}]


def test_the_rooms_are_listed_with_their_clients():
    with pie.test_client() as ann:
        ann.join(**LOBBY)
        (room,) = app.test_client().get("/rooms").json
        assert (room["name"], room["clients"]) == ("lobby", [ann.id])


def test_this_hub_is_for_chats_only():
    with pie.test_client() as eve:
        with pytest.raises(Refused, match="There is no 'poker' here"):
            eve.join(app="poker", version="1.0.0")
        assert pie.rooms() == []
