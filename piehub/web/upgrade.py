"""From an HTTP request to a client's session (RFC 6455 section 4.2)."""

from __future__ import annotations

import logging
import unicodedata
from typing import Any, NamedTuple

from flask import Blueprint, Flask, Response, current_app, request
from flask_sock import Sock
from werkzeug import Request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import WebsocketMismatch

from piehub import addresses, origins
from piehub.hub import Hub
from piehub.net import adopt
from piehub.net.connection import Connection
from piehub.session import Client
from piehub.web.head import UPGRADE, check_handshake, refuse
from piehub.wire import close_codes, handshake
from piehub.wire.extensions import Agreement, negotiate

BLUEPRINT = "piehub"

# In the environ:
_VISITOR = "piehub.visitor"  # while a place is kept for whoever is let in
_ASKED_AT = "piehub.asked_at"  # when it was asked for; monotonic, seconds

log = logging.getLogger("piehub")


class Visitor(NamedTuple):
    """Who has been let in."""

    address: str
    host: str
    is_host_known: bool  # or it is a proxy's
    identity: Any
    requested_id: str
    resume_token: str
    compression: Agreement | None


def install(app: Flask, hub: Hub) -> None:
    """Put the hub's WebSocket route on `app`; flask-sock makes it."""
    blueprint = Blueprint(BLUEPRINT, __name__)
    blueprint.before_request(lambda: _upgrade(hub))
    blueprint.teardown_request(lambda error: _give_back_place(hub))

    def connect(ws: Any) -> None:
        request.environ = adopt.clients_own(request.environ)
        with adopt.from_flask_sock(ws) as client:
            _serve(hub, client, request.environ[_VISITOR])

    Sock().route(hub.settings.path, bp=blueprint)(connect)
    app.register_blueprint(blueprint)
    app.register_error_handler(WebsocketMismatch, _upgrade_required)


def _upgrade(hub: Hub) -> Response | None:
    """Refuse, by HTTP, what must not become a WebSocket, and serve those whose socket we know how
    to take; the others' handshake is flask-sock's, in its view, which comes next."""
    environ = request.environ
    if (upgraded := adopt.from_gevent_websocket(environ)) is not None:
        _serve_upgraded(hub, upgraded)
        return Response()  # goes nowhere: the socket has ended
    try:
        check_handshake(environ)
        visitor = admit(hub, environ)
        client = adopt.from_gunicorn(environ) or adopt.from_test_client(environ)
        if client is None:  # others may be asking meanwhile
            _keep_place(hub, visitor.host)
    except HTTPException as refused:
        _tell_refusal(hub, environ, refused)
        raise
    except Exception:  # the app's own authorize
        hub.figures.refused(500)
        raise
    if client is not None:
        take_away(hub, client, environ, visitor)
        return _TakenAway()
    environ[_VISITOR] = visitor
    # At every handshake, as the app may change its config after init_app.
    adopt.keep_threads_away(current_app.config, _is_ours)
    request.environ = adopt.for_handshake(environ, visitor.compression)
    return None


def _keep_place(hub: Hub, host: str) -> None:
    while not hub.keep_place(host):
        _check_space(hub, host)  # unless somebody has just gone


def _give_back_place(hub: Hub) -> None:
    """At the end of every request: the handshake may have failed."""
    if visitor := request.environ.pop(_VISITOR, None):
        hub.give_back_place(visitor.host)


def _upgrade_required(error: Exception) -> Response:
    """What a browser or a misled client gets, instead of Werkzeug's general complaint."""
    return Response(
        "This is where WebSockets are opened; plain HTTP has nothing here.\n",
        426,
        UPGRADE,
        mimetype="text/plain",
    )


def _is_ours() -> bool:
    return request.blueprint == BLUEPRINT


def _serve_upgraded(hub: Hub, client: Any) -> None:
    """Serve a client whose handshake gevent-websocket has answered already, to its end.

    What we refuse there, we can only close.
    """
    try:
        visitor = admit(hub, request.environ)
    except HTTPException as refused:
        _tell_refusal(hub, request.environ, refused)
        _refuse_upgraded(hub, client, _refusal_code(hub, refused), _text_of(refused))
    except Exception:
        log.exception("authorize failed")
        hub.figures.refused(500)
        _refuse_upgraded(hub, client, close_codes.INTERNAL_ERROR, "internal error")
    else:
        _serve(hub, client, visitor)


def _tell_refusal(hub: Hub, environ: dict[str, Any], refused: HTTPException) -> None:
    status = refused.get_response().status_code
    hub.figures.refused(status)
    log.info(
        "client refused address=%(address)s status=%(status)d reason=%(reason)r",
        {
            "address": _address(environ, _host(hub, environ)),
            "status": status,
            "reason": _text_of(refused),
        },
    )


def _refusal_code(hub: Hub, refused: HTTPException) -> int:
    if hub.is_draining:
        return close_codes.RESTARTING
    is_for_later = refused.response is not None and refused.get_response().status_code in (429, 503)
    return close_codes.FULL if is_for_later else close_codes.POLICY_VIOLATION


def _refuse_upgraded(hub: Hub, client: Any, code: int, reason: str) -> None:
    connection = Connection(hub.runtime, client, hub.limits)
    connection.close(code, reason)
    connection.end()


