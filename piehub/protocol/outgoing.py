"""What the hub says: values in, JSON text (UTF-8) out (WebsocketPie, "Hub to client").

Times are integers, milliseconds since the Unix epoch. Keys that have no value are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from piehub.protocol.incoming import Envelope, RoomInfo

_BRACE = ord("}")
_encode = msgspec.json.Encoder().encode
_encode_anything = json.JSONEncoder(
    allow_nan=False, ensure_ascii=False, separators=(",", ":")
).encode
_envelope = msgspec.json.Decoder(Envelope).decode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def server_assigned(
    client_id: str, server_version: str, host_app_version: str | None, resume_token: str
) -> bytes:
    """The first message that a client gets."""
    message = {"type": "ServerAssignedData", "clientId": client_id, "serverVersion": server_version}
    if host_app_version is not None:
        message["hostAppVersion"] = host_app_version
    return _encode(message | {"resumeToken": resume_token})


def presence(clients: Iterable[str], time: int, *, present: bool) -> bytes:
    """Who is in the room now; `present` says whether somebody joined or left."""
    return _encode(
        {
            "type": "ClientPresenceChanged",
            "clients": list(clients),
            "time": time,
            "present": present,
        }
    )


def resolve(func: str, data: dict[str, Any]) -> bytes:
    """The promise that the client's `func` waits on is kept."""
    return _encode({"type": "ResolvePromise", "func": func, "data": data})


def reject(func: str, err: str) -> bytes:
    """The promise that the client's `func` waits on is refused."""
    return _encode({"type": "RejectPromise", "func": func, "err": err})


def err(message: str) -> bytes:
    """Something the client sent could not be done, and no promise waits on it."""
    return _encode({"type": "Err", "message": message})


def rooms(found: dict[str, Any]) -> bytes:
    """The answer to GetRooms."""
    return _encode({"type": "Rooms"} | found)


def stats(figures: dict[str, Any]) -> bytes:
    """The answer to GetStats."""
    return _encode({"type": "GetStats", "stats": figures})


def length(value: Any) -> int:
    """How many bytes `value` takes in a message."""
    return len(_encode(value))


def match_found(info: RoomInfo, clients: list[str]) -> bytes:
    """A match is made; the client is in its room."""
    room = {"app": info.app, "version": info.version, "name": info.name, "hidden": info.hidden}
    return _encode({"type": "MatchFound", "roomInfo": room, "clients": clients})


def joined(info: RoomInfo) -> dict[str, Any]:
    """A JoinRoom promise's data: the room, the settings that it has, never its password."""
    data: dict[str, Any] = {"app": info.app, "name": info.name, "version": info.version}
    if info.max_clients is not None:
        data["maxClients"] = info.max_clients
    if info.together_timeout_ms is not None:
        data["togetherTimeoutMs"] = info.together_timeout_ms
    if info.hidden is not None:
        data["hidden"] = info.hidden
    return data | {"isPasswordProtected": info.password is not None}


def signature(client_id: str) -> bytes:
    """What a client's Data is signed with on its way to others, for `relay_head`."""
    return b',"fromClient":' + json_text(client_id)


def relay_head(text: bytes, envelope: Envelope, signature: bytes) -> bytes:
    """A client's Data as it goes on to others, up to its time; `relay` ends it.

    text: the message as it came; every field travels as it was written.
    signature: the sender's, whatever it wrote itself as `fromClient`.
    """
    if envelope.fromClient is UNSET and envelope.time is UNSET:
        body = text[:-1] if text[-1] == _BRACE else text.rstrip(b" \t\r\n")[:-1]
    else:
        fields = _fields(text)
        fields.pop("fromClient", None)
        fields.pop("time", None)
        body = _encode(fields)[:-1]
    return body + signature


def relay(head: bytes, time: int) -> bytes:
    """End what `relay_head` began."""
    return head + _ending(time)


def numbered(text: bytes, seq: int) -> bytes:
    """A Data with its number in a room that keeps a history, whatever it said of one itself."""
    return without_seq(text)[:-1] + b',"seq":%d}' % seq


def without_seq(text: bytes) -> bytes:
    """A Data without the `seq` that its sender wrote."""
    if b'seq"' not in text and b"\\u" not in text:  # nor in other letters
        return text
    fields = _fields(text)
    if fields.pop("seq", None) is None:
        return text
    return _encode(fields)


def is_data(text: bytes) -> bool:
    """Whether what the app's own code has written is Data."""
    return bool(_envelope(text).type == "Data")


@lru_cache(maxsize=1)  # a busy hub says many things in a millisecond
def _ending(time: int) -> bytes:
    return b',"time":%d}' % time


def json_text(value: Any) -> bytes:
    """`value` as JSON text. For what the hub was handed by a developer's code, and for ids.

    The standard library's encoder, because it also writes what a message may hold and msgspec
    refuses. Raises TypeError or ValueError for what JSON has no words for: sets, NaN, cycles, half
    a surrogate pair; ValueError for what is nested too deep to be written.
    """
    try:
        return _encode_anything(value).encode()
    except RecursionError:
        raise ValueError("The message is nested too deep to be written as JSON") from None


def room_data(payload: Any, time: int, from_client: str | None = None) -> bytes:
    """Data that the server itself sends, from a host app or a view. Raises as `json_text`."""
    message = {"type": "Data", "payload": payload}
    if from_client is not None:
        message["fromClient"] = from_client
    return json_text(message | {"time": time})
