"""The texts that published clients match on, letter by letter as the original hub sends them."""

from __future__ import annotations

NO_SUCH_ROOM = "Cannot add client to non-existant room."
WRONG_PASSWORD = "Client attempted to join room with incorrect password."  # noqa: S105
ALREADY_IN_ROOM = "Client cannot join a new room without first leaving their current room."
ROOM_FULL = (
    "Error: Room is at capacity and cannot accept more clients due to the room's chosen settings"
)
NOT_IN_ROOM = 'Cannot echo to room, missing "client.room"'
MATCHMAKING_IN_ROOM = "Cannot enter matchmaking while in a room"
HOST_APP_FAILED = "hostApp.handleMessage error: "
STATS_OFF = "Stats access not allowed."
