"""The browser client, where every page can import it."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

from flask import Blueprint, Flask, Response, request

BROWSER_CLIENT = "piehub_browser_client"  # the blueprint's name

_STATIC = Path(__file__).parent / "static"

# As what each is served: a browser runs no module of another type, and Python takes .ts for a film.
_FILES = {"pie.js": "text/javascript", "pie.d.ts": "application/typescript"}


def install(app: Flask) -> None:
    """Serve `/pie.js`, an ES module, and its types at `/pie.d.ts`."""
    blueprint = Blueprint(BROWSER_CLIENT, __name__)
    for name, kind in _FILES.items():
        text = (_STATIC / name).read_bytes()
        serve = partial(_serve, text, gzip.compress(text, mtime=0), kind)
        blueprint.add_url_rule(f"/{name}", name.replace(".", "_"), serve)
    app.register_blueprint(blueprint)


def _serve(text: bytes, packed: bytes, kind: str) -> Response:
    is_packed = request.accept_encodings.quality("gzip") > 0
    response = Response(packed if is_packed else text, mimetype=kind)
    if is_packed:
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    response.add_etag()
    response.cache_control.no_cache = True  # a hub that was updated has another one
    # A page of another origin may import a module only if we say so. It holds no secret.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.make_conditional(request)
    return response
