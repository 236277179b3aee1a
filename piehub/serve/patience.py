"""How long gevent's own server waits for the head of a request; by itself, for ever."""

from __future__ import annotations

from typing import Any

import gevent
from gevent.pywsgi import WSGIHandler

from piehub.serve import draining

_SECONDS = 10.0  # for an app that has no hub


def patient(handler: type[WSGIHandler]) -> type[WSGIHandler]:
    """The same handler of requests, with PIEHUB_HEADER_TIMEOUT."""

    class Patient(handler):  # type: ignore[misc, valid-type]
        def read_requestline(self) -> Any:
            with _patience(self):
                return super().read_requestline()
            return ""  # as if the client had gone

        def read_request(self, raw_requestline: str) -> Any:
            with _patience(self):
                return super().read_request(raw_requestline)
            return False  # which is answered with 400

    return Patient


def _patience(handler: WSGIHandler) -> gevent.Timeout:
    hub = draining.hub_of(handler.server.application)
    return gevent.Timeout(hub.settings.header_timeout if hub else _SECONDS, False)  # type: ignore[arg-type]
