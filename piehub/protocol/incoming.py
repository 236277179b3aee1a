"""What a client may say: JSON text in, checked values out (WebsocketPie, "Client to hub")."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from piehub.protocol.depth import is_deeper, too_deep
from piehub.protocol.fields import BadMessage, Check, kind
from piehub.protocol.limits import DEFAULT, MessageLimits
from piehub.protocol.numbers import text_of

MAX_HISTORY = 1000
MAX_MESSAGE_ID = 64

PROMISES = frozenset({"JoinRoom", "EnterMatchmaking", "LeaveMatchmaking"})

_INFINITY = 10**309
_RIGHT = 'a message is a JSON object such as {"type": "Data", "payload": 1}'

_HALF_PAIR = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
_FIRST_TYPE = re.compile(rb'"type"\s*:\s*"(\w+)"')


class Envelope(msgspec.Struct, gc=False):
    """The fields of a message that the hub itself reads; everything else stays text."""

    type: Any = None
    subType: Any = None  # noqa: N815, the wire's own spelling, here and below
    togetherId: Any = None  # noqa: N815
    whisperClientIds: Any = None  # noqa: N815
    fromClient: Raw | UnsetType = UNSET  # noqa: N815
    time: Raw | UnsetType = UNSET
    messageId: Any = None  # noqa: N815


@dataclass(frozen=True)
class RoomInfo:
    """A room's name and settings, as asked for by whoever makes it."""

    app: str
    version: str
    name: str = "default"
    max_clients: int | None = None
    together_timeout_ms: float | None = None
    hidden: bool | None = None
    password: str | None = field(default=None, repr=False)
    history: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells rooms apart: app, name and version."""
        return self.app, self.name, self.version


@dataclass(frozen=True)
class Recover:
    """What a client that comes back had last, of which life of its room."""

    epoch: str
    seq: int


@dataclass(frozen=True)
class Join:
    """A JoinRoom. `from_hub`: this roomInfo once came from a hub's ResolvePromise."""

    room: RoomInfo
    make: bool
    from_hub: bool
    recover: Recover | None = None


@dataclass(frozen=True)
class Match:
    """An EnterMatchmaking."""

    app: str
    version: str
    match_size: int


@dataclass(frozen=True)
class Search:
    """A GetRooms. An empty text matches every room."""

    app: str = ""
    name: str = ""
    version: str = ""
    details: bool = False


_envelope = msgspec.json.Decoder(Envelope).decode
_anything = msgspec.json.Decoder().decode


def decode(text: bytes, limits: MessageLimits = DEFAULT) -> Envelope:
    """Check that `text` (UTF-8) is a JSON object the hub can pass on, and read its envelope.

    Raises BadMessage for text that is not JSON, not an object, nested too deep, or holds
    half a surrogate pair. Whether the type is known is for the caller to say.
    """
    try:
        envelope = _envelope(text)
    except RecursionError:
        raise _bottomless(text, limits) from None
    except msgspec.ValidationError as error:
        raise BadMessage(_unreadable(error)) from None
    except msgspec.DecodeError as error:
        raise _undecodable(text, error, limits) from None
    depth = limits.depth
    if (
        len(text) > 2 * depth  # too few brackets have space in less
        and _brackets(text) > depth
        and is_deeper(text, depth)
    ):
        raise BadMessage(too_deep(depth), _promise(envelope.type))
    return envelope


def _brackets(text: bytes) -> int:
    """How many brackets open in an object, in strings or outside them."""
    # Looked for first: that hops over all else at once, where count takes byte by byte.
    arrays = text.count(b"[") if b"[" in text else 0
    return arrays + (text.count(b"{") if text.find(b"{", 1) > 0 else 1)


def join(text: bytes, limits: MessageLimits = DEFAULT) -> Join:
    """Read a JoinRoom that `decode` has passed. Raises BadMessage."""
    message = _fields(text, "JoinRoom")
    info = message.get("roomInfo")
    if not isinstance(info, dict):
        raise BadMessage(
            'JoinRoom needs roomInfo, an object such as {"app": "chat", "version": "1.0.0", '
            f'"name": "lobby"}}, not {kind(info)}',
            "JoinRoom",
        )
    check = Check(info, "roomInfo.", "JoinRoom", limits.name)
    room = RoomInfo(
        app=check.name("app"),
        version=check.name("version"),
        name=check.optional_name("name", "default"),
        max_clients=check.whole("maxClients", 1),
        together_timeout_ms=check.milliseconds("togetherTimeoutMs", limits.together_timeout_ms),
        hidden=check.boolean("hidden"),
        password=check.secret("password") or None,
        history=check.whole("history", 1, MAX_HISTORY),
    )
    make = Check(message, "", "JoinRoom").boolean("makeRoomIfNonExistant")
    # A hub's answer never holds the password; who was in the room knows whether there is one.
    from_hub = info.get("isPasswordProtected") is (room.password is not None)
    return Join(room, bool(make), from_hub, _recover(message.get("recover")))


def _recover(last: Any) -> Recover | None:
    if last is None:
        return None
    if not isinstance(last, dict):
        raise BadMessage(
            'recover must be an object such as {"epoch": "6f1c", "seq": 12}, with what the hub '
            f"said last, not {kind(last)}",
            "JoinRoom",
        )
    check = Check(last, "recover.", "JoinRoom")
    seq = check.whole("seq", 0)
    if seq is None:
        raise check.wrong("seq", "an integer of 0 or more")
    return Recover(check.name("epoch"), seq)


