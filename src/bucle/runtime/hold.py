"""Holding: the lock by which one process of a kind serves a folder for life, and what it says of itself in it."""

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from bucle.runtime import linux

_PROBE_INSTANT_S = 0.01
_PROBES_WAITED_OUT = 50


def take(path: Path) -> int | None:
    """Return the descriptor of the lock, held until it is closed; None when another process holds it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(_PROBES_WAITED_OUT):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            return lock
        time.sleep(_PROBE_INSTANT_S)  # whoever asks `is_held` has it for an instant
    os.close(lock)
    return None


def announce(lock: int, **facts: Any) -> None:
    """Say in a held lock that this process serves, with further facts."""
    who = {"pid": os.getpid(), "start": linux.start_time(os.getpid())}
    os.pwrite(lock, json.dumps({**who, **facts}).encode(), 0)


def holder(path: Path) -> dict[str, Any] | None:
    """Return what the process that holds a lock says of itself, or None while it says nothing.

    The lock is a living process's; pid and start time together name it, so that a pid given anew is never signalled.
    """
    if not is_held(path):
        return None
    with suppress(OSError, ValueError, KeyError):
        found: dict[str, Any] = json.loads(path.read_bytes())
        if linux.start_time(found["pid"]) == found["start"]:
            return found
    return None


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock."""
    with suppress(FileNotFoundError), path.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
