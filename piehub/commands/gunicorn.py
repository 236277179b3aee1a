"""What gunicorn would run here, as it says itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from piehub.commands.findings import ERROR, WARNING, Finding
from piehub.serve import options

_PATIENCE = 60.0  # seconds


def examine(given: Sequence[str], max_clients: int) -> list[Finding]:
    """Of its workers, configuration, patching and open files.

    given: what would be typed behind `gunicorn`. max_clients: PIEHUB_MAX_CLIENTS.
    """
    if find_spec("gunicorn") is None:
        instead = "Start `python -m piehub` or `python wsgi.py`, which need none."
        return [Finding("gunicorn", WARNING, "gunicorn is not installed", instead)]
    if wrong := options.wrong_concurrency():
        return [Finding("workers", ERROR, wrong)]
    try:
        ran = subprocess.run(  # noqa: S603, ourselves
            [sys.executable, "-m", "piehub.commands.probe", str(max_clients), *given],
            # What can be imported here can be there.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        slow = f"gunicorn's configuration was not read after {_PATIENCE:.0f} s"
        return [Finding("gunicorn", ERROR, slow)]
    if ran.returncode or not ran.stdout:
        said = ran.stderr.strip().splitlines() or [f"it ended with {ran.returncode}"]
        return [Finding("gunicorn", ERROR, f"gunicorn would not start: {said[-1]}")]
    return [Finding(*each) for each in json.loads(ran.stdout)]
