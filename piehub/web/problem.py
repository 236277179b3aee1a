"""How operators are told what was wrong with a request, and what would be right."""

from __future__ import annotations

from typing import NoReturn

from flask import Response, abort, jsonify


def refuse(status: int, text: str, **headers: str) -> NoReturn:
    """Answer the request with {"error": text}, instead of all else."""
    response: Response = jsonify(error=text)
    response.status_code = status
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    abort(response)
