"""What a running hub is like from here, with whatever stands before it."""

from __future__ import annotations

import json
import ssl
import statistics
from collections.abc import Iterator
from datetime import datetime, timezone
from ipaddress import ip_address
from time import monotonic
from typing import Any

from click import ClickException
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from piehub.commands import api, http
from piehub.commands.findings import ERROR, OK, WARNING, Finding
from piehub.commands.target import Target

_PINGS = 5
_SLOW = 0.5  # seconds
_DAYS_LEFT = 14  # of a certificate, under which it should have been renewed
_NO_UPGRADE = (
    "What stands before the hub must pass Upgrade and Connection on, by HTTP/1.1: in nginx, "
    "proxy_http_version 1.1, proxy_set_header Upgrade $http_upgrade and proxy_set_header "
    "Connection upgrade."
)


def examine(target: Target, path: str, token: str | None) -> Iterator[Finding]:
    """Of its health, its upgrade, and what comes and goes over it.

    path: where WebSockets are opened, if the URL says none. token: the operator's, if there is one.
    """
    try:
        answer = http.fetch(target, f"{target.origin}/healthz")
    except http.Unreachable as error:
        yield Finding("health", ERROR, f"nobody answers at {target.origin}: {error}")
        return
    yield _health(target, answer)
    if target.scheme == "http" and not target.is_loopback:
        yield Finding(
            "tls",
            WARNING,
            "none: everybody on the way can read along, and no https page may connect",
            "Put a proxy with a certificate before it.",
        )
    yield from _websocket(target, target.websocket(path), token)


def _health(target: Target, answer: http.Answer) -> Finding:
    try:
        told = json.loads(answer.body)
        figures = f"piehub {told['version']}, {told['clients']} clients, {told['rooms']} rooms"
        status = told["status"]
    except (ValueError, KeyError, TypeError):
        return _no_health(target, answer)
    if answer.status == 200 and status == "ok":
        return Finding("health", OK, figures)
    return Finding("health", ERROR, f"the hub says {answer.status}, {status}: {figures}")


def _no_health(target: Target, answer: http.Answer) -> Finding:
    status = answer.status
    if 300 <= status < 400:
        where = answer.headers.get("Location")
        return Finding(
            "health",
            ERROR,
            f"{target.origin} sends us on to {where}, where no WebSocket follows",
            "Give that as --url.",
        )
    if status in (502, 503, 504):
        return Finding("health", ERROR, f"{status}: what stands before the hub does not reach it")
    text = f"/healthz says {status}, and nothing that a hub says"
    return Finding("health", WARNING, text, "An app with a hub of its own has no /healthz.")


def _websocket(target: Target, url: str, token: str | None) -> Iterator[Finding]:
    try:
        with connect(
            url,
            compression=None,
            proxy=None if target.is_loopback else True,
            open_timeout=http.TIMEOUT,
            close_timeout=1,
        ) as hub:
            yield Finding("upgrade", OK, f"{url} answers 101")
            yield from _certificate(hub)
            yield from _talk(target, hub, token)
    except InvalidStatus as error:
        answer = error.response
        body = http.Answer(answer.status_code, answer.headers, answer.body or b"")  # type: ignore[arg-type]
        yield _no_upgrade(url, body)
    except (OSError, InvalidHandshake) as error:
        yield Finding("upgrade", ERROR, f"{url}: {error or type(error).__name__}", _NO_UPGRADE)
    except WebSocketException as error:
        yield Finding("upgrade", ERROR, f"{url}: the connection ended: {error}")


def _no_upgrade(url: str, answer: http.Answer) -> Finding:
    said = f"{url} answers {answer.status}: {answer.text}"
    if answer.status in (401, 403):
        advice = "If `authorize` asks who comes, or an origin, this is as it should be."
        return Finding("upgrade", WARNING, said, advice)
    if answer.status in (429, 503):
        return Finding("upgrade", ERROR, said, "It is full, or restarts; docs/settings.md.")
    if answer.status == 404:
        return Finding("upgrade", ERROR, said, "PIEHUB_PATH says where the hub is; so does --url.")
    return Finding("upgrade", ERROR, said, _NO_UPGRADE)


def _certificate(hub: ClientConnection) -> Iterator[Finding]:
    if not isinstance(hub.socket, ssl.SSLSocket):
        return
    certificate: Any = hub.socket.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(certificate["notAfter"])
    days = (datetime.fromtimestamp(ends, timezone.utc) - datetime.now(timezone.utc)).days
    text = f"{hub.socket.version()}, and {days} days left of the certificate"
    yield Finding("tls", OK if days >= _DAYS_LEFT else WARNING, text)


def _talk(target: Target, hub: ClientConnection, token: str | None) -> Iterator[Finding]:
    try:
        hello = json.loads(hub.recv(http.TIMEOUT))
        client_id = hello["clientId"]
    except TimeoutError:
        text = f"nothing came within {http.TIMEOUT:.0f} s"
        yield Finding("greeting", ERROR, text, "What stands before it must hold nothing back.")
        return
    except (ValueError, KeyError, TypeError):
        yield Finding("greeting", ERROR, "what answers is no hub of this protocol")
        return
    yield _round_trip(hub)
    if token:
        yield from _address(target, hub, client_id, token)


def _round_trip(hub: ClientConnection) -> Finding:
    trips = []
    for _ in range(_PINGS):
        start = monotonic()
        if not hub.ping().wait(http.TIMEOUT):
            text = f"a ping was not answered within {http.TIMEOUT:.0f} s"
            return Finding("round trip", ERROR, text, "Pings must pass, as the hub sends them.")
        trips.append(monotonic() - start)
    median = statistics.median(trips)
    level = OK if median < _SLOW else WARNING
    return Finding("round trip", level, f"{median * 1000:.1f} ms, the median of {_PINGS} pings")


def _address(
    target: Target, hub: ClientConnection, client_id: str, token: str
) -> Iterator[Finding]:
    """Whether it is ours, as far as that can be told: behind a router we do not know ours."""
    try:
        seen = api.ask(target, token, "clients", client_id)["address"]
    except (ClickException, KeyError, TypeError) as error:
        text = error.message if isinstance(error, ClickException) else "the API is no hub's"
        yield Finding("address", WARNING, f"it could not be asked for: {text}")
        return
    ours, port = hub.local_address[:2]
    # The port is there if nobody has named the client, so whoever has connected to the hub.
    if seen in (ours, f"{ours}:{port}"):
        yield Finding("address", OK, f"the hub sees {seen}, which is ours")
        return
    host = _host(seen)
    if host != ours and _is_global(host):
        yield Finding("address", OK, f"the hub sees {seen}: this machine's router, or a proxy")
        return
    yield Finding(
        "address",
        WARNING,
        f"the hub sees {seen or 'a UNIX socket'}, which is not {ours}:{port}: if that is a proxy, "
        "all clients seem to come from there",
        f"Name it: PIEHUB_TRUSTED_PROXIES={host or 'unix'}",
    )


def _host(seen: str) -> str:
    host, _, port = seen.rpartition(":")
    return host if port.isdecimal() and _is_address(host) else seen


def _is_global(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_global


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
