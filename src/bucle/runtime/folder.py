"""The attempt folder: the files through which server and supervisor speak, and how each is written and read.

In the order in which they appear: `spec.json` (the server's order), `lock` (held with flock by the supervisor
for life), `claim` (made once: an attempt never runs twice), `run.json`, `home/` and `tmp/` (user code's),
`out.log`, `exit.json`. Only `home/` and `tmp/` are within user code's reach.
"""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bucle.runtime import linux
from bucle.runtime.attempt import (
    ATTEMPT_VARIABLE,
    Alive,
    AttemptSpec,
    Exit,
    Lost,
    Probe,
    Run,
    Unclaimed,
    decode_exit,
    decode_run,
    decode_spec,
    encode,
)

_TURNS_OF_REAPING = 20
_PROBE_INSTANT_S = 0.01
_PROBES_WAITED_OUT = 50


def write_spec(folder: Path, spec: AttemptSpec) -> None:
    """Make the attempt folder and put the order in it, so that it survives a loss of power. Idempotent."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(folder / "spec.json", encode(spec), durable=True)
    _sync_folder(folder.parent)


def read_spec(folder: Path) -> AttemptSpec:
    """Return the order; OSError when there is none, ValueError when it is none of ours."""
    return decode_spec((folder / "spec.json").read_bytes())


def probe(folder: Path) -> Probe:
    """Return what became of an attempt, by its files and its lock; pids may be reused and are not asked."""
    found = _read_exit(folder)
    if found is not None:
        return found
    try:
        held = _is_held(folder)
    except FileNotFoundError:
        return Unclaimed()
    if held:
        return Alive(run=_read_run(folder))
    # The supervisor may have ended between the first look and the lock.
    return _read_exit(folder) or (Lost() if (folder / "claim").exists() else Unclaimed())


def cancel(folder: Path) -> bool:
    """Ask the attempt's supervisor to stop it; False when there is none, or none yet, to ask.

    The supervisor is known by pid and start time within this boot, and signalled through a pidfd, so a pid
    that was given to another process since is never hit. Idempotent: ask again until `probe` says Exit.
    """
    state = probe(folder)
    if not isinstance(state, Alive) or state.run is None or state.run.boot_id != linux.boot_id():
        return False
    with suppress(OSError):  # the supervisor has just ended
        return _signal_if(state.run.supervisor_pid, state.run.supervisor_start, signal.SIGTERM)
    return False


def reap(folder: Path) -> int:
    """Kill what a lost attempt's dead supervisor left running; return how many processes were killed.

    They are known by `BUCLE_ATTEMPT=<folder>` in the environment they were started with. The process that the
    supervisor started died with it; this is for those that it had started in turn.
    """
    tag = os.fsencode(f"{ATTEMPT_VARIABLE}={folder}")
    killed: set[int] = set()
    for _ in range(_TURNS_OF_REAPING):  # a killed process may have forked since /proc was listed
        found = {pid for pid in _pids() if _kill_tagged(pid, tag)}
        if found <= killed:  # these are still dying
            break
        killed |= found
    return len(killed)


def take_lock(folder: Path) -> int | None:
    """Return the descriptor of the lock, held until it is closed; None when another supervisor holds it."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(_PROBES_WAITED_OUT):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        time.sleep(_PROBE_INSTANT_S)  # the server's probe holds it for an instant
    os.close(lock)
    return None


def claim(folder: Path) -> bool:
    """Take the attempt for ever; False when it was taken before, by whomever."""
    try:
        os.close(os.open(folder / "claim", os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    _sync_folder(folder)
    return True


def replace_file(file: Path, content: bytes, *, durable: bool) -> None:
    """Write `content` so that a reader sees the old file or the new; `durable`: even after a power loss."""
    temporary = file.with_name(f".{file.name}")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        if durable:
            os.fsync(stream.fileno())
    temporary.replace(file)
    if durable:
        _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_exit(folder: Path) -> Exit | None:
    with suppress(OSError, ValueError):  # absent, or cut short by a loss of power
        return decode_exit((folder / "exit.json").read_bytes())
    return None


def _read_run(folder: Path) -> Run | None:
    with suppress(OSError, ValueError):
        return decode_run((folder / "run.json").read_bytes())
    return None


def _is_held(folder: Path) -> bool:
    lock = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: probes do not see one another
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _kill_tagged(pid: int, tag: bytes) -> bool:
    with suppress(OSError), _handle(pid) as handle:
        if tag in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return True
    return False


def _signal_if(pid: int, started: int, signal_number: signal.Signals) -> bool:
    with _handle(pid) as handle:
        if linux.start_time(pid) != started:
            return False
        signal.pidfd_send_signal(handle, signal_number)
        return True


@contextmanager
def _handle(pid: int) -> Iterator[int]:
    """Yield a pidfd: it names the process that had the pid when it was opened, and never a later one."""
    handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        os.close(handle)
