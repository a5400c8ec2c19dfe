"""The spawner: one process a host that forks a supervisor for each attempt folder it reads from its input.

It has one thread, keeps nothing and holds no descriptor of the server. Each message on its standard input, a socket,
is one folder's absolute path, with a descriptor beside it where the attempt has secrets: only the supervisor reads
that. When the server goes, standard input ends and so does the spawner; supervisors live on.
"""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from bucle.runtime import linux
from bucle.runtime.supervisor import supervise

_LONGEST_PATH = 1 << 13
_FAULT_OF_OURS = 96


def serve(notify: str) -> None:
    """Fork a supervisor for every attempt folder that arrives, until standard input ends."""
    linux.close_descriptors(keep=frozenset((0, 1, 2)))
    os.chdir("/")
    os.umask(0o077)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries supervisors; files say how they fared
    for folder, sealed in _orders():
        if os.fork() == 0:
            os._exit(_supervise(folder, sealed, notify))
        if sealed is not None:
            os.close(sealed)


def _orders() -> Iterator[tuple[Path, int | None]]:
    """Yield each folder with the descriptor that came beside it."""
    with socket.socket(fileno=0) as orders:
        while True:
            path, descriptors, _, _ = socket.recv_fds(orders, _LONGEST_PATH, 1)
            if not path:
                return
            yield Path(os.fsdecode(path)), next(iter(descriptors), None)


def _supervise(folder: Path, sealed: int | None, notify: str) -> int:
    """Be a supervisor; no exception may reach the spawner's own loop in this copy of it."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1):
            os.dup2(nothing, standard)
        return supervise(folder, notify, sealed)
    except BaseException:  # noqa: BLE001  the attempt is then lost, and this says why
        sys.stderr.write(f"{folder}: {traceback.format_exc()}")
        sys.stderr.flush()
        return _FAULT_OF_OURS
