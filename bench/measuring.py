"""What the benchmarks measure with: medians of wall and CPU time, resident memory, a command of this installation."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROUNDS = 5


def cpu_of(command: Sequence[str]) -> str:
    """Return the median CPU milliseconds of a command."""
    taken = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return f"{statistics.median(taken) * 1000:.0f} ms"


def seconds_of(act: Callable[[], object]) -> float:
    """Return the wall time of an act."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def median_ms(act: Callable[[], object], rounds: int) -> str:
    """Return the median of an act's wall time."""
    return f"{statistics.median(seconds_of(act) for _ in range(rounds)) * 1000:.1f} ms"


def rss_of(pid: int) -> int:
    """Return the resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def bucle(home: Path, *arguments: str) -> list[str]:
    """Return a command of this installation."""
    return [sys.executable, "-m", "bucle", *arguments, "--home", str(home)]
