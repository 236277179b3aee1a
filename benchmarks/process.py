"""What the kernel knows of a process: its children, its memory, its CPU time."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """The processes that `pid` has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory(pid: int) -> int:
    """Resident memory, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def cpu_seconds(pid: int) -> float:
    """CPU time of all its threads since it started; /proc tells that in 10 ms steps only."""
    clock = (~pid << 3) | 2  # as clock_getcpuclockid(3) makes it
    return time.clock_gettime(clock)


def wait_until_quiet(pids: Iterable[int], *, patience: float = 60) -> None:
    """Wait until processes have done with what clients left them: together under 5 % of a core for
    0.1 s."""
    pids = list(pids)
    deadline = time.monotonic() + patience
    quiet = 0
    used = sum(map(cpu_seconds, pids))
    while quiet < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        before, used = used, sum(map(cpu_seconds, pids))
        quiet = quiet + 1 if used - before < 0.0025 else 0
