"""The server's side of the spawner: start the process, start another when it died, hand it folders and secrets."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from bucle.runtime import isolated

_PATIENCE_S = 5.0


class Spawner:
    """One spawner process, for use by one thread. Its words, if any, are appended to the file `log`.

    A folder may be lost with a spawner that dies before it has read it: then `probe` keeps saying Unclaimed,
    and spawning the same folder again is safe.
    """

    def __init__(self, *, notify: str, log: Path) -> None:
        self._notify = notify
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The process that serves now, None when there is none."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def spawn(self, folder: Path, sealed: Mapping[str, str] | None = None) -> None:
        """Have a supervisor forked for `folder`, whose spec.json is written. At most one ever runs it.

        `sealed` are the variables whose values are secrets. They lie in memory that only the supervisor reads.
        """
        with _in_memory(sealed or {}) as descriptors:
            try:
                self._send(bytes(folder.absolute()), descriptors)
            except ConnectionError:  # it died since it was looked at
                self.close()
                self._send(bytes(folder.absolute()), descriptors)

    def close(self) -> None:
        """End the process; supervisors live on."""
        if self._orders is not None:
            self._orders.close()
            self._orders = None
        if self._process is not None:
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, path: bytes, descriptors: list[int]) -> None:
        if self.pid is None or self._orders is None:
            self.close()
            # Each message arrives whole or not at all, and a descriptor stays with its folder.
            self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = self._start(theirs)
        socket.send_fds(self._orders, [path], descriptors)

    def _start(self, orders: socket.socket) -> subprocess.Popen[bytes]:
        command = isolated.command("bucle.runtime.spawner:serve", self._notify)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=orders.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={},
                start_new_session=True,
            )


@contextmanager
def _in_memory(sealed: Mapping[str, str]) -> Iterator[list[int]]:
    """Give a descriptor of memory that holds the values, none where there are none."""
    if not sealed:
        yield []
        return
    descriptor = os.memfd_create("sealed", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as stream:
            stream.write(json.dumps(dict(sealed)).encode())
        yield [descriptor]
    finally:
        os.close(descriptor)
