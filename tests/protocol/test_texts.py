import pytest

from piehub.protocol import texts


@pytest.mark.parametrize(
    ("text", "original"),
    [
        (texts.NO_SUCH_ROOM, "Cannot add client to non-existant room."),
        (texts.WRONG_PASSWORD, "Client attempted to join room with incorrect password."),
        (
            texts.ALREADY_IN_ROOM,
            "Client cannot join a new room without first leaving their current room.",
        ),
        (
            texts.ROOM_FULL,
            "Error: Room is at capacity and cannot accept more clients due to the room's chosen"
            " settings",
        ),
        (texts.NOT_IN_ROOM, 'Cannot echo to room, missing "client.room"'),
        (texts.MATCHMAKING_IN_ROOM, "Cannot enter matchmaking while in a room"),
        (texts.HOST_APP_FAILED, "hostApp.handleMessage error: "),
    ],
)
def test_a_text_that_clients_match_on_is_the_originals_to_the_letter(text, original):
    assert text == original
