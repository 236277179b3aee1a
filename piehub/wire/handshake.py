"""The server's half of the opening handshake (RFC 6455 section 4.2.2)."""

from __future__ import annotations

import base64
import hashlib

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


def accept(key: str, extensions: str = "") -> bytes:
    """The whole answer to an upgrade whose Sec-WebSocket-Key is `key`; both are ASCII.

    extensions: those agreed on, as a Sec-WebSocket-Extensions header.
    """
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    agreed = b"Sec-WebSocket-Extensions: %b\r\n" % extensions.encode() if extensions else b""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n%b\r\n" % (base64.b64encode(digest), agreed)
    )
