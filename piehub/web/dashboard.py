"""The operators' dashboard: a page that shows what `/api` says, and does what `/api` can.

The page itself holds no secret and needs no token; it asks for one, and shows it to `/api`.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, render_template, request, send_from_directory
from werkzeug.exceptions import NotFound

from piehub.web import policy
from piehub.web.token import available_with

DASHBOARD = "piehub_dashboard"  # the blueprint's name

_STATIC = Path(__file__).parent / "static"
_FILES = ("dashboard.css", "dashboard.js", "hub.css", "icon.svg")


def blueprint() -> Blueprint:
    """`/dashboard`, which is there only if PIEHUB_ADMIN_TOKEN is set."""
    dashboard = Blueprint(DASHBOARD, __name__, template_folder="templates")
    dashboard.before_request(available_with("admin_token"))
    dashboard.after_request(policy.guard)

    @dashboard.get("/dashboard")
    def page() -> str:
        base = request.script_root + request.path.removesuffix("/dashboard")
        return render_template("piehub/dashboard.html", api=f"{base}/api")

    @dashboard.get("/dashboard/<name>")
    def file(name: str) -> Response:
        if name not in _FILES:
            raise NotFound
        return send_from_directory(_STATIC, name)

    return dashboard
