"""All that operators get, in one blueprint."""

from __future__ import annotations

from flask import Blueprint

from piehub.web import api, dashboard

OPERATOR = "piehub_operator"  # the blueprint's name


def blueprint() -> Blueprint:
    """For an app that has a hub: `/api`, and `/dashboard`, a page for it. What is there without a
    token, is so because it may be."""
    parts = Blueprint(OPERATOR, __name__)
    parts.register_blueprint(api.blueprint())
    parts.register_blueprint(dashboard.blueprint())
    return parts
