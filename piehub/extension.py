"""PieHub: the hub as a Flask extension."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

import click
from flask import Blueprint, Flask, current_app

from piehub import cli
from piehub import host_app as host_apps
from piehub import settings as settings_module
from piehub.hooks import Authorize, Hooks, OnData, OnJoin, OnLeave
from piehub.host_app import HostApp
from piehub.hub import Hub
from piehub.rooms.listing import RoomView
from piehub.settings import SettingError
from piehub.web import browser_client, metrics, upgrade
from piehub.web import operator as operators

if TYPE_CHECKING:
    from piehub.testing import PieTestClient

AuthorizeT = TypeVar("AuthorizeT", bound=Authorize)
OnJoinT = TypeVar("OnJoinT", bound=OnJoin)
OnLeaveT = TypeVar("OnLeaveT", bound=OnLeave)
OnDataT = TypeVar("OnDataT", bound=OnData)

log = logging.getLogger("piehub")


class PieHub:
    """A WebSocket room hub for a Flask app.

        pie = PieHub(app)

    or, with an app factory, `pie = PieHub()` and later `pie.init_app(app)`. One PieHub may serve
    several apps; each has its own rooms. Settings are the PIEHUB_ entries of `app.config`.

    host_app: a subclass of HostApp, one instance of which lives in each room. PIEHUB_HOST_APP
        names one by `module:Class`.
    """

    def __init__(self, app: Flask | None = None, *, host_app: type[HostApp] | None = None) -> None:
        self._host_app = host_app
        self._hooks = Hooks()
        self._apps: WeakSet[Flask] = WeakSet()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Put a hub on `app`.

        Raises SettingError for a wrong setting, RuntimeError the second time.
        """
        if "piehub" in app.extensions:
            raise RuntimeError(f"{app} has a hub already; call init_app once for each app")
        settings = settings_module.load(app.config)
        for name, field in settings_module.FIELDS.items():
            app.config.setdefault(name, getattr(settings, field.name))
        host_app = self._host_app
        if host_app is None and settings.host_app:
            try:
                host_app = host_apps.find(settings.host_app)
            except ValueError as error:
                raise SettingError(f"PIEHUB_HOST_APP: {error}") from error
        hub = Hub(app, settings, self._hooks, host_app)
        app.extensions["piehub"] = hub
        self._apps.add(app)
        upgrade.install(app, hub)
        metrics.install(app, hub)
        if settings.serve_client:
            browser_client.install(app)
        app.cli.add_command(cli.group)
        hub.tell_of_origins()

    def send(
        self,
        *,
        app: str,
        name: str = "default",
        version: str,
        payload: Any,
        to: str | Iterable[str] | None = None,
    ) -> int:
        """Send Data to everyone in a room, or to the clients of it that `to` names.

        May be called from a view, a command or another thread. Returns to how many clients it
        goes: 0 where this process knows no such room. Raises TypeError or ValueError for a payload
        that is no JSON, ValueError for one that no outbox could hold, RuntimeError when the hub's
        thread is blocked.
        """
        hub = self._hub()
        text = hub.sendable(payload)
        named = [to] if isinstance(to, str) else None if to is None else list(to)
        count = hub.run(lambda: hub.registry.announce((app, name, version), text, named), 0)
        if not count and click.get_current_context(silent=True):
            log.warning(
                "Nobody got this message: rooms live in the memory of the process that serves "
                "them, and in this one there is nobody in app=%r name=%r version=%r",
                app,
                name,
                version,
            )
        return count

    def rooms(self) -> list[RoomView]:
        """Every room of this process, hidden ones too."""
        return self._hub().registry.views()

    def test_client(self, app: Flask | None = None, **request: Any) -> PieTestClient:
        """A client that joins rooms in process, for an app's tests.

        app: whose hub, if this PieHub serves several. request: its upgrade; see
        piehub.testing.PieTestClient, also for what is raised.
        """
        from piehub.testing import PieTestClient

        if app is None:
            app = self._hub().app
        elif app not in self._apps:
            raise RuntimeError(f"This PieHub is not on {app}; call init_app first")
        return PieTestClient(app, **request)

    def operator(self) -> Blueprint:
        """What operators get (docs/operating.md), to be put where the app wants it:

            app.register_blueprint(pie.operator(), url_prefix="/hub")

        Whoever shows PIEHUB_ADMIN_TOKEN may use it; without that setting it answers 404.
        """
        return operators.blueprint()

    def authorize(self, hook: AuthorizeT) -> AuthorizeT:
        """Decorator: asked before the upgrade, within the request.

        Return False to refuse with 403, or `flask.abort(401)`. Anything else lets the client in;
        what is neither None nor True becomes its `identity`. With such a hook, only pages of the
        hub's own host may connect, unless PIEHUB_ALLOWED_ORIGINS is set.
        """
        self._hooks.authorize.append(hook)
        if len(self._hooks.authorize) == 1:
            for app in self._apps:
                _hub_of(app).tell_of_origins()
        return hook

    def on_join(self, hook: OnJoinT) -> OnJoinT:
        """Decorator: hook(client, room) before a client joins.

        Return None to let it join, a text to refuse it with that, False to refuse it. `room` is
        what the client asks for; a room that exists already keeps the settings it has.

        For a client that enters matchmaking, `room.name` is "match": its room does not exist yet.
        """
        self._hooks.on_join.append(hook)
        return hook

    def on_leave(self, hook: OnLeaveT) -> OnLeaveT:
        """Decorator: hook(client, room) after a client has left its room."""
        self._hooks.on_leave.append(hook)
        return hook

    def on_data(self, hook: OnDataT) -> OnDataT:
        """Decorator: hook(client, room, message) before a Data goes on.

        Return None to send it as it came, a changed message to send that, False to drop it.
        """
        self._hooks.on_data.append(hook)
        return hook

    def _hub(self) -> Hub:
        apps = list(self._apps)
        if current_app and (here := current_app._get_current_object()) in apps:  # type: ignore[attr-defined]
            return _hub_of(here)
        if len(apps) != 1:
            raise RuntimeError(
                "Which app's rooms? Call this within `with app.app_context():`"
                if apps
                else "This PieHub serves no app yet; call init_app first"
            )
        return _hub_of(apps[0])


def _hub_of(app: Flask) -> Hub:
    hub: Hub = app.extensions["piehub"]
    return hub
