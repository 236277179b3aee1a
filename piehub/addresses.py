"""Which address a client comes from, past the proxies that are trusted to say so."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import NamedTuple

# Whoever has one address of IPv6 has as many as this leaves.
_ONE_SITE = 64


class Proxies(NamedTuple):
    """Who is believed. networks: addresses of theirs. unix: whoever connects by a UNIX socket."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    unix: bool = False


def proxies(words: object) -> Proxies | None:
    """Read a list such as `10.0.0.0/8, ::1, unix`; None for what is none."""
    if not isinstance(words, str):
        return None
    names = [word.strip() for word in words.split(",") if word.strip()]
    try:
        networks = tuple(ip_network(name) for name in names if name != "unix")
    except ValueError:
        return None
    return Proxies(networks, "unix" in names)


def of_client(remote: str, forwarded: str, trusted: Proxies) -> str:
    """The client's address, without a port.

    remote: who connected, "" for a UNIX socket. forwarded: X-Forwarded-For, to which each proxy has
    added, behind what it was told, who connected to it. So it is read from its end, and only as
    far as trusted proxies have written it: what stands before that is anybody's word.
    """
    host = remote
    for entry in reversed(forwarded.split(",") if forwarded else ()):
        if not _is_trusted(host, trusted):
            break
        address = _parse(_without_port(entry.strip()))
        # The zone of IPv6 means nothing on another machine, and may be any text.
        if address is None or "%" in str(address):
            break
        host = str(address)
    return host


def is_known(host: str, remote: str, forwarded: str) -> bool:
    """Whether `host`, which of_client found, is a client's own, and not that of a proxy which has
    not been named: a private address, or a UNIX socket, that has passed on somebody's request.

    From a public address that header is worth nothing: a client could write it to be unknown.
    """
    if host != remote or (host and not forwarded):
        return True
    address = _parse(host)
    return address is not None and address.is_global


def network(host: str) -> str:
    """What clients of one address are counted under: of IPv6, its network of 64 bits."""
    address = _parse(host)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _ONE_SITE), strict=False))
    return str(address or host)


def _is_trusted(host: str, trusted: Proxies) -> bool:
    address = _parse(host)
    if address is None:
        return trusted.unix
    return any(address in network for network in trusted.networks)


def _parse(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    # A socket for both families has those of IPv4 as ::ffff:192.0.2.1.
    return getattr(address, "ipv4_mapped", None) or address


def _without_port(entry: str) -> str:
    """Some proxies write `192.0.2.1:1234` and `[2001:db8::1]:1234`."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry
