"""`flask pie ...` and `piehub ...`: what there is to type.

What a command does is imported when it runs: an app that serves needs none of it, and is patched
by gevent only later.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

Command = Callable[..., Any]

TOKEN = "PIEHUB_ADMIN_TOKEN"  # noqa: S105, a name


@click.group("pie", cls=AppGroup)
def group() -> None:
    """Look at a hub, and talk to one."""


def _default_url() -> str:
    return f"http://127.0.0.1:{os.environ.get('PORT') or 8080}"


def _token(token: str | None) -> str | None:
    """The one that was given, or else the app's own."""
    configured = current_app.config.get(TOKEN) if current_app else None
    return (token or configured or "").strip() or None


def _url(command: Command) -> Command:
    return click.option(
        "--url",
        default=_default_url,
        show_default="http://127.0.0.1 and PORT",
        help="Of the hub, with what its app has before /api.",
    )(command)


def _token_option(command: Command) -> Command:
    return click.option(
        "--token",
        envvar=TOKEN,
        show_envvar=True,
        help="The hub's own PIEHUB_ADMIN_TOKEN; others of this machine can see what is typed.",
    )(command)


_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


@group.command()
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- GUNICORN'S OPTIONS]")
@click.option("--url", help="Look at the hub that runs there instead, as its clients see it.")
@_token_option
@_json
def doctor(options: tuple[str, ...], url: str | None, token: str | None, as_json: bool) -> None:
    """Say what would go wrong in production, and what to do.

    Behind -- come the options that gunicorn is started with: doctor -- -k gevent --preload. Exit
    status 1 if something is wrong.
    """
    from piehub.commands import doctor

    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if not doctor.examine(app, options, url, _token(token), as_json=as_json):
        sys.exit(1)


@group.command(with_appcontext=False)
@_url
@_token_option
@click.option("--app", help="Only those of this app.")
@click.option("--name", help="Only those of this name.")
@click.option("--version", help="Only those whose version begins so.")
@_json
def rooms(url: str, token: str | None, as_json: bool, **search: str | None) -> None:
    """List the rooms of a hub that runs."""
    from piehub.commands import rooms

    wanted = {name: value for name, value in search.items() if value}
    rooms.show(url, _token(token), wanted, as_json=as_json)


@group.command(with_appcontext=False)
@_url
@_token_option
@click.option("--app", required=True, help="The room's.")
@click.option("--version", required=True, help="The room's.")
@click.option("--name", default="default", show_default=True, help="The room's.")
@click.option("--to", multiple=True, metavar="ID", help="Only this client of it; again for more.")
@click.argument("payload")
def send(
    url: str,
    token: str | None,
    app: str,
    version: str,
    name: str,
    to: tuple[str, ...],
    payload: str,
) -> None:
    """Send PAYLOAD, which is JSON, to a room; - reads it from standard input."""
    from piehub.commands import send

    send.send(url, _token(token), (app, version, name), payload, to)


@group.command(with_appcontext=False)
@click.option("--url", help="Of a hub that runs; by itself, one is started for this.")
@click.option("--clients", type=click.IntRange(1, 2000), default=100, show_default=True)
@click.option("--rooms", type=click.IntRange(1, 2000), help="A tenth of the clients, by itself.")
@click.option("--seconds", type=click.IntRange(1, 60), default=5, show_default=True)
@click.option(
    "--rate",
    type=click.FloatRange(0, 10_000),
    help="Messages a second of a client at most, 0 is no limit; by itself 50 with --url, as a hub "
    "closes who sends over 60.",
)
@click.option("--yes", is_flag=True, help="Another machine, too.")
@_json
def bench(
    url: str | None,
    clients: int,
    rooms: int | None,
    seconds: int,
    rate: float | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Put a small load on a hub, and say how fast it was."""
    from piehub.commands import bench

    path = current_app.config.get("PIEHUB_PATH", "/") if current_app and url else "/"
    plan = bench.Plan(
        clients=clients,
        rooms=min(clients, rooms or max(1, clients // 10)),
        seconds=seconds,
        rate=(50.0 if url else 0.0) if rate is None else rate,
    )
    bench.run(url, path, plan, may_go=yes, as_json=as_json)
