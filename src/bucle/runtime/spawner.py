"""The spawner: one process a host that forks a supervisor for each attempt folder it reads from its input.

It has one thread, keeps nothing and holds no descriptor of the server. Folders arrive as absolute paths, each
ended by NUL. When the server goes, standard input ends and so does the spawner; supervisors live on.
"""

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from bucle.runtime import linux
from bucle.runtime.supervisor import supervise

_CHUNK = 1 << 16
_FAULT_OF_OURS = 96


def serve(notify: str) -> None:
    """Fork a supervisor for every attempt folder that arrives, until standard input ends."""
    linux.close_descriptors(keep=frozenset((0, 1, 2)))
    os.chdir("/")
    os.umask(0o077)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries supervisors; files say how they fared
    for folder in _folders():
        if os.fork() == 0:
            os._exit(_supervise(folder, notify))


def _folders() -> Iterator[Path]:
    """Yield whole paths; the rest of one that was cut short by the server's end is dropped."""
    pending = b""
    while chunk := os.read(0, _CHUNK):
        *whole, pending = (pending + chunk).split(b"\0")
        yield from (Path(os.fsdecode(path)) for path in whole)


def _supervise(folder: Path, notify: str) -> int:
    """Be a supervisor; no exception may reach the spawner's own loop in this copy of it."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1):
            os.dup2(nothing, standard)
        return supervise(folder, notify)
    except BaseException:  # noqa: BLE001  the attempt is then lost, and this says why
        sys.stderr.write(f"{folder}: {traceback.format_exc()}")
        sys.stderr.flush()
        return _FAULT_OF_OURS
