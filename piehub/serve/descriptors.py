"""How many sockets this process may open."""

from __future__ import annotations

import logging

log = logging.getLogger("piehub")


def raise_limit() -> None:
    """Lift the soft limit for open files, usually 1024, to the hard one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # macOS has more to say than its hard limit tells
        log.warning("piehub: this process may open %d files only: %s", soft, error)
