"""How long gevent's own server waits for a request; by itself, for ever. And who becomes a
WebSocket there."""

from __future__ import annotations

import errno
from http.client import HTTPException as HeadError
from typing import Any

import gevent
from gevent import pywsgi
from gevent.pywsgi import Input, WSGIHandler
from werkzeug.exceptions import BadRequest, HTTPException

from piehub.serve import draining
from piehub.web import head

_SECONDS = 10.0  # for an app that has no hub

# gevent's own for what it answers with 400; another gevent may have none, and log a traceback.
_InvalidInput: Any = getattr(pywsgi, "_InvalidClientInput", OSError)


class _BadBody(BadRequest, _InvalidInput):  # type: ignore[misc]
    """What is sent as a body is none: 400, by Flask, or by gevent where Flask has not asked."""

    description = "The body of the request cannot be read."


class _Body(Input):
    """gevent's, which for some bodies raises what looks like a bug of the app's."""

    __slots__ = ()

    def _chunked_read(self, *how_much: Any) -> Any:
        try:
            return super()._chunked_read(*how_much)  # type: ignore[misc]
        except (OSError, ValueError) as error:  # ValueError for a size that is empty
            self._chunked_input_error = True
            raise _BadBody from error


def patient(handler: type[WSGIHandler]) -> type[WSGIHandler]:
    """The same handler of requests, with PIEHUB_HEADER_TIMEOUT and the hub's view of handshakes."""

    class Patient(handler):  # type: ignore[misc, valid-type]
        def read_requestline(self) -> Any:
            try:
                with _patience(self):
                    return super().read_requestline()
            except gevent.Timeout:
                return ""  # as if the client had gone

        def read_request(self, raw_requestline: str) -> Any:
            try:
                with _patience(self):
                    return super().read_request(raw_requestline)
            except (gevent.Timeout, HeadError):  # that gevent would log with its traceback
                return False  # which is answered with 400

        def get_environ(self) -> Any:
            environ = super().get_environ()
            self.wsgi_input.__class__ = _Body
            environ["RAW_URI"] = self.path  # as gunicorn has it; PATH_INFO is decoded
            return environ

        def _sendall(self, data: bytes) -> None:
            try:
                super()._sendall(data)
            except TimeoutError as error:  # of slow_readers; gevent knows only of clients that went
                raise ConnectionResetError(errno.ECONNRESET, error.strerror) from error

        def run_application(self) -> None:
            try:
                super().run_application()
            finally:
                self._pass_over_body()

        def _pass_over_body(self) -> None:
            """What the app has not read of it, as the next request comes behind."""
            try:
                with _patience(self):
                    self.wsgi_input._discard()
            except (gevent.Timeout, OSError):
                self.wsgi_input._chunked_input_error = True  # by which gevent waits for no more
            if self.wsgi_input._chunked_input_error:  # or the app has met it
                self.close_connection = True

        def upgrade_websocket(self) -> Any:
            """gevent-websocket's, but for what it has no right answer to: that is the app's."""
            try:
                head.check_handshake(self.environ)
            except HTTPException:
                return None
            return super().upgrade_websocket() if self.request_version == "HTTP/1.1" else None

    return Patient


def _patience(handler: WSGIHandler) -> gevent.Timeout:
    hub = draining.hub_of(handler.server.application)
    return gevent.Timeout(hub.settings.header_timeout if hub else _SECONDS)
