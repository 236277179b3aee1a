"""A client for Python: bots, tests, servers. It needs neither Flask nor the hub."""

from piehub.client.client import PieClient
from piehub.client.errors import NotConnected, PieError, PieTimeout, Refused
from piehub.client.messages import Messages
from piehub.client.state import ConnectInfo, Recovery

__all__ = [
    "ConnectInfo",
    "Messages",
    "NotConnected",
    "PieClient",
    "PieError",
    "PieTimeout",
    "Recovery",
    "Refused",
]