def take_away(hub: Hub, client: Any, environ: dict[str, Any], visitor: Visitor) -> None:
    """Answer the handshake, and serve the client beyond its request.

    client: its socket, which is ours from here on. environ: that of its upgrade.

    flask-sock's view would do too; but its handshake costs as much as all the rest together, and
    it holds request and greenlet for as long as the client stays.
    """
    agreed = visitor.compression
    connection = Connection(hub.runtime, client, hub.limits, agreed)
    key = environ["HTTP_SEC_WEBSOCKET_KEY"]
    connection.push(handshake.accept(key, agreed.response if agreed else ""))
    newcomer = _client(hub, connection, visitor)
    hub.expect(visitor.host)
    newcomer.live(visitor.resume_token, client.close, environ[_ASKED_AT])


class _TakenAway(Response):
    """What gunicorn is told: there is nothing to send, and no further request to read. A test
    client gets the status."""

    default_status = 101

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if adopt.from_test_client(environ) is not None:
            return super().__call__(environ, start_response)
        raise StopIteration  # as flask-sock ends a request under gunicorn


def admit(hub: Hub, environ: dict[str, Any]) -> Visitor:
    """Let the client in, or raise werkzeug's HTTPException.

    In the request's own context, if there is an authorize hook.
    """
    environ[_ASKED_AT] = hub.clock.monotonic()
    if hub.is_draining:
        refuse(503, "The hub is restarting; come back in a moment.", **{"Retry-After": "5"})
    _check_origin(hub, environ)
    host = _host(hub, environ)
    _check_space(hub, host)
    asked = _query(environ)
    client_id = asked.get("clientId", "")
    longest = hub.settings.max_client_id
    if len(client_id) > longest:
        refuse(400, f"clientId has {len(client_id)} characters; at most {longest} are allowed.")
    if any(_is_unprintable(character) for character in client_id):
        refuse(400, "clientId must not hold control characters or line ends.")
    identity = hub.hooks.identify()
    if hub.hooks.authorize:  # which may have taken its time
        _check_space(hub, host)
    return Visitor(
        _address(environ, host),
        host,
        addresses.is_known(host, *_remote_and_forwarded(environ)),
        identity,
        client_id,
        asked.get("resumeToken", ""),
        _compression(hub, environ),
    )


def _check_origin(hub: Hub, environ: dict[str, Any]) -> None:
    origin = environ.get("HTTP_ORIGIN")
    if not origins.may_connect(origin, environ.get("HTTP_HOST", ""), hub.allowed_origins):
        refuse(
            403,
            f"Pages of {_shown(origin)} may not connect; PIEHUB_ALLOWED_ORIGINS says whose may.",
        )


def _shown(origin: str | None) -> str:
    return origin if origin and origin.isprintable() and len(origin) <= 100 else "this origin"


def _query(environ: dict[str, Any]) -> dict[str, str]:
    if not environ.get("QUERY_STRING"):
        return {}
    return Request(environ, populate_request=False).args.to_dict()


def _check_space(hub: Hub, host: str) -> None:
    if hub.is_full:
        refuse(503, "The hub is full; come back later.", **{"Retry-After": "30"})
    if hub.has_enough_from(host):
        most = hub.settings.max_clients_per_address
        refuse(
            429,
            f"This address has {most} clients here, as many as this hub allows; close one of them.",
            **{"Retry-After": "30"},
        )


def _compression(hub: Hub, environ: dict[str, Any]) -> Agreement | None:
    if not hub.settings.compression or "wsgi.websocket" in environ:  # answered already, without
        return None
    return negotiate(environ.get("HTTP_SEC_WEBSOCKET_EXTENSIONS", ""))


def _is_unprintable(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")


def _text_of(refused: HTTPException) -> str:
    if refused.response is None:
        return f"{refused.code} {refused.name}"
    return refused.get_response().get_data(as_text=True).strip()


def _serve(hub: Hub, client: Any, visitor: Visitor) -> None:
    """Serve a client whose socket ends with the request, to its end."""
    has_gone = hub.runtime.event()
    connection = Connection(hub.runtime, client, hub.limits, visitor.compression)
    newcomer = _client(hub, connection, visitor)
    if request.environ.pop(_VISITOR, None) is None:
        hub.expect(visitor.host)
    newcomer.live(visitor.resume_token, has_gone.set, request.environ[_ASKED_AT])
    try:
        has_gone.wait()
    except BaseException:  # the server ends the request, and with it the socket
        connection.abandon()
        raise


def _client(hub: Hub, connection: Connection, visitor: Visitor) -> Client:
    return Client(
        hub,
        connection,
        address=visitor.address,
        identity=visitor.identity,
        requested_id=visitor.requested_id,
        host=visitor.host,
        is_host_known=visitor.is_host_known,
    )


def _host(hub: Hub, environ: dict[str, Any]) -> str:
    return addresses.of_client(*_remote_and_forwarded(environ), hub.settings.trusted_proxies)


def _remote_and_forwarded(environ: dict[str, Any]) -> tuple[str, str]:
    return environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", "")


def _address(environ: dict[str, Any], host: str) -> str:
    """host: where the client comes from; its port is not known if a proxy has said so."""
    port = environ.get("REMOTE_PORT") if host == environ.get("REMOTE_ADDR", "") else ""
    return f"{host}:{port}" if port else host
