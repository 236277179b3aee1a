"""piehub: a WebSocket room hub in Python that speaks WebsocketPie's protocol."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from piehub.version import __version__

if TYPE_CHECKING:
    from piehub.app import create_app
    from piehub.extension import PieHub
    from piehub.host_app import HostApp

__all__ = ["HostApp", "PieHub", "__version__", "create_app"]

_HOMES = {"HostApp": "piehub.host_app", "PieHub": "piehub.extension", "create_app": "piehub.app"}


def __getattr__(name: str) -> Any:
    # Imported when they are asked for: piehub.client needs none of the hub.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
