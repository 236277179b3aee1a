"""What a hub does, in figures, for Prometheus: /metrics."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, request

from piehub.hub import Hub
from piehub.web import token

_EXPORTER = "piehub.exporter"  # the app's extension, where somebody may see it


def install(app: Flask, hub: Hub) -> None:
    """Let `hub` keep Prometheus's objects up to date, if anybody has a token to see them.

    Raises SettingError where several processes are to share them in a folder that is none.
    """
    if hub.settings.admin_token or hub.settings.metrics_token:
        # It takes memory and time that a hub without a token need not pay.
        from piehub.web.exporter import Exporter

        app.extensions[_EXPORTER] = exporter = Exporter(hub.figures)
        hub.figures.watchers.append(exporter.update)


def blueprint() -> Blueprint:
    """/metrics, for either token, of whichever app's hub."""
    blueprint = Blueprint("piehub_metrics", __name__)
    blueprint.before_request(token.required("admin_token", "metrics_token"))

    @blueprint.get("/metrics")
    def metrics() -> Response:
        exporter = current_app.extensions[_EXPORTER]
        text, content_type = exporter.scrape(request.headers.get("Accept", ""))
        return Response(text, content_type=content_type)

    return blueprint
