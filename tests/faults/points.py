"""Exact points at which a server kills itself with SIGKILL: between statements, commits, renames and forks.

Nothing of the server is patched: SQLAlchemy tells of statements, commits and connections that are given back, the
interpreter of files that are opened and renamed. A point is `before commit: STATEMENT`, `after commit: STATEMENT`,
`before rename: PART OF THE TARGET`, `after rename: PART OF THE TARGET`, `after fork` or `after fork, supervisor too`.
"""

import fcntl
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

MARK = "written what the point names"


@dataclass(frozen=True, slots=True)
class Points:
    """Watches a server: it dies at the point that the file `armed` names, once that is there."""

    armed: Path
    renamed: threading.local = field(default_factory=threading.local)

    def install(self) -> None:
        """Have this process watched."""
        sys.addaudithook(self.watch_files)
        sa.event.listen(sa.Engine, "after_cursor_execute", self.mark)
        sa.event.listen(sa.Engine, "commit", self.before_commit)
        sa.event.listen(sa.Pool, "checkin", self.given_back)

    def named(self) -> tuple[str, str]:
        """Return the point that counts now: when, and the statement or the part of a file's name; empty for none."""
        try:
            when, _, what = self.armed.read_text().partition(": ")
        except FileNotFoundError:
            return "", ""
        return when, what

    def mark(self, connection: sa.Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        """Remember on the connection that the transaction has written what the point names."""
        told = statement.lstrip()
        if told.startswith(("INSERT", "UPDATE", "CREATE")):
            when, what = self.named()
            if when.endswith("commit") and told.startswith(what):
                connection.info[MARK] = when

    def before_commit(self, connection: sa.Connection) -> None:
        """Die where COMMIT is about to be sent."""
        if connection.info.get(MARK) == "before commit":
            die()

    def given_back(self, _connection: Any, record: Any) -> None:
        """Die where COMMIT has returned, and its verb has not."""
        if record.info.get(MARK) == "after commit":
            die()

    def watch_files(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Die where a file, written and synced, is about to get its name, or at the next file opened after it has."""
        if event == "open" and getattr(self.renamed, "done", False):
            die()
        elif event == "open" and str(arguments[0]).endswith("/.spec.json"):
            self.hold_attempt(Path(arguments[0]).with_name("lock"))
        elif event == "os.rename":
            when, what = self.named()
            if when.endswith("rename") and what in str(arguments[1]):
                if when.startswith("before"):
                    die()
                self.renamed.done = True

    def hold_attempt(self, lock: Path) -> None:
        """Hold the lock of an attempt whose order is written, so that its supervisor waits before its claim."""
        when, _ = self.named()
        if when.startswith("after fork"):
            self.armed.unlink()
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            threading.Thread(target=die_when_waited_for, args=(lock, when), daemon=True).start()


def die_when_waited_for(lock: Path, when: str) -> None:
    """Die as soon as a supervisor has opened the lock; take it along where the point says so."""
    waiting: list[int] = []
    while not waiting:
        time.sleep(0.002)
        waiting = [pid for pid in pids() if pid != os.getpid() and str(lock) in opened_by(pid)]
    if when.endswith("supervisor too"):
        os.kill(waiting[0], signal.SIGKILL)
    die()


def die() -> None:
    """End as by `kill -9`: no handler, no clean-up, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


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
