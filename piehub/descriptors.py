"""How many files, and so sockets, this process may open, and for how many clients that is enough.

A server that has used them all up can neither take a request nor refuse one. So the clients get
three quarters, and what is left is for requests.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

_FOR_THE_PROCESS = 64  # its log, its listener, and what the app has open
_IF_NOBODY_SAYS = 1_000_000  # on Windows, or without a limit

_files_a_client = 1

log = logging.getLogger("piehub")

try:
    _resource: Any = import_module("resource")
except ImportError:  # Windows has no such limit
    _resource = None


def raise_limit() -> None:
    """Lift the soft limit for open files, usually 1024, to the hard one."""
    if _resource is None:
        return
    soft, hard = _resource.getrlimit(_resource.RLIMIT_NOFILE)
    try:
        _resource.setrlimit(_resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # macOS has more to say than its hard limit tells
        log.warning("piehub: this process may open %d files only: %s", soft, error)


def each_takes(files: int) -> None:
    """From here on, a client takes as many files, in this process."""
    global _files_a_client  # noqa: PLW0603, as the limit is the process's, too
    _files_a_client = files


def for_clients() -> int:
    """How many clients there is space for. Asked anew each time, as the limit may be lifted."""
    return _spare() * 3 // 4 // _files_a_client


def for_requests() -> int:
    """How many requests may be open at once, beside as many clients."""
    return max(1, _spare() - for_clients() * _files_a_client)


def needed_for(clients: int) -> int:
    """The limit, such as LimitNOFILE= of systemd, that leaves space for as many clients."""
    return clients * _files_a_client * 4 // 3 + _FOR_THE_PROCESS + 1


def shortage(clients: int) -> str | None:
    """What to say where there is no space for as many clients as there may be; None if there is."""
    if for_clients() >= clients:
        return None
    return (
        f"this process may open {limits()[0]} files, which is enough for {for_clients()} clients; "
        f"those beyond are refused, although PIEHUB_MAX_CLIENTS is {clients}. Raise the limit to "
        f"{needed_for(clients)} (ulimit -n, or LimitNOFILE= of systemd)."
    )


def tell_of(clients: int) -> None:
    """Say so where there is no space for as many clients as there may be."""
    if told := shortage(clients):
        log.warning("piehub: %s", told)


def limits() -> tuple[int, int]:
    """How many files may be open: by the soft limit, and by the hard one, to which that may go."""
    if _resource is None:
        return _IF_NOBODY_SAYS, _IF_NOBODY_SAYS
    soft, hard = _resource.getrlimit(_resource.RLIMIT_NOFILE)
    return _known(soft), _known(hard)


def _known(limit: int) -> int:
    return _IF_NOBODY_SAYS if limit == _resource.RLIM_INFINITY else limit


def _spare() -> int:
    return max(0, limits()[0] - _FOR_THE_PROCESS)