def match(text: bytes, limits: MessageLimits = DEFAULT) -> Match:
    """Read an EnterMatchmaking that `decode` has passed. Raises BadMessage."""
    check = Check(_fields(text, "EnterMatchmaking"), "", "EnterMatchmaking", limits.name)
    size = check.whole("matchSize", 2)
    if size is None:
        raise check.wrong("matchSize", "an integer of 2 or more")
    return Match(check.name("app"), check.name("version"), size)


def search(text: bytes, limits: MessageLimits = DEFAULT) -> Search:
    """Read a GetRooms that `decode` has passed. Raises BadMessage."""
    message = _fields(text, None)
    info = message.get("roomInfo")
    if info is None:
        info = {}
    if not isinstance(info, dict):
        raise BadMessage(
            f'GetRooms takes roomInfo as an object such as {{"app": "chat"}}, not {kind(info)}'
        )
    check = Check(info, "roomInfo.", None, limits.name)
    return Search(
        app=check.text("app") or "",
        name=check.text("name") or "",
        version=check.text("version") or "",
        details=bool(Check(message, "", None).boolean("details")),
    )


def whisper_ids(envelope: Envelope, limits: MessageLimits = DEFAULT) -> list[str]:
    """The clients that a Whisper names. Raises BadMessage."""
    ids = envelope.whisperClientIds
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise BadMessage(
            'A Whisper needs whisperClientIds, a list of client ids such as ["id-1", "id-2"]'
        )
    if len(ids) > limits.whisper_ids:
        raise BadMessage(f"A Whisper names at most {limits.whisper_ids} clients, not {len(ids)}")
    return ids


def message_id(envelope: Envelope) -> str | None:
    """What a sender calls its message, to send it again without doubling it. Raises BadMessage."""
    name = envelope.messageId
    if name is None:
        return None
    if not isinstance(name, str):
        raise BadMessage(f"messageId must be text, not {kind(name)}")
    if not 0 < len(name) <= MAX_MESSAGE_ID:
        raise BadMessage(
            f"messageId has {len(name)} characters; between 1 and {MAX_MESSAGE_ID} are allowed"
        )
    return name


def together_group(envelope: Envelope, limits: MessageLimits = DEFAULT) -> str | None:
    """The group that a Together message belongs to, as text; None when it names none.

    Ids are compared as JavaScript would print them, so that 5, 5.0 and "5" are one group.
    Raises BadMessage for an object or a list.
    """
    group = envelope.togetherId
    if group is None:
        return None
    if isinstance(group, bool):
        return "true" if group else "false"
    if isinstance(group, int | float):
        return text_of(group)
    if not isinstance(group, str):
        raise BadMessage(f"togetherId must be text, a number or a boolean, not {kind(group)}")
    if len(group) > limits.name:
        raise BadMessage(
            f"togetherId has {len(group)} characters; at most {limits.name} are allowed"
        )
    return group


def to_dict(text: bytes) -> dict[str, Any]:
    """A message that `decode` has passed, whole, for the app's own code. Raises nothing.

    What JavaScript reads as infinity comes as an integer beyond every double, which can be written
    as JSON again; a float's infinity could not.
    """
    message: dict[str, Any] = json.loads(text, parse_int=_integer, parse_float=_float)
    return message


def _integer(digits: str) -> int:
    # int() refuses more than 4300 digits.
    return int(digits) if len(digits) < 4000 else -_INFINITY if digits[0] == "-" else _INFINITY


def _float(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _integer(digits[0] + "0" * 4000)


def _fields(text: bytes, func: str | None) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = _anything(text)
    except msgspec.DecodeError as error:  # a number that no double holds
        raise BadMessage(_unreadable(error), func) from None
    return fields


def _unreadable(error: msgspec.DecodeError) -> str:
    what = str(error).partition(" - at ")[0]
    if what.endswith("out of range"):
        return "A number that the hub reads is beyond what any computer holds: 1.8e308 is the most"
    return f"{_RIGHT[0].upper()}{_RIGHT[1:]}: {what}"


def _promise(func: Any) -> str | None:
    return func if isinstance(func, str) and func in PROMISES else None


def _bottomless(text: bytes, limits: MessageLimits) -> BadMessage:
    """Say that `text` is nested deeper than can be read."""
    guess = _FIRST_TYPE.search(text)  # for certain, nothing can be known of it
    return BadMessage(too_deep(limits.depth), _promise(guess[1].decode()) if guess else None)


def _undecodable(text: bytes, error: msgspec.DecodeError, limits: MessageLimits) -> BadMessage:
    """Say why `text` was refused; a caller that waits on a promise is told by its promise."""
    if not text:
        return BadMessage(f"The message is empty; {_RIGHT}")
    try:
        envelope = _envelope(_HALF_PAIR.sub(b"?", text))
    except RecursionError:
        return _bottomless(text, limits)
    except msgspec.DecodeError:
        return BadMessage(f"The message is not JSON: {error}")
    return BadMessage(
        "The message holds half a surrogate pair, which is no character: "
        "a \\ud800 to \\udfff without its other half",
        _promise(envelope.type),
    )
