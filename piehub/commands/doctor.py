"""What would go wrong in production, here or at a hub that runs."""

from __future__ import annotations

import os
from collections.abc import Sequence

from flask import Flask

from piehub.commands import findings, gunicorn, here, target, there
from piehub.hub import Hub


def examine(
    app: Flask, options: Sequence[str], url: str | None, token: str | None, *, as_json: bool
) -> bool:
    """Print what is so, and return whether all is well but for warnings.

    options: what would be typed behind `gunicorn`. url: of a running hub, to look at that instead.
    """
    hub: Hub = app.extensions["piehub"]
    settings = hub.settings
    if url:
        found = list(there.examine(target.read(url), settings.path, token))
    else:
        found = gunicorn.examine(options, settings.max_clients)
        found += here.examine(app, os.environ)
    findings.show(found, as_json=as_json)
    return findings.is_well(found)
