"""The life of a server on its state folder: its lock, its folders, its socket, ready or a clear reason why not."""

import fcntl
import json
import os
import socket
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bucle import errors
from bucle.config import Home

INSTANT_S = 0.01
INSTANTS = 50
"""Who looks whether a lock is held has it for an instant: so many of them are waited out."""


@dataclass(slots=True)
class HomeLock(AbstractContextManager["HomeLock"]):
    """The lock that a server holds on its state folder for life; not a pid file, so a killed server leaves none.

    `alone` shuts every other server out; else those of the same database share it.
    """

    home: Home
    alone: bool = True
    descriptor: int = -1

    def __enter__(self) -> Self:
        """Take the lock; Conflict names a server that has it."""
        make_home(self.home)
        self.descriptor = os.open(self.home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for _ in range(INSTANTS):
            if self._lock(fcntl.LOCK_EX if self.alone else fcntl.LOCK_SH):
                break
            time.sleep(INSTANT_S)
        else:
            holder = os.pread(self.descriptor, 64, 0).decode(errors="replace").strip() or "unknown"
            os.close(self.descriptor)
            raise errors.Conflict("server.second", pid=holder, home=self.home.root)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        os.close(self.descriptor)

    def is_last(self) -> bool:
        """Return whether no other server is left; from now on none can come, or this one holds nothing any more.

        Of several that leave at once exactly the last one is told so: flock gives up the shared lock first.
        """
        return self.alone or self._lock(fcntl.LOCK_EX)

    def _lock(self, how: int) -> bool:
        try:
            fcntl.flock(self.descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def make_home(home: Home) -> None:
    """Make the state folder and what is always in it, 0700; PlatformFault when it cannot be written."""
    folders = (
        home.root,
        home.objects,
        home.datastores,
        home.attempts,
        home.environments,
        home.gateway,
        home.servers,
        home.log,
    )
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        home.root.chmod(0o700)
    except OSError as fault:
        raise errors.PlatformFault("server.home_not_writable", home=home.root, why=fault.strerror) from fault


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; Conflict when the port is taken. Port 0 takes any."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as fault:
        listener.close()
        raise errors.Conflict("server.port_taken", host=host, port=port) from fault
    return listener


def announce(path: Path, **facts: object) -> None:
    """Write `server.json`: how this server is reached. Seen whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        json.dump(facts, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
