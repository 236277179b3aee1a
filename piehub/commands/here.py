"""What an app's settings, and the machine it is on, come to."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from flask import Flask
from gevent import monkey
from packaging.requirements import Requirement
from werkzeug.middleware.proxy_fix import ProxyFix

from piehub import memory, shares
from piehub.commands.findings import ERROR, OK, WARNING, Finding
from piehub.hub import ONLY_OWN_PAGES, Hub
from piehub.settings import Settings

_IDLE_CLIENT = 2_400  # bytes
_PROCESS = 64 * 1024**2  # bytes of Python, gevent, Flask and gunicorn's master
_SHORTEST_SECRET = 16
_MODULES = ("socket", "ssl", "select", "threading", "time")

# By what a platform is known that has a proxy before the app, and its time-out for silent
# WebSockets in seconds, if it says one.
_PLATFORMS = {
    "DYNO": ("Heroku", 55),
    "FLY_APP_NAME": ("Fly.io", None),
    "GAE_APPLICATION": ("App Engine", None),
    "KUBERNETES_SERVICE_HOST": ("Kubernetes", None),
    "K_SERVICE": ("Cloud Run", None),
    "RAILWAY_ENVIRONMENT_ID": ("Railway", None),
    "RENDER": ("Render", None),
    "WEBSITE_SITE_NAME": ("Azure's App Service", None),
}


def examine(app: Flask, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Of everything but what gunicorn settles."""
    hub: Hub = app.extensions["piehub"]
    settings = hub.settings
    yield from _patching()
    yield _memory(settings, has_host_apps=hub.host_app is not None)
    yield _proxy(app, settings, environment)
    yield _silence(settings, environment)
    yield _secret(app, settings)
    yield from _tokens(app, settings)
    yield _origins(settings, authorizes=bool(hub.hooks.authorize))
    yield _path(settings.path)
    yield from versions(_requirements())


def _patching() -> Iterator[Finding]:
    patched = [name for name in _MODULES if monkey.is_module_patched(name)]
    left = [name for name in _MODULES if name not in patched]
    if patched and left:
        yield Finding(
            "patching",
            ERROR,
            f"the app lets gevent patch {', '.join(patched)}, but not {', '.join(left)}",
            "Leave it to gunicorn's gevent worker, or call monkey.patch_all() before all else.",
        )


def _memory(settings: Settings, *, has_host_apps: bool) -> Finding:
    share, there = shares.of(settings), memory.of_machine()
    parts = {
        "slow clients": share.outboxes,
        "host apps": share.mailbox * settings.max_rooms if has_host_apps else 0,
        "together": share.together,
        "histories": share.histories,
        "idle clients": settings.max_clients * _IDLE_CLIENT,
        "the process": _PROCESS,
    }
    total = sum(parts.values())
    listed = ", ".join(f"{name} {_mebibytes(size)}" for name, size in parts.items() if size)
    text = f"at most {_mebibytes(total)} MiB of {_mebibytes(there)} ({listed})"
    if total <= there:
        return Finding("memory", OK, text)
    return Finding(
        "memory",
        WARNING,
        text,
        "Lower PIEHUB_OUTBOXES_BYTES, PIEHUB_TOGETHER_BYTES, PIEHUB_HISTORY_BYTES or "
        "PIEHUB_MAX_CLIENTS, or give it more: the kernel ends what takes more than there is.",
    )


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:,.0f}"


def _proxy(app: Flask, settings: Settings, environment: Mapping[str, str]) -> Finding:
    trusted = settings.trusted_proxies
    if trusted.networks or trusted.unix:
        named = [*map(str, trusted.networks), *(["unix"] if trusted.unix else [])]
        return Finding("proxy", OK, f"trusted to name clients: {', '.join(named)}")
    if isinstance(app.wsgi_app, ProxyFix):
        return Finding("proxy", OK, "werkzeug's ProxyFix names clients")
    if platforms := [name for key, (name, _) in _PLATFORMS.items() if key in environment]:
        return Finding(
            "proxy",
            WARNING,
            f"{' and '.join(platforms)} has a proxy before the hub, and PIEHUB_TRUSTED_PROXIES is "
            "not set: all clients seem to come from one address, and share its limits",
            "Set it to the address that the log shows as address=, or its network.",
        )
    return Finding("proxy", OK, "none, or PIEHUB_TRUSTED_PROXIES would have to name it")


