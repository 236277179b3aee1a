"""What is told of rooms to those who ask: GetRooms, GetStats, the server's own code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from piehub.protocol.incoming import RoomInfo, Search
from piehub.rooms.room import Room


@dataclass(frozen=True)
class RoomView:
    """A room as server code sees it."""

    app: str
    name: str
    version: str
    clients: tuple[str, ...]
    max_clients: int | None
    hidden: bool
    is_password_protected: bool


def view(room: Room) -> RoomView:
    """The room as it is now."""
    info = room.info
    return RoomView(
        app=info.app,
        name=info.name,
        version=info.version,
        clients=tuple(room.members),
        max_clients=info.max_clients,
        hidden=bool(info.hidden),
        is_password_protected=info.password is not None,
    )


def search(rooms: Iterable[Room], wanted: Search) -> list[dict[str, Any]]:
    """Those that are not hidden and match: `app` and `name` whole, `version` by its start."""
    return [
        _details(room) if wanted.details else _name(room.info)
        for room in rooms
        if not room.info.hidden and _matches(room.info, wanted)
    ]


def stats(
    rooms: list[Room], *, life_time_clients: int, uptime: float, matchmaking: dict[str, Any]
) -> dict[str, Any]:
    """The figures of GetStats; `uptime` comes in seconds and goes out in milliseconds."""
    return {
        "rooms": [
            _name(room.info)
            | {"isPasswordProtected": room.info.password is not None, "clients": len(room.members)}
            for room in rooms
            if not room.info.hidden
        ],
        "roomsHidden": sum(1 for room in rooms if room.info.hidden),
        "lifeTimeClients": life_time_clients,
        "uptime": int(uptime * 1000),
        "matchmaking": {
            **matchmaking,
            "playersInMatchmakingGames": sum(len(room.members) for room in rooms if room.is_match),
        },
    }


def _matches(info: RoomInfo, search: Search) -> bool:
    return (
        (not search.app or info.app == search.app)
        and (not search.name or info.name == search.name)
        and info.version.startswith(search.version)
    )


def _name(info: RoomInfo) -> dict[str, Any]:
    return {"app": info.app, "name": info.name, "version": info.version}


def _details(room: Room) -> dict[str, Any]:
    details = _name(room.info) | {"clients": len(room.members)}
    if room.info.max_clients is not None:
        details["maxClients"] = room.info.max_clients
    return details | {"isPasswordProtected": room.info.password is not None}
