"""What operators see of a hub, and end. All of it may be asked for in any thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from piehub import signals
from piehub.hub import Hub
from piehub.protocol import outgoing
from piehub.protocol.incoming import RoomInfo, Search
from piehub.rooms.listing import RoomView
from piehub.rooms.registry import RoomKey
from piehub.session import Client
from piehub.wire import close_codes

_ROOM_CLOSED = outgoing.err("The operator has closed this room")

log = logging.getLogger("piehub")


@dataclass(frozen=True)
class ClientView:
    """A client as it is now. seconds: since it came. received: messages. sent: frames. waiting:
    bytes that it has not taken yet."""

    id: str
    address: str
    room: RoomInfo | None
    seconds: float
    received: int
    sent: int
    waiting: int


# What sorts clients, those first that stand out.
SORTS: dict[str, Callable[[Client], float]] = {
    "waiting": lambda client: -client.outbox.waiting,
    "seconds": lambda client: client.opened_at,
    "received": lambda client: -client.received,
}


def rooms(
    hub: Hub, wanted: Search, search: str, *, limit: int, offset: int
) -> tuple[list[RoomView], int]:
    """Of the rooms that match, hidden ones too, and have `search` in their app or name, `limit`
    behind the first `offset`, in the order of making; and how many there are in all."""
    nothing: tuple[list[RoomView], int] = ([], 0)
    return hub.run(lambda: hub.registry.page(wanted, search, limit, offset), nothing)


def room(hub: Hub, key: RoomKey) -> RoomView | None:
    """One room, if there is such a room."""
    return hub.run(lambda: hub.registry.view(key), None)


def close_room(hub: Hub, key: RoomKey) -> bool:
    """Take everybody out of a room, and let it go with all that it keeps. Returns whether there was
    such a room. Its clients are told, and their connections stay."""
    return hub.run(lambda: _close_room(hub, key), False)


def _close_room(hub: Hub, key: RoomKey) -> bool:
    closed = hub.registry.close(key, _ROOM_CLOSED)
    if closed is None:
        return False
    info, members = closed
    app, name, version = key
    log.info(
        "room closed by the operator app=%(app)r name=%(name)r version=%(version)r "
        "clients=%(clients)d",
        {"app": app, "name": name, "version": version, "clients": len(members)},
    )
    if hub.hooks.on_leave or signals.room_left.receivers:
        losers = cast(tuple[Client, ...], members)
        for loser in losers:
            loser.lose(info)
        hub.runtime.spawn(lambda: _tell_losses(hub, losers))
    return True


def _tell_losses(hub: Hub, losers: tuple[Client, ...]) -> None:
    # They may be thousands, and others are to be served meanwhile.
    for loser in losers:
        loser.tell_loss_soon()
        hub.runtime.sleep(0)


def send(hub: Hub, key: RoomKey, text: bytes, to: list[str] | None) -> int | None:
    """Send what `hub.sendable` has made to a room, or to the clients of it that are named. Returns
    to how many it goes; None where there is no such room."""
    registry = hub.registry
    return hub.run(lambda: registry.announce(key, text, to) if registry.view(key) else None, None)


def clients(
    hub: Hub, search: str, *, sort: str | None, limit: int, offset: int
) -> tuple[list[ClientView], int]:
    """Of the clients whose id or address has `search` in it, `limit` behind the first `offset`, by
    one of SORTS or as they came; and how many there are in all."""
    nothing: tuple[list[ClientView], int] = ([], 0)
    return hub.run(lambda: _clients(hub, search, sort, limit, offset), nothing)


def _clients(
    hub: Hub, search: str, sort: str | None, limit: int, offset: int
) -> tuple[list[ClientView], int]:
    found = cast(list[Client], hub.registry.clients())
    if search:
        found = [one for one in found if search in one.id or search in one.address]
    if sort:
        found.sort(key=SORTS[sort])
    return [_view(hub, one) for one in found[offset : offset + limit]], len(found)


def client(hub: Hub, client_id: str) -> ClientView | None:
    """One client, if there is such a client."""
    return hub.run(lambda: _view(hub, found) if (found := _find(hub, client_id)) else None, None)


def close_client(hub: Hub, client_id: str) -> bool:
    """Close a client's connection with 1008. Returns whether there was such a client."""
    return hub.run(lambda: _close_client(hub, client_id), False)


def _close_client(hub: Hub, client_id: str) -> bool:
    found = _find(hub, client_id)
    if found is None:
        return False
    log.info(
        "client closed by the operator id=%(id)r address=%(address)s",
        {"id": found.id, "address": found.address},
    )
    found.close(close_codes.POLICY_VIOLATION, "closed by the operator")
    return True


def _find(hub: Hub, client_id: str) -> Client | None:
    return cast("Client | None", hub.registry.client(client_id))


def _view(hub: Hub, client: Client) -> ClientView:
    return ClientView(
        id=client.id,
        address=client.address,
        room=client.room,
        seconds=hub.clock.monotonic() - client.opened_at,
        received=client.received,
        sent=client.outbox.sent,
        waiting=client.outbox.waiting,
    )