def _silence(settings: Settings, environment: Mapping[str, str]) -> Finding:
    interval = settings.ping_interval
    if not interval:
        return Finding(
            "time-outs",
            WARNING,
            "PIEHUB_PING_INTERVAL is 0: who vanishes stays a client, and proxies end a WebSocket "
            "that is silent",
            "Leave it out; it is 25 s then.",
        )
    for key, (name, most) in _PLATFORMS.items():
        if key in environment and most and interval >= most:
            return Finding(
                "time-outs",
                ERROR,
                f"{name} ends a WebSocket that is silent for {most} s, and PIEHUB_PING_INTERVAL is "
                f"{interval:g}",
                f"Set it to {most // 2} or less.",
            )
    silent = interval + settings.ping_timeout
    return Finding(
        "time-outs",
        OK,
        f"a proxy must let a WebSocket be silent for more than {silent:g} s (PIEHUB_PING_INTERVAL "
        f"and PIEHUB_PING_TIMEOUT): in nginx, proxy_read_timeout {silent + 30:.0f}s",
    )


def _secret(app: Flask, settings: Settings) -> Finding:
    name = "PIEHUB_SECRET_KEY" if settings.secret_key else "SECRET_KEY"
    secret = settings.secret_key or app.secret_key
    make = "Set it to what `python -c 'import secrets; print(secrets.token_hex(32))'` says."
    if not secret:
        return Finding(
            "secrets",
            WARNING,
            "PIEHUB_SECRET_KEY is not set: after a restart, nobody can show that an id is theirs",
            make,
        )
    if len(secret) < _SHORTEST_SECRET:
        text = f"{name} has {len(secret)} characters, and can be guessed"
        return Finding("secrets", WARNING, text, make)
    return Finding("secrets", OK, f"{name} has {len(secret)} characters")


def _tokens(app: Flask, settings: Settings) -> Iterator[Finding]:
    admin, metrics = settings.admin_token, settings.metrics_token
    known_as = {
        "PIEHUB_SECRET_KEY": settings.secret_key,
        "SECRET_KEY": app.secret_key,
    }
    for name, token in (("PIEHUB_ADMIN_TOKEN", admin), ("PIEHUB_METRICS_TOKEN", metrics)):
        for other, secret in known_as.items():
            if token and token == secret:
                text = f"{name} is the same as {other}: who is shown one has the other"
                yield Finding("secrets", ERROR, text, "Set each to a random text of its own.")
                break
    if admin and admin == metrics:
        text = "PIEHUB_METRICS_TOKEN is the same as PIEHUB_ADMIN_TOKEN: it opens everything"
        yield Finding("secrets", WARNING, text, "Set each to a random text of its own.")


def _origins(settings: Settings, *, authorizes: bool) -> Finding:
    named = settings.allowed_origins.named
    if "*" in named and authorizes:
        return Finding(
            "origins",
            WARNING,
            "PIEHUB_ALLOWED_ORIGINS is *, and this app authorizes its clients: any page may "
            "connect in the name of whoever looks at it, if cookies say who that is",
            "Set it to the origins of your pages.",
        )
    if named:
        whose = "any" if "*" in named else ", ".join(sorted(named))
        return Finding("origins", OK, f"pages that may connect: {whose}")
    if authorizes:
        so, _, advice = ONLY_OWN_PAGES.partition(". ")
        return Finding("origins", WARNING, so, advice)
    return Finding(
        "origins",
        WARNING,
        "PIEHUB_ALLOWED_ORIGINS is not set: any page may connect",
        "Set it to the origins of your pages, such as https://example.com, or to * if that is "
        "right.",
    )


def _path(path: str) -> Finding:
    if path == "/":
        return Finding("path", OK, "/, where the published client comes back to")
    return Finding(
        "path",
        WARNING,
        f"PIEHUB_PATH is {path}: the published client (@websocketpie/client) drops the path when "
        "it reconnects, and does not come back",
        "Leave it out, or use the client that the hub serves at /pie.js.",
    )


def _requirements() -> list[Requirement]:
    """Those of requirements.txt beside the package; of the installed one, what it took from it."""
    file = Path(__file__).parents[2] / "requirements.txt"
    lines = file.read_text().splitlines() if file.exists() else metadata.requires("piehub") or []
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def versions(asked: list[Requirement]) -> Iterator[Finding]:
    """Whether what is installed is within `asked`."""
    there = []
    for requirement in asked:
        if requirement.marker and not requirement.marker.evaluate():
            continue
        name, wanted = requirement.name, requirement.specifier
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding("versions", ERROR, f"{name} is not installed", f"Install {name}{wanted}.")
            continue
        if wanted.contains(version, prereleases=True):
            there.append(f"{name} {version}")
        else:
            text = f"{name} {version} is installed, which is not {wanted}"
            yield Finding("versions", ERROR, text, f"Install {name}{wanted}.")
    yield Finding("versions", OK, f"Python {platform.python_version()}, {', '.join(there)}")
