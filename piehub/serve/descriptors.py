"""How many sockets this process may open."""

from __future__ import annotations


def raise_limit() -> None:
    """Lift the soft limit for open files, usually 1024, to the hard one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
