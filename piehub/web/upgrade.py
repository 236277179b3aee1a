"""From an HTTP request to a client's session (RFC 6455 section 4.2)."""

from __future__ import annotations

import base64
import binascii
import logging
import unicodedata
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, request
from flask_sock import Sock
from werkzeug.exceptions import HTTPException
from werkzeug.routing import WebsocketMismatch

from piehub.hub import Hub
from piehub.net import adopt
from piehub.net.connection import Connection
from piehub.protocol.incoming import MAX_CLIENT_ID
from piehub.session import Client
from piehub.wire import close_codes, handshake

_BLUEPRINT = "piehub"

log = logging.getLogger("piehub")


def install(app: Flask, hub: Hub) -> None:
    """Put the hub's WebSocket route on `app`; flask-sock makes it and does the handshake."""
    blueprint = Blueprint(_BLUEPRINT, __name__)
    blueprint.before_request(lambda: _serve_upgraded(hub))
    blueprint.before_request(lambda: _check_upgrade(hub))
    blueprint.before_request(lambda: _serve_gunicorn(hub))

    def connect(ws: Any) -> None:
        _serve_flask_sock(hub, ws)

    Sock().route(hub.settings.path, bp=blueprint)(connect)
    app.register_blueprint(blueprint)
    app.register_error_handler(WebsocketMismatch, _upgrade_required)


def _upgrade_required(error: Exception) -> Response:
    """What a browser or a misled client gets, instead of Werkzeug's general complaint."""
    return Response(
        "This is where WebSockets are opened; plain HTTP has nothing here.\n",
        426,
        {"Upgrade": "websocket"},
        mimetype="text/plain",
    )


def _is_ours() -> bool:
    return request.blueprint == _BLUEPRINT


def _serve_upgraded(hub: Hub) -> Response | None:
    """Serve a client whose handshake gevent-websocket has answered already, to its end.

    What we refuse there, we can only close.
    """
    if (client := adopt.from_gevent_websocket(request.environ)) is None:
        return None
    try:
        identity = _admit(hub)
    except HTTPException as refused:
        _refuse_upgraded(hub, client, _refusal_code(hub), _text_of(refused))
    except Exception:
        log.exception("authorize failed")
        _refuse_upgraded(hub, client, close_codes.INTERNAL_ERROR, "internal error")
    else:
        _serve(hub, client, identity)
    return Response()  # goes nowhere: the socket has ended


def _refusal_code(hub: Hub) -> int:
    if hub.is_draining:
        return close_codes.RESTARTING
    return close_codes.FULL if hub.is_full else close_codes.POLICY_VIOLATION


def _refuse_upgraded(hub: Hub, client: Any, code: int, reason: str) -> None:
    connection = Connection(hub.runtime, client, hub.limits)
    connection.close(code, reason)
    connection.end()


def _check_upgrade(hub: Hub) -> None:
    """Refuse, by HTTP, what must not become a WebSocket; flask-sock's handshake comes next."""
    _check_handshake()
    request.environ["piehub.identity"] = _admit(hub)
    # At every handshake, as the app may change its config after init_app.
    adopt.keep_threads_away(current_app.config, _is_ours)
    adopt.refuse_compression(request.environ)


def _serve_gunicorn(hub: Hub) -> Response | None:
    """Answer the handshake, and take the client away from gunicorn.

    flask-sock's view, which comes next, would do this too; but its handshake costs as much as all
    the rest together, and it holds request and greenlet for as long as the client stays.
    """
    if (client := adopt.from_gunicorn(request.environ)) is None:
        return None
    connection = Connection(hub.runtime, client, hub.limits)
    connection.push(handshake.accept(request.headers["Sec-WebSocket-Key"]))
    _session(hub, connection, request.environ["piehub.identity"]).live(
        request.args.get("resumeToken", ""), then=client.close
    )
    return _TakenAway()


class _TakenAway(Response):
    """What gunicorn is told: there is nothing to send, and no further request to read."""

    def __call__(self, *args: Any) -> Any:
        raise StopIteration  # as flask-sock ends a request under gunicorn


def _check_handshake() -> None:
    if request.method != "GET":
        _refuse(405, "A WebSocket is opened with GET.", Allow="GET")
    if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        _refuse(400, "A WebSocket is opened with HTTP/1.1; does a proxy on the way speak HTTP/1.0?")
    if request.headers.get("Sec-WebSocket-Version") != "13":
        _refuse(
            426,
            "This hub speaks version 13 of WebSocket.",
            **{"Sec-WebSocket-Version": "13", "Upgrade": "websocket"},
        )
    try:
        key = base64.b64decode(request.headers.get("Sec-WebSocket-Key", ""), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 16:
        _refuse(400, "Sec-WebSocket-Key must be 16 bytes in base64.")


def _admit(hub: Hub) -> Any:
    """Let the client in, and return its identity; or abort."""
    if hub.is_draining:
        _refuse(503, "The hub is restarting; come back in a moment.", **{"Retry-After": "5"})
    if hub.is_full:
        _refuse(503, "The hub is full; come back later.", **{"Retry-After": "30"})
    client_id = request.args.get("clientId", "")
    if len(client_id) > MAX_CLIENT_ID:
        _refuse(
            400, f"clientId has {len(client_id)} characters; at most {MAX_CLIENT_ID} are allowed."
        )
    if any(_is_unprintable(character) for character in client_id):
        _refuse(400, "clientId must not hold control characters or line ends.")
    return hub.hooks.identify()


def _is_unprintable(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")


def _refuse(status: int, text: str, **headers: str) -> None:
    abort(Response(text + "\n", status, headers, mimetype="text/plain"))


def _text_of(refused: HTTPException) -> str:
    if refused.response is None:
        return f"{refused.code} {refused.name}"
    return refused.get_response().get_data(as_text=True).strip()


def _serve_flask_sock(hub: Hub, ws: Any) -> None:
    with adopt.from_flask_sock(ws) as client:
        _serve(hub, client, request.environ["piehub.identity"])


def _serve(hub: Hub, client: Any, identity: Any) -> None:
    """Serve a client whose socket ends with the request, to its end."""
    has_gone = hub.runtime.event()
    session = _session(hub, Connection(hub.runtime, client, hub.limits), identity)
    session.live(request.args.get("resumeToken", ""), then=has_gone.set)
    has_gone.wait()


def _session(hub: Hub, connection: Connection, identity: Any) -> Client:
    return Client(
        hub,
        connection,
        address=_address(),
        identity=identity,
        requested_id=request.args.get("clientId", ""),
    )


def _address() -> str:
    host, port = request.environ.get("REMOTE_ADDR", ""), request.environ.get("REMOTE_PORT")
    return f"{host}:{port}" if port else str(host)
