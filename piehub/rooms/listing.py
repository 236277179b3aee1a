"""What is told of rooms to those who ask: GetRooms, GetStats, the server's own code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from piehub.protocol import outgoing
from piehub.protocol.incoming import RoomInfo, Search
from piehub.rooms.room import Room

T = TypeVar("T")


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
    history: int | None = None  # messages that it keeps


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
        history=info.history,
    )


def page(
    rooms: Iterable[Room], wanted: Search, text: str, limit: int, offset: int
) -> tuple[list[RoomView], int]:
    """Of those that match, as for `search` but hidden or not, and have `text` in their app or name,
    some; and how many there are."""
    found = [room for room in rooms if _matches(room.info, wanted) and _has(room.info, text)]
    return [view(room) for room in found[offset : offset + limit]], len(found)


def search(rooms: Iterable[Room], wanted: Search, most: int) -> dict[str, Any]:
    """Those that are not hidden and match: `app` and `name` whole, `version` by its start.

    most: bytes for the whole answer, which says `more` if they are not enough.
    """
    found = [room for room in rooms if not room.info.hidden and _matches(room.info, wanted)]
    space = most - len(outgoing.rooms({"rooms": [], "more": True}))
    told = _as_many_as_fit(found, _details if wanted.details else _name, _is_empty, space)
    return {"rooms": told} | ({"more": True} if len(told) < len(found) else {})


def stats(
    rooms: list[Room],
    *,
    life_time_clients: int,
    uptime: float,
    matchmaking: dict[str, Any],
    most: int,
) -> dict[str, Any]:
    """The figures of GetStats; `uptime` comes in seconds and goes out in milliseconds.

    most: as for `search`; the queues take no more than half of it.
    """
    shown = [room for room in rooms if not room.info.hidden]
    queues = list(matchmaking["queues"].items())
    matches = matchmaking | {
        "queues": {},
        "playersInMatchmakingGames": sum(len(room.members) for room in rooms if room.is_match),
    }
    figures: dict[str, Any] = {
        "rooms": [],
        "roomsHidden": len(rooms) - len(shown),
        "lifeTimeClients": life_time_clients,
        "uptime": int(uptime * 1000),
        "matchmaking": matches,
    }
    space = most - len(outgoing.stats(figures | {"more": True}))
    told = matches["queues"] = dict(_as_many_as_fit(queues, tuple, _shortness, space // 2))
    space -= outgoing.length(told)
    figures["rooms"] = _as_many_as_fit(shown, _figures, _is_empty, space)
    is_all = len(figures["rooms"]) == len(shown) and len(told) == len(queues)
    return figures if is_all else figures | {"more": True}


def _as_many_as_fit(
    things: Sequence[T], tell: Callable[[T], Any], last: Callable[[T], int], space: int
) -> list[Any]:
    """What there is to `tell` of each, in so many bytes: in their order if that is enough for all,
    and else without those that come `last`."""
    told = _first(map(tell, things), space)
    return told if len(told) == len(things) else _first(map(tell, sorted(things, key=last)), space)


def _first(told: Iterable[Any], space: int) -> list[Any]:
    taken = []
    for one in told:
        space -= outgoing.length(one) + 1  # a comma
        if space < 0:
            break
        taken.append(one)
    return taken


def _is_empty(room: Room) -> bool:
    return not room.members


def _shortness(queue: tuple[str, int]) -> int:
    return -queue[1]


def _matches(info: RoomInfo, search: Search) -> bool:
    return (
        (not search.app or info.app == search.app)
        and (not search.name or info.name == search.name)
        and info.version.startswith(search.version)
    )


def _has(info: RoomInfo, text: str) -> bool:
    return text in info.app or text in info.name


def _name(room: Room) -> dict[str, Any]:
    return {"app": room.info.app, "name": room.info.name, "version": room.info.version}


def _figures(room: Room) -> dict[str, Any]:
    protected = room.info.password is not None
    return _name(room) | {"isPasswordProtected": protected, "clients": len(room.members)}


def _details(room: Room) -> dict[str, Any]:
    details = _name(room) | {"clients": len(room.members)}
    if room.info.max_clients is not None:
        details["maxClients"] = room.info.max_clients
    return details | {"isPasswordProtected": room.info.password is not None}
