"""How much of the processor a process has had, with all that it has started."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Times(NamedTuple):
    """Seconds. waited: for a core, while others had it."""

    used: float
    waited: float


def times(pid: int | None) -> Times | None:
    """Those of a process up to now; None where nobody says, as elsewhere than on Linux."""
    if pid is None:
        return None
    with suppress(OSError, ValueError, IndexError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        started = [theirs for child in children if (theirs := times(int(child)))]
        used = _used(pid) + sum(each.used for each in started)
        return Times(used, _waited(pid) + sum(each.waited for each in started))
    return None


def _used(pid: int) -> float:
    # The name of the program stands in parentheses, and may hold anything; utime and stime are the
    # 14th and 15th field of all (proc(5)).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks: float = os.sysconf("SC_CLK_TCK")
    return (int(fields[11]) + int(fields[12])) / ticks


def _waited(pid: int) -> float:
    # Of its first thread, in nanoseconds; a kernel may be built without.
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0
