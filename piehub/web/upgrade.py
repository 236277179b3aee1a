"""From an HTTP request to a client's session (RFC 6455 section 4.2)."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, request
from flask_sock import Sock
from werkzeug.exceptions import HTTPException

from piehub import hooks
from piehub.hub import Hub
from piehub.net import adopt
from piehub.net.connection import Connection
from piehub.protocol.incoming import MAX_CLIENT_ID
from piehub.session import Client
from piehub.wire import close_codes

_BLUEPRINT = "piehub"


def install(app: Flask, hub: Hub) -> None:
    """Put the hub's WebSocket route on `app`; flask-sock makes it and does the handshake."""
    blueprint = Blueprint(_BLUEPRINT, __name__)
    blueprint.before_request(lambda: _before_upgrade(hub))

    def connect(ws: Any) -> None:
        _serve_flask_sock(hub, ws)

    Sock().route(hub.settings.path, bp=blueprint)(connect)
    app.register_blueprint(blueprint)


def _is_ours() -> bool:
    return request.blueprint == _BLUEPRINT


def _before_upgrade(hub: Hub) -> Response | None:
    """Refuse what must not become a WebSocket; None lets flask-sock go on with the handshake."""
    if (client := adopt.from_gevent_websocket(request.environ)) is not None:
        _serve_upgraded(hub, client)
        return Response()  # goes nowhere: the socket has ended
    _check_handshake()
    _check_admission(hub)
    # At every handshake, as the app may change its config after init_app.
    adopt.keep_threads_away(current_app.config, _is_ours)
    # simple-websocket would agree to compression, which every browser offers and we do not speak.
    request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    return None


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


def _check_admission(hub: Hub) -> None:
    if hub.is_draining:
        _refuse(503, "The hub is restarting; come back in a moment.", **{"Retry-After": "5"})
    client_id = request.args.get("clientId", "")
    if len(client_id) > MAX_CLIENT_ID:
        _refuse(
            400, f"clientId has {len(client_id)} characters; at most {MAX_CLIENT_ID} are allowed."
        )
    if any(unicodedata.category(character)[0] == "C" for character in client_id):
        _refuse(400, "clientId must not hold control characters or halves of characters.")
    request.environ["piehub.identity"] = hooks.identify(hub.hooks)


def _refuse(status: int, text: str, **headers: str) -> None:
    abort(Response(text + "\n", status, headers, mimetype="text/plain"))


def _serve_flask_sock(hub: Hub, ws: Any) -> None:
    with adopt.from_flask_sock(ws) as client:
        _serve(hub, client)


def _serve_upgraded(hub: Hub, client: Any) -> None:
    """gevent-websocket has answered the handshake already: what we refuse, we can only close."""
    try:
        _check_admission(hub)
    except HTTPException as refused:
        connection = Connection(hub.runtime, client, hub.limits)
        code = close_codes.RESTARTING if hub.is_draining else close_codes.POLICY_VIOLATION
        connection.close(code, _text_of(refused))
        connection.finish()
    else:
        _serve(hub, client)


def _text_of(refused: HTTPException) -> str:
    response = refused.get_response()
    if refused.response is not None:
        return str(refused.response.get_data(as_text=True)).strip()  # type: ignore[attr-defined]
    return f"{response.status_code} {refused.name}"


def _serve(hub: Hub, client: Any) -> None:
    connection = Connection(hub.runtime, client, hub.limits)
    session = Client(
        hub,
        connection,
        address=_address(),
        identity=request.environ.get("piehub.identity"),
        requested_id=request.args.get("clientId", ""),
    )
    session.live(request.args.get("resumeToken", ""))


def _address() -> str:
    host, port = request.environ.get("REMOTE_ADDR", ""), request.environ.get("REMOTE_PORT")
    return f"{host}:{port}" if port else str(host)
