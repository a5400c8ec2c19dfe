"""`python killed_server.py POINT ARMED …`: the server as it is, killed by itself with SIGKILL at one exact point.

Nothing of the server is patched: SQLAlchemy tells of statements, commits and connections that are given back, the
interpreter of files that are opened. A point is `before commit: STATEMENT`, `after commit: STATEMENT`, `after fork` or
`after fork, supervisor too`; it counts once the file ARMED is there.
"""

import fcntl
import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

POINT, ARMED = sys.argv[1], Path(sys.argv[2])
MARK = "written what the point names"


def die() -> None:
    """End as by `kill -9`: no handler, no clean-up, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def mark(connection: sa.Connection, _cursor: Any, statement: str, *_more: Any) -> None:
    """Remember on the connection that the transaction has written what the point names."""
    if ARMED.exists() and statement.startswith(POINT.partition(": ")[2]):
        connection.info[MARK] = True


def before_commit(connection: sa.Connection) -> None:
    """Die where COMMIT is about to be sent."""
    if connection.info.get(MARK):
        die()


def given_back(_connection: Any, record: Any) -> None:
    """Die where COMMIT has returned, and its verb has not."""
    if record.info.get(MARK):
        die()


def hold_next_attempt(event: str, arguments: tuple[Any, ...]) -> None:
    """Hold the lock of the first attempt whose order is written, so that its supervisor waits before its claim."""
    if event == "open" and str(arguments[0]).endswith("/.spec.json") and ARMED.exists():
        ARMED.unlink()
        lock = Path(arguments[0]).with_name("lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        threading.Thread(target=die_when_waited_for, args=(lock,), daemon=True).start()


def die_when_waited_for(lock: Path) -> None:
    """Die as soon as a supervisor has opened the lock; take it along where the point says so."""
    waiting: list[int] = []
    while not waiting:
        time.sleep(0.002)
        waiting = [pid for pid in pids() if pid != os.getpid() and str(lock) in opened_by(pid)]
    if POINT.endswith("supervisor too"):
        os.kill(waiting[0], signal.SIGKILL)
    die()


def pids() -> list[int]:
    """Return every process."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208  names are all that is wanted


def opened_by(pid: int) -> set[str]:
    """Return what a process has open."""
    found = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            found.add(str(descriptor.readlink()))
    except OSError:  # it has ended, or closed what was just listed
        pass
    return found


if __name__ == "__main__":
    if POINT.startswith("after fork"):
        sys.addaudithook(hold_next_attempt)
    else:
        sa.event.listen(sa.Engine, "after_cursor_execute", mark)
        if POINT.startswith("before commit"):
            sa.event.listen(sa.Engine, "commit", before_commit)
        else:
            sa.event.listen(sa.Pool, "checkin", given_back)
    sys.argv = ["bucle.server", *sys.argv[3:]]
    runpy.run_module("bucle.server", run_name="__main__")
