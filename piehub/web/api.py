"""The operators' API: a hub's rooms and clients, as JSON. openapi.py describes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from json import loads
from typing import Any, NoReturn

import msgspec
from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from piehub import operating
from piehub.hub import Hub
from piehub.protocol.incoming import RoomInfo, Search
from piehub.rooms.listing import RoomView
from piehub.rooms.registry import RoomKey
from piehub.web import openapi, paths
from piehub.web.problem import refuse
from piehub.web.token import available_with, required

API = "piehub_api"  # the blueprint's name
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")

Views = dict[str, Callable[[], Response]]

_is_there = available_with("admin_token")
_has_token = required("admin_token")


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent to a room."""

    payload: msgspec.Raw
    to: list[str] | msgspec.UnsetType = msgspec.UNSET


_message = msgspec.json.Decoder(_Message).decode


def blueprint() -> Blueprint:
    """`/api` and what is below it, for apps that have a hub."""
    api = Blueprint(API, __name__)
    api.record(paths.register)
    api.add_url_rule(
        "/api/<piehub_rest:rest>",
        "serve",
        _serve,
        methods=METHODS,
        provide_automatic_options=False,
    )
    api.register_error_handler(HTTPException, _tell)

    @api.after_request
    def guard(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return api


def _serve(rest: str) -> Response:
    segments = paths.segments(rest)
    if segments == ["openapi.json"]:
        _is_there()
    else:
        _has_token()
    views = _views(segments)
    if not views:
        refuse(404, "There is nothing here; openapi.json says what there is.")
    method = "GET" if request.method == "HEAD" else request.method
    if method not in views:
        allowed = ", ".join(views)
        refuse(405, f"{request.path} knows {allowed}, not {request.method}.", Allow=allowed)
    return views[method]()


def _views(segments: list[str]) -> Views:  # noqa: PLR0911, one for each path
    """What is done there, by method."""
    match segments:
        case ["openapi.json"]:
            return {"GET": _document}
        case ["figures"]:
            return {"GET": _figures}
        case ["rooms"]:
            return {"GET": _rooms}
        case ["rooms", app, version, name]:
            key = app, name, version
            return {"GET": lambda: _room(key), "DELETE": lambda: _close_room(key)}
        case ["rooms", app, version, name, "messages"]:
            return {"POST": lambda: _send((app, name, version))}
        case ["clients"]:
            return {"GET": _clients}
        case ["clients", client_id]:
            return {"GET": lambda: _client(client_id), "DELETE": lambda: _close_client(client_id)}
    return {}


def _tell(error: HTTPException) -> Response:
    """What is refused on the way, by Werkzeug, in our words."""
    response = jsonify(error=error.description or error.name)
    response.status_code = error.code or 500
    return response


def _hub() -> Hub:
    hub: Hub = current_app.extensions["piehub"]
    return hub


def _document() -> Response:
    base = request.script_root + request.path.removesuffix("/api/openapi.json")
    return jsonify(openapi.document(base or "/"))


def _figures() -> Response:
    return Response(_hub().figures.report(), mimetype="application/json")


# Rooms


def _rooms() -> Response:
    asked = _query("app", "name", "version", "search", "limit", "offset")
    wanted = Search(asked.get("app", ""), asked.get("name", ""), asked.get("version", ""))
    search = asked.get("search", "")
    found, total = operating.rooms(_hub(), wanted, search, **_page(asked))
    return jsonify(rooms=[_room_told(room) for room in found], total=total)


def _room(key: RoomKey) -> Response:
    room = operating.room(_hub(), key)
    if room is None:
        _no_such_room(key)
    return jsonify(_room_told(room) | {"members": room.clients})


def _close_room(key: RoomKey) -> Response:
    if not operating.close_room(_hub(), key):
        _no_such_room(key)
    return Response(status=204)


def _send(key: RoomKey) -> Response:
    hub = _hub()
    body = _body(hub)
    try:
        message = _message(body)
        text = hub.sendable(loads(bytes(message.payload)))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        refuse(400, f'The body must be JSON such as {{"payload": "News!", "to": ["id"]}}: {error}')
    to = None if isinstance(message.to, msgspec.UnsetType) else message.to
    sent = operating.send(hub, key, text, to)
    if sent is None:
        _no_such_room(key)
    return jsonify(sent=sent)


def _no_such_room(key: RoomKey) -> NoReturn:
    app, name, version = key
    refuse(404, f"There is no room with app {app!r}, version {version!r} and name {name!r}.")


def _room_told(room: RoomView) -> dict[str, Any]:
    told: dict[str, Any] = {
        "app": room.app,
        "name": room.name,
        "version": room.version,
        "clients": len(room.clients),
        "hidden": room.hidden,
        "isPasswordProtected": room.is_password_protected,
    }
    if room.max_clients is not None:
        told["maxClients"] = room.max_clients
    if room.history is not None:
        told["history"] = room.history
    return told


# Clients


def _clients() -> Response:
    asked = _query("search", "sort", "limit", "offset")
    sort = asked.get("sort")
    if sort is not None and sort not in operating.SORTS:
        refuse(400, f"sort must be one of {', '.join(operating.SORTS)}, not {_shown(sort)}.")
    found, total = operating.clients(_hub(), asked.get("search", ""), sort=sort, **_page(asked))
    return jsonify(clients=[_client_told(client) for client in found], total=total)


def _client(client_id: str) -> Response:
    client = operating.client(_hub(), client_id)
    if client is None:
        _no_such_client(client_id)
    return jsonify(_client_told(client))


def _close_client(client_id: str) -> Response:
    if not operating.close_client(_hub(), client_id):
        _no_such_client(client_id)
    return Response(status=204)


def _no_such_client(client_id: str) -> NoReturn:
    refuse(404, f"There is no client with the id {_shown(client_id)}.")


def _client_told(client: operating.ClientView) -> dict[str, Any]:
    return {
        "id": client.id,
        "address": client.address,
        "room": client.room and _name(client.room),
        "seconds": round(client.seconds, 1),
        "received": client.received,
        "sent": client.sent,
        "waiting": client.waiting,
    }


def _name(room: RoomInfo) -> dict[str, str]:
    return {"app": room.app, "name": room.name, "version": room.version}


# What is asked


def _query(*names: str) -> dict[str, str]:
    """The query, or 400 for what is not one of these parameters, once each."""
    for name, values in request.args.lists():
        if name not in names:
            refuse(400, f"{_shown(name)} is no parameter; there are {', '.join(names)}.")
        if len(values) > 1:
            refuse(400, f"{name} is there {len(values)} times; once is right.")
    return request.args.to_dict()


def _page(asked: dict[str, str]) -> dict[str, int]:
    return {
        "limit": _number(asked, "limit", 1, openapi.MOST, openapi.LIMIT),
        "offset": _number(asked, "offset", 0, openapi.FARTHEST, 0),
    }


def _number(asked: dict[str, str], name: str, least: int, most: int, default: int) -> int:
    value = asked.get(name)
    if value is None:
        return default
    if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
        refuse(400, f"{name} must be an integer from {least} to {most}, not {_shown(value)}.")
    return int(value)


def _body(hub: Hub) -> bytes:
    if request.mimetype != "application/json":
        refuse(415, "The body must be JSON, and Content-Type say so: application/json.")
    most = hub.settings.max_message_bytes
    try:
        # One more, as a stream in pieces is refused when it has so many, whether more come or not.
        body = get_input_stream(request.environ, max_content_length=most + 1).read()
    except RequestEntityTooLarge:
        body = None
    if body is None or len(body) > most:
        refuse(413, f"The body is over PIEHUB_MAX_MESSAGE_BYTES, {most} bytes.")
    return body


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
