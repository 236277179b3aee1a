"""A Flask app that echoes every message over piehub's own connection class, compressed where the
client offers that.

For the Autobahn cases:  gunicorn -k gevent -b 127.0.0.1:9001 compliance.echo:app
"""

from __future__ import annotations

import functools

from flask import Flask, request
from flask_sock import Sock

from piehub.net import adopt, runtime
from piehub.net.connection import Connection, Limits
from piehub.wire import frames
from piehub.wire.deflate import deflate
from piehub.wire.extensions import Agreement, negotiate

LIMITS = Limits(
    max_message_bytes=32 * 1024 * 1024,
    max_fragments=1_000_000,
    outbox_bytes=64 * 1024 * 1024,
    rate_limit=0,
    rate_burst=1,
)

app = Flask(__name__)
app.config["SOCK_SERVER_OPTIONS"] = {"thread_class": adopt.NoThread}
sock = Sock(app)


@app.before_request
def agree() -> None:
    agreed = negotiate(request.environ.get("HTTP_SEC_WEBSOCKET_EXTENSIONS", ""))
    request.environ = adopt.for_handshake(request.environ, agreed)
    request.environ["compression"] = agreed


@sock.route("/")
def echo(ws) -> None:
    agreed = request.environ["compression"]
    has_gone = hub_runtime().event()
    with adopt.from_flask_sock(ws) as client:
        peer = Connection(hub_runtime(), client, LIMITS, agreed)
        peer.serve(
            lambda opcode, payload: peer.push(answer(opcode, payload, agreed)),
            done=has_gone.set,
            app_code=(),
        )
        has_gone.wait()
        peer.end()


def answer(opcode: int, payload: bytes, agreed: Agreement | None) -> bytes:
    """Unlike the hub, compress everything: the cases take a plain answer for an error."""
    if agreed is None:
        return frames.encode(opcode, payload)
    return frames.encode(frames.RSV1 | opcode, deflate(payload, agreed.window_bits))


@functools.cache
def hub_runtime() -> runtime.Runtime:
    """One for all clients, as a hub has it."""
    return runtime.choose()
