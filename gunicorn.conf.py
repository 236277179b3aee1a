"""gunicorn reads this when it starts in this folder; PORT sets the port, options beat it all."""

from piehub.serve.gunicorn_conf import (
    bind,
    graceful_timeout,
    on_starting,
    post_worker_init,
    worker_class,
    worker_connections,
    workers,
)

__all__ = [
    "bind",
    "graceful_timeout",
    "on_starting",
    "post_worker_init",
    "worker_class",
    "worker_connections",
    "workers",
]
