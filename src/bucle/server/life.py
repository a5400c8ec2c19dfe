"""The life of a server on its state folder: one lock, one engine, one spawner, ready or a clear reason why not."""

import fcntl
import json
import os
import socket
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bucle import errors
from bucle.config import Home


@dataclass(slots=True)
class HomeLock(AbstractContextManager["HomeLock"]):
    """The lock that one server holds on its state folder for life; not a pid file, so a killed server leaves none."""

    home: Home
    descriptor: int = -1

    def __enter__(self) -> Self:
        """Take the lock; Conflict names the server that has it."""
        make_home(self.home)
        self.descriptor = os.open(self.home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            holder = os.pread(self.descriptor, 64, 0).decode(errors="replace").strip() or "unknown"
            os.close(self.descriptor)
            raise errors.Conflict("server.second", pid=holder, home=self.home.root) from fault
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        os.close(self.descriptor)


def make_home(home: Home) -> None:
    """Make the state folder and what is always in it, 0700; PlatformFault when it cannot be written."""
    folders = (
        home.root,
        home.objects,
        home.datastores,
        home.attempts,
        home.environments,
        home.gateway,
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
