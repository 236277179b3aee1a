"""gunicorn's settings for a hub of our own."""

import os
import signal
import sys
from threading import Thread
from typing import Any

from piehub.serve.gunicorn_conf import *  # noqa: F403

control_socket_disable = True  # which another gunicorn of this user may have


def when_ready(server: Any) -> None:
    """gunicorn's hook, in the master: whoever started us may be killed, and cannot end us then."""
    Thread(target=_end_with_input, daemon=True).start()


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
