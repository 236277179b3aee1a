"""Blinker signals, for code that only watches. The sender is the Flask app.

Receivers run outside the lock, in an app context of their own, and in the greenlet in which it
happened; they may block. One that raises is logged, and nothing else happens.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

client_opened = _signals.signal("piehub-client-opened", doc="client: a client has its id.")
client_closed = _signals.signal("piehub-client-closed", doc="client, code: its socket has ended.")
room_joined = _signals.signal("piehub-room-joined", doc="client, room: it is in the room.")
room_left = _signals.signal("piehub-room-left", doc="client, room: it is no longer in the room.")
data_received = _signals.signal(
    "piehub-data-received", doc="client, room, message: a Data has gone to the room."
)
