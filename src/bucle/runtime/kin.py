"""Kin: all that descends from a supervisor: counted, measured, brought to a standstill, and ended."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bucle.runtime import linux
from bucle.runtime.attempt import Limits, Reason

_PATIENCE_S = 10.0
_PAUSE_S = 0.005
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_THREADS = 17  # field 20 of /proc/PID/stat, counted after "pid (name)"
_RESIDENT = 21  # field 24
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A limit that was exceeded, in words for the person whose job it was."""

    reason: Reason
    detail: str


def excess(limits: Limits) -> Excess | None:
    """Return which limit the kin of this process exceeds now, or None.

    A page that several processes share is counted once, by their proportional shares (proc_pid_smaps(5)); these are
    read only where the plain sum is too much, for they cost the kernel a walk through every mapping.
    """
    if limits.tree_tasks is None and limits.tree_bytes is None:
        return None
    tasks, resident = _count(descendants())
    if limits.tree_tasks is not None and tasks > limits.tree_tasks:
        detail = f"it ran {tasks} processes and threads, of {limits.tree_tasks} that it may"
        return Excess(reason="processes_exceeded", detail=detail)
    if limits.tree_bytes is not None and sum(resident.values()) > limits.tree_bytes:
        used = sum(_share(pid, held) for pid, held in resident.items())
        if used > limits.tree_bytes:
            detail = f"it used {_amount(used)} of memory, of {_amount(limits.tree_bytes)} that it may"
            return Excess(reason="memory_exceeded", detail=detail)
    return None


def end_kin() -> int:
    """Kill and bury every descendant that is left; return how many could not be within ten seconds.

    They are stopped before they are killed, until none is found that was not: whoever forks faster than it is killed
    would never end.
    """
    give_up_at = time.monotonic() + _PATIENCE_S
    stopped: set[int] = set()
    while (fresh := set(descendants()) - stopped) and time.monotonic() < give_up_at:
        for pid in fresh:
            _send(pid, signal.SIGSTOP)
        stopped |= fresh
    while (left := descendants()) and time.monotonic() < give_up_at:
        for pid in left:
            _send(pid, signal.SIGKILL)
        while _bury_one():
            pass
        time.sleep(_PAUSE_S)
    return len(left)


def descendants() -> Sequence[int]:
    """Return the pids of all that descend from this process, which adopts what loses its parent; zombies included."""
    found: list[int] = []
    below = list(linux.children())
    while below:
        pid = below.pop()
        found.append(pid)
        below += linux.children_of(pid)
    return found


def _count(pids: Sequence[int]) -> tuple[int, Mapping[int, int]]:
    """Return how many threads processes have in all, and the bytes that each of them holds in memory."""
    tasks, resident = 0, {}
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1].split()
            tasks += int(fields[_THREADS])
            resident[pid] = int(fields[_RESIDENT]) * _PAGE_BYTES
    return tasks, resident


def _share(pid: int, resident: int) -> int:
    """Return a process's proportional share of memory in bytes; all that it holds where it lets nobody look."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return resident


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _bury_one() -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    return False


def _amount(count: int) -> str:
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
