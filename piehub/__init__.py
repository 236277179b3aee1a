"""piehub: a WebSocket room hub in Python that speaks WebsocketPie's protocol."""

from piehub.app import create_app
from piehub.extension import PieHub
from piehub.host_app import HostApp
from piehub.version import __version__

__all__ = ["HostApp", "PieHub", "__version__", "create_app"]
