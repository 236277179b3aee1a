"""The stand-alone hub's pages."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, render_template

from piehub.hub import Hub
from piehub.version import __version__
from piehub.web import policy

PAGES = "piehub_pages"  # the blueprint's name


def pages(hub: Hub) -> Blueprint:
    """`/`, a page that says the hub runs and how to connect, and `/healthz`."""
    blueprint = Blueprint(
        PAGES,
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static/piehub",
    )

    blueprint.after_request(policy.guard)

    @blueprint.get("/")
    def index() -> str:
        rooms, clients = hub.registry.counts()
        return render_template(
            "piehub/index.html",
            rooms=rooms,
            clients=clients,
            path=hub.settings.path,
            version=__version__,
        )

    @blueprint.get("/healthz")
    def health() -> tuple[Response, int]:
        rooms, clients = hub.registry.counts()
        status = "draining" if hub.is_draining else "ok"
        answer = jsonify(status=status, rooms=rooms, clients=clients, version=__version__)
        return answer, 503 if hub.is_draining else 200

    return blueprint
