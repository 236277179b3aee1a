"""A hub that is somewhere, by its URL."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from click import ClickException

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class Target(NamedTuple):
    """scheme: http or https. netloc: host and port as given. path: of the URL, "" if none."""

    scheme: str
    netloc: str
    host: str
    path: str

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def base(self) -> str:
        """What the paths of an API come behind."""
        return self.origin + self.path

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine, by all that its name stands for."""
        try:
            found = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return False
        return all(ip_address(address[0]).is_loopback for *_, address in found)

    def websocket(self, path: str) -> str:
        """Where its WebSocket is opened. path: where, if the URL itself says none."""
        return f"ws{self.scheme.removeprefix('http')}://{self.netloc}{self.path or path}"


def read(url: str) -> Target:
    """Take a URL apart. Raises ClickException for one that is none."""
    given = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port  # which raises for one that is none
    except ValueError:
        host = None
    if not host or parts.scheme not in _SCHEMES or not given.isascii() or set(given) & set(" \\"):
        raise ClickException(f"{url!r} is no URL such as http://127.0.0.1:8080")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ClickException(f"{url!r}: only a host, a port and a path are taken")
    return Target(_SCHEMES[parts.scheme], parts.netloc, host, parts.path.rstrip("/"))
