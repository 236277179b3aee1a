"""How much memory this process may count on.

psutil knows the machine's, but not that of the container around us, which is what a platform gives.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_IF_NOBODY_SAYS = 2 * 1024**3  # bytes: on Windows

# Below /sys/fs/cgroup: of version 2, and of version 1.
_LIMITS = (("", "memory.max"), ("memory", "memory.limit_in_bytes"))


def of_machine(root: Path = Path("/")) -> int:
    """Bytes of the machine, or of the container if it has fewer. root: where /proc and /sys are."""
    return min([_physical(), *_limits(root)])


def _physical() -> int:
    with suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return _IF_NOBODY_SAYS


def _limits(root: Path) -> Iterator[int]:
    groups = {""}  # of the whole container, as it looks from within
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            groups.add(line.rpartition(":")[2].strip("/"))
    for group in groups:
        for hierarchy, limit in _LIMITS:
            # Where there is no limit, the first says "max", the other a huge number.
            with suppress(OSError, ValueError):
                yield int((root / "sys/fs/cgroup" / hierarchy / group / limit).read_text())
