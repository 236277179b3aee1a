"""A host app: server code in each room. It greets newcomers and minds the language.

Run the chat with it, from the folder above this one:

    PIEHUB_HOST_APP=examples.host_app:Greeter .venv/bin/python -m examples chat

or a hub on its own (PIEHUB_HOST_APP=... gunicorn -k gevent wsgi:app), and meet it with a client of
your own that sends {"text": ...}.
"""

from __future__ import annotations

import re
from typing import Any

from piehub import HostApp

RUDE = re.compile(r"\b(darn|dang|heck)\b", re.IGNORECASE)


class Greeter(HostApp):
    """The hub makes one of these for each room, so what it remembers is about that room."""

    version = "1.0.0"

    def __init__(self) -> None:
        self.here: set[str] = set()

    def handle_message(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """See every message before the room does; whispers alone pass by."""
        match message:
            case {"type": "ClientPresenceChanged", "clients": clients}:
                for newcomer in set(clients) - self.here:
                    # skip_handler: our own words need no censoring.
                    self.send_data({"text": f"Welcome, {newcomer[:8]}!"}, skip_handler=True)
                self.here = set(clients)
            case {"type": "Data", "payload": {"text": str(text)} as payload}:
                clean = RUDE.sub(lambda word: "*" * len(word[0]), text)
                return {**message, "payload": {**payload, "text": clean}}
        return None  # send it as it is
