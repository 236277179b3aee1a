"""What the operators' API takes and answers, as an OpenAPI 3.1 document (spec.openapis.org)."""

from __future__ import annotations

from typing import Any

from piehub.version import __version__

LIMIT = 100  # of a list, if it is not said
MOST = 1000  # of a list, however many are asked for
FARTHEST = 1_000_000  # offset

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": "boolean"}
_COUNT: Json = {"type": "integer", "minimum": 0}

_WRONG = {
    400: "Something in the request is wrong; the error says what would be right.",
    401: "The header Authorization: Bearer TOKEN is missing, or has another token.",
    404: "There is no such thing here, or no hub whose PIEHUB_ADMIN_TOKEN is set.",
    413: "The body is over PIEHUB_MAX_MESSAGE_BYTES.",
    415: "The body is not application/json.",
}


def document(base: str) -> Json:
    """The document. base: the path that all of its paths are below."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "piehub, for operators",
            "version": __version__,
            "description": "The rooms and clients of one hub: to look at, to talk to, and to close."
            " Names in a path are percent-encoded; a slash in one is %2F.",
        },
        "servers": [{"url": base}],
        "security": [{"token": []}],
        "paths": _PATHS,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "PIEHUB_ADMIN_TOKEN.",
                }
            },
            "schemas": _SCHEMAS,
        },
    }


def _object(required: Json, optional: Json | None = None) -> Json:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: Json, most: int | None = None) -> Json:
    return {"type": "array", "items": items} | ({"maxItems": most} if most else {})


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Json) -> Json:
    return {"content": {"application/json": {"schema": schema}}}


def _does(summary: str, answer: Json, *wrong: int, **more: Any) -> Json:
    """An operation. answer: its schema; an empty one is none, and 204."""
    answers: Json = {"200": {"description": "Done."} | _json(answer)}
    if not answer:
        answers = {"204": {"description": "Done."}}
    for status in sorted({401, 404, *wrong}):
        answers[str(status)] = {"description": _WRONG[status]} | _json(_ref("Error"))
    return {"summary": summary, "responses": answers, **more}


def _in_path(name: str, text: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT, "description": text}


def _in_query(name: str, text: str, schema: Json = _TEXT) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": text}


def _integer(least: int, most: int, default: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


_PAGE = [
    _in_query("limit", "How many at most.", _integer(1, MOST, LIMIT)),
    _in_query("offset", "How many to pass over first.", _integer(0, FARTHEST, 0)),
]
_ROOM = [
    _in_path("app", "The room's app."),
    _in_path("version", "The room's version."),
    _in_path("name", "The room's name."),
]
_CLIENT = [_in_path("id", "The client's id.")]

_NAME: Json = {"app": _TEXT, "name": _TEXT, "version": _TEXT}
_OF_ROOM: Json = _NAME | {
    "clients": _COUNT | {"description": "How many are in it."},
    "hidden": _FLAG,
    "isPasswordProtected": _FLAG,
}
_MAY_BE_OF_ROOM: Json = {
    "maxClients": {"type": "integer", "minimum": 1},
    "history": {"type": "integer", "minimum": 1, "description": "Messages that it keeps."},
}

_SCHEMAS: Json = {
    "Error": _object({"error": _TEXT | {"description": "What is wrong, and what would be right."}}),
    "RoomName": _object(_NAME),
    "Room": _object(_OF_ROOM, _MAY_BE_OF_ROOM),
    "RoomWithMembers": _object(
        _OF_ROOM | {"members": _list(_TEXT) | {"description": "The ids of its clients."}},
        _MAY_BE_OF_ROOM,
    ),
    "Client": _object(
        {
            "id": _TEXT,
            "address": _TEXT,
            "room": {"oneOf": [_ref("RoomName"), {"type": "null"}]},
            "seconds": {"type": "number", "minimum": 0, "description": "Since it came."},
            "received": _COUNT | {"description": "Messages that have come from it."},
            "sent": _COUNT | {"description": "Frames that it has been sent."},
            "waiting": _COUNT | {"description": "Bytes that it has not taken yet."},
        }
    ),
    "Message": _object(
        {"payload": {"description": "Any JSON."}},
        {"to": _list(_TEXT) | {"description": "The ids of those who get it; all, without."}},
    ),
}

_RATE: Json = {"type": "number", "minimum": 0}
_CLOSES: Json = {"type": "object", "additionalProperties": _COUNT}
_SAMPLE = _object(
    {
        "at": _COUNT | {"description": "Milliseconds since the Unix epoch."},
        "clients": _COUNT,
        "rooms": _COUNT,
        "messagesIn": _RATE | {"description": "A second, from clients."},
        "messagesOut": _RATE | {"description": "Frames a second, to clients."},
        "bytesOut": _RATE | {"description": "A second, to clients."},
        "waiting": _COUNT | {"description": "Bytes that wait to be sent, for all clients."},
        "closes": _CLOSES | {"description": "Clients gone since the last sample, by close code."},
    }
)
_FIGURES = _object(
    {
        "now": _SAMPLE,
        "samples": _list(_SAMPLE, 180),
        "closes": _CLOSES | {"description": "Clients gone since the start, by close code."},
        "interval": _COUNT | {"description": "Seconds between two samples."},
    }
)

_PATHS: Json = {
    "/api/openapi.json": {
        "get": _does("This document, which needs no token", {"type": "object"}) | {"security": []},
    },
    "/api/rooms": {
        "get": _does(
            "List the rooms, hidden ones too, in the order of making",
            _object({"rooms": _list(_ref("Room"), MOST), "total": _COUNT}),
            400,
            parameters=[
                _in_query("app", "Those of this app alone."),
                _in_query("name", "Those of this name alone."),
                _in_query("version", "Those alone whose version begins so."),
                _in_query("search", "Those alone that have this in their app or name."),
                *_PAGE,
            ],
        )
    },
    "/api/rooms/{app}/{version}/{name}": {
        "parameters": _ROOM,
        "get": _does("Look at a room, and who is in it", _ref("RoomWithMembers")),
        "delete": _does(
            "Close a room: all in it are told, and are in no room any more; it goes at once", {}
        ),
    },
    "/api/rooms/{app}/{version}/{name}/messages": {
        "parameters": _ROOM,
        "post": _does(
            "Send Data to a room, or to some of it",
            _object({"sent": _COUNT | {"description": "To how many clients."}}),
            400,
            413,
            415,
            requestBody={"required": True} | _json(_ref("Message")),
        ),
    },
    "/api/clients": {
        "get": _does(
            "List the clients, as they came or sorted",
            _object({"clients": _list(_ref("Client"), MOST), "total": _COUNT}),
            400,
            parameters=[
                _in_query("search", "Those alone whose id or address has this in it."),
                _in_query(
                    "sort",
                    "Those with most of this first; without, who came first.",
                    {"type": "string", "enum": ["waiting", "seconds", "received"]},
                ),
                *_PAGE,
            ],
        )
    },
    "/api/clients/{id}": {
        "parameters": _CLIENT,
        "get": _does("Look at a client", _ref("Client")),
        "delete": _does("Close a client's connection, with 1008", {}),
    },
    "/api/figures": {
        "get": _does("What the hub has counted, and its last 15 minutes", _FIGURES),
    },
}
