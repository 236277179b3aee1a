"""gunicorn reads this when it starts in this folder; PORT sets the port, options beat it all."""

from piehub.serve.gunicorn_conf import *  # noqa: F403, the hub's own settings and hooks
