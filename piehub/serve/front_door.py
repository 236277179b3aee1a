"""A shorter way in, under gunicorn's gevent worker: a plain upgrade is taken from its socket before
gunicorn reads it and Flask dispatches it, which is most of what a new connection costs.

The door is only used where nobody would notice: no app, no hook and no setting has a part in what
it leaves out. It looks without taking (MSG_PEEK), and only ever says yes: all that is refused, odd,
or not for the hub is still there for gunicorn to read.
"""

from __future__ import annotations

import socket
from typing import Any

from piehub.hub import Hub
from piehub.net import adopt
from piehub.serve import bystanders, draining, plain_upgrade
from piehub.web import head, upgrade


def open_in(worker: Any) -> None:
    """Open the door in gunicorn's worker, if nobody would notice."""
    hub = draining.hub_of(worker.wsgi)
    if hub and not bystanders.at_worker(worker, hub):
        worker.handle = _Door(worker, hub).handle


def close_in(worker: Any) -> None:
    """Take the door out again, so that nothing of it keeps the worker when the process ends."""
    vars(worker).pop("handle", None)
    vars(worker).pop("handle_request", None)


class _Door:
    def __init__(self, worker: Any, hub: Hub) -> None:
        self._worker = worker
        self._gunicorns_handle = worker.handle
        self._log = worker.log
        self._patience = worker.cfg.keepalive or None  # seconds for a request to begin
        self._hub = hub

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        """In the place of gunicorn's own: what to do with a socket that was accepted."""
        if not bystanders.at_app(self._worker, self._hub):
            client.settimeout(self._patience)
            try:
                data = client.recv(plain_upgrade.MOST_BYTES, socket.MSG_PEEK)
            except TimeoutError:
                return  # as gunicorn ends who says nothing
            except OSError:
                data = b""  # gunicorn will meet the same
            if self._takes(client, data, address):
                return
        # Who came just before the worker stopped listening is refused as if it came just after;
        # gunicorn would ask the listener for its name, and log that it has none.
        if listener.fileno() >= 0:
            self._gunicorns_handle(listener, client, address)

    def _takes(self, client: Any, data: bytes, address: Any) -> bool:
        hub = self._hub
        asked = plain_upgrade.recognise(data, hub.settings.path, address)
        if asked is None:
            return False
        try:
            head.check_handshake(asked.environ)
            visitor = upgrade.admit(hub, asked.environ)
        except Exception:  # a refusal, which is then made in full; or a bug, which is then logged
            return False
        self._log.debug("GET %s", hub.settings.path)  # as gunicorn's pre_request has it
        try:
            client.recv(asked.size)  # what comes behind the head is for the WebSocket to read
            upgrade.take_away(hub, adopt.detached(client), asked.environ, visitor)
        except Exception:
            self._log.exception("Error handling request %s", hub.settings.path)
        return True
