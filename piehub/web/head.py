"""Whether the head of a request asks for a WebSocket as it must."""

from __future__ import annotations

import base64
from typing import Any, NoReturn

from flask import Response, abort

UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade"}  # RFC 9110 section 7.8


def check_handshake(environ: dict[str, Any]) -> None:
    """Refuse, by werkzeug's HTTPException, what is no upgrade of ours (RFC 6455 section 4.2.1)."""
    if environ["REQUEST_METHOD"] != "GET":
        refuse(405, "A WebSocket is opened with GET.", Allow="GET")
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        refuse(400, "A WebSocket is opened with HTTP/1.1; does a proxy on the way speak HTTP/1.0?")
    host = environ.get("HTTP_HOST", "")
    if not host:  # RFC 9112 section 3.2
        refuse(400, "An upgrade must name its Host.")
    if not host.isascii():
        refuse(400, "The Host of an upgrade must be in ASCII.")
    # Nobody would read it but the WebSocket, as frames.
    if environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ:
        refuse(400, "An upgrade to a WebSocket has no body.")
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13":
        refuse(
            426,
            "This hub speaks version 13 of WebSocket.",
            **{"Sec-WebSocket-Version": "13", **UPGRADE},
        )
    try:
        key = base64.b64decode(environ.get("HTTP_SEC_WEBSOCKET_KEY", ""), validate=True)
    except ValueError:
        key = b""
    if len(key) != 16:
        refuse(400, "Sec-WebSocket-Key must be 16 bytes in base64.")


def refuse(status: int, text: str, **headers: str) -> NoReturn:
    """Answer the request with that, instead of all else."""
    abort(Response(text + "\n", status, headers, mimetype="text/plain"))
