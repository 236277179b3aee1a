"""create_app(): the stand-alone hub."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask

from piehub import logs
from piehub import settings as settings_module
from piehub.extension import PieHub
from piehub.host_app import HostApp
from piehub.settings import PREFIX
from piehub.web import metrics, views


def create_app(*, host_app: type[HostApp] | None = None, **settings: Any) -> Flask:
    """Make the Flask app of a hub on its own, with a page at `/`, `/healthz`, and its figures at
    `/metrics` and `/api/figures` for those who have a token.

    Settings come from the environment (docs/settings.md); `settings`, such as PIEHUB_PATH="/ws",
    go before it. Raises SettingError.
    """
    app = Flask("piehub", static_folder=None)
    app.config.update(
        {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    )
    app.config.update(settings)
    logs.configure(settings_module.load(app.config))  # before the hub has something to say
    PieHub(app, host_app=host_app)
    app.register_blueprint(views.pages(app.extensions["piehub"]))
    app.register_blueprint(metrics.blueprint())
    return app
