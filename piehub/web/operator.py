"""All that operators get, in one blueprint."""

from __future__ import annotations

from flask import Blueprint

from piehub.web import api, dashboard, metrics

OPERATOR = "piehub_operator"  # the blueprint's name


def blueprint() -> Blueprint:
    """For an app that has a hub: `/api`, `/dashboard`, which is a page for it, and `/metrics`. What
    is there without a token, is so because it may be."""
    parts = Blueprint(OPERATOR, __name__)
    parts.register_blueprint(api.blueprint())
    parts.register_blueprint(dashboard.blueprint())
    parts.register_blueprint(metrics.blueprint())
    return parts
