"""The supervisor: one process an attempt: it claims it, has user code run, and writes how it ended."""

import errno
import json
import os
import resource
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bucle.runtime import codecheck, folder, hints, linux
from bucle.runtime.attempt import EXEC_FAILED, AttemptSpec, Exit, Reason, Run, Why, encode
from bucle.runtime.attested import refusal_of
from bucle.runtime.isolation import RefusedError, check
from bucle.runtime.joblog import JobLog
from bucle.runtime.kin import end_kin
from bucle.runtime.redaction import Redaction
from bucle.runtime.usercode import Place, Started, await_exec, start
from bucle.runtime.watch import Ending, Wakeups, watch

HELD_BY_ANOTHER = 97
CLAIMED_BEFORE = 98
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_RETRY_DISK_S = 1.0
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """What a supervisor knows of its attempt while it lasts."""

    path: Path
    started_at: datetime
    began_s: float
    wakeups: Wakeups

    def ended_at(self) -> datetime:
        """Return the present instant by the clock that nobody sets: an attempt never ends before it began."""
        return self.started_at + timedelta(seconds=time.monotonic() - self.began_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """How user code ended, or why it never began, and what became of its output."""

    why: Why
    rc: int | None = None
    reason: Reason | None = None
    detail: str | None = None
    log_bytes: int = 0
    log_dropped_bytes: int = 0
    processes_left: int = 0


def supervise(path: Path, notify: str, sealed: int | None = None) -> int:
    """See the attempt in `path` through; return the supervisor's own exit status.

    97 and 98 mean that a twin has it. The lock is let go by the end of the process, after exit.json. `sealed` is the
    descriptor of the attempt's secrets.
    """
    if folder.take_lock(path) is None:
        return HELD_BY_ANOTHER
    if not folder.claim(path):
        return CLAIMED_BEFORE
    attempt = _Attempt(path=path, started_at=datetime.now(UTC), began_s=time.monotonic(), wakeups=Wakeups())
    linux.adopt_orphans()
    verdict = _judge(attempt, _unsealed(sealed))
    _record(attempt, verdict)
    hints.send(notify, path.name)
    return 0


def _unsealed(descriptor: int | None) -> Mapping[str, str]:
    """Return the secret variables, and let go of where they came from."""
    if descriptor is None:
        return {}
    with os.fdopen(descriptor, "rb") as stream:
        stream.seek(0)
        found: dict[str, str] = json.loads(stream.read())
    return found


def _judge(attempt: _Attempt, sealed: Mapping[str, str]) -> _Verdict:
    """Run the order if it can be read."""
    try:
        spec = folder.read_spec(attempt.path)
    except (OSError, ValueError) as fault:
        return _Verdict(why="failed", reason="spec_invalid", detail=str(fault))
    if set(spec.sealed) != set(sealed):
        missing = ", ".join(sorted({*spec.sealed} - {*sealed}))
        return _Verdict(why="failed", reason="secrets_missing", detail=f"it came without its secrets: {missing}")
    redaction = Redaction(sealed.values())
    log = _with_room(attempt.path, lambda: JobLog(attempt.path / "out.log", spec.log_limit_bytes, redaction))
    try:
        ending = _run(attempt, replace(spec, env={**spec.env, **sealed}), log)
    except RefusedError as refusal:
        log.note(refusal.detail)
        rc = EXEC_FAILED if refusal.reason == "exec_failed" else None
        return _Verdict(why="failed", rc=rc, reason=refusal.reason, detail=refusal.detail)
    if ending.excess is not None:
        log.note(ending.excess.detail)
    why = ending.stopped or ("ok" if ending.rc == 0 and ending.excess is None else "failed")
    return _Verdict(
        why=why,
        rc=ending.rc,
        reason=ending.excess.reason if ending.excess else None,
        detail=ending.excess.detail if ending.excess else log.fault and f"a part of its log was not kept: {log.fault}",
        log_bytes=log.kept_bytes,
        log_dropped_bytes=log.dropped_bytes,
        processes_left=ending.processes_left,
    )


def _run(attempt: _Attempt, spec: AttemptSpec, log: JobLog) -> Ending:
    # Code in a folder that is itself writable is the attempt's own copy: checked, then its to change.
    verified = (item.path for item in spec.verify if item.path not in spec.isolation.write)
    abi = check(spec.isolation, sealed=(str(attempt.path), *verified))
    # From here on the attempt can be cancelled.
    _with_room(attempt.path, lambda: _describe(attempt, abi, user_pid=None))
    place = _with_room(attempt.path, lambda: _place(attempt.path))
    _verify(spec)
    if attempt.wakeups.cancel_asked():
        return Ending(rc=None, stopped="canceled", processes_left=0)
    started = start(spec, place, log.sink)
    log.close_sink()
    leader = _await_exec(started, log)
    with suppress(OSError):  # a full disk: what runs is worth more than its number
        _describe(attempt, abi, user_pid=leader)
    return watch(started.pid, leader, spec, log, attempt.wakeups)


def _await_exec(started: Started, log: JobLog) -> int:
    try:
        return await_exec(started)
    except RefusedError:
        end_kin()
        while log.drain():  # what bubblewrap said
            pass
        raise


def _place(path: Path) -> Place:
    home, temporary = path / "home", path / "tmp"
    for own in (home, temporary):
        own.mkdir(mode=0o700, exist_ok=True)
    return Place(folder=str(path), home=str(home), temporary=str(temporary))


def _verify(spec: AttemptSpec) -> None:
    if spec.attested is not None:
        asked = spec.attested
        refusal = refusal_of(asked.envelope, Path(asked.keys), asked.model_digest)
        if refusal is not None:
            raise RefusedError("not_attested", refusal)
    for item in spec.verify:
        try:
            found = codecheck.digest_of(item.path)
        except (OSError, ValueError) as fault:
            raise RefusedError("code_changed", f"{item.path} cannot be verified: {fault}") from fault
        if found != item.digest:
            raise RefusedError("code_changed", f"{item.path} is {found}, not {item.digest}")


def _describe(attempt: _Attempt, abi: int, *, user_pid: int | None) -> None:
    run = Run(
        supervisor_pid=os.getpid(),
        supervisor_start=linux.start_time(os.getpid()),
        boot_id=linux.boot_id(),
        user_pid=user_pid,
        landlock_abi=abi,
        started_at=attempt.started_at,
    )
    folder.replace_file(attempt.path / "run.json", encode(run), durable=False)


def _record(attempt: _Attempt, verdict: _Verdict) -> None:
    """Write exit.json."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = Exit(
        why=verdict.why,
        rc=verdict.rc,
        reason=verdict.reason,
        detail=verdict.detail,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at(),
        cpu_s=used.ru_utime + used.ru_stime,
        max_rss_bytes=used.ru_maxrss * 1024,
        log_bytes=verdict.log_bytes,
        log_dropped_bytes=verdict.log_dropped_bytes,
        processes_left=verdict.processes_left,
    )
    _with_room(attempt.path, lambda: folder.replace_file(attempt.path / "exit.json", encode(report), durable=True))


def _with_room(path: Path, write: Callable[[], _Made]) -> _Made:
    """Return what `write` returns; on a full disk wait for room, holding the lock, rather than lose the attempt."""
    while True:
        try:
            return write()
        except OSError as fault:
            if fault.errno not in _DISK_FULL:
                raise
            with suppress(OSError):  # the log of the server lies on the same disk, as a rule
                os.write(2, f"{path}: {fault}; waiting for room\n".encode())
            time.sleep(_RETRY_DISK_S)
