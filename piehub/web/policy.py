"""What a browser is told that it may do with the hub's pages."""

from __future__ import annotations

from flask import Response

# All that a page needs is the hub's own, and no other site may show it within its own pages.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def guard(response: Response) -> Response:
    """A blueprint's after_request."""
    response.headers.update(_HEADERS)
    return response
