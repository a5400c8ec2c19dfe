"""User code's birth: the forked child of a supervisor up to exec, and word of what kept it from exec."""

import json
import os
import resource
import signal
from dataclasses import dataclass
from typing import NoReturn

from bucle.runtime import linux
from bucle.runtime.attempt import AttemptSpec, Limits
from bucle.runtime.isolation import RefusedError, confine, environment

EXEC_FAILED = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an attempt lives: its folder, and the two folders within that user code owns."""

    folder: str
    home: str
    temporary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A child and the pipe on which it says why it could not become user code; silence means that it did."""

    pid: int
    complaint: int


def start(spec: AttemptSpec, place: Place, output: int) -> Started:
    """Fork the process that becomes user code, its standard output and error going to `output`."""
    complaint, complain = os.pipe()
    supervisor = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(spec, place, output=output, complain=complain, supervisor=supervisor)
    os.close(complain)
    return Started(pid=pid, complaint=complaint)


def await_exec(started: Started) -> None:
    """Return once user code runs; RefusedError with the child's own words when it does not."""
    with os.fdopen(started.complaint, "rb") as stream:
        words = stream.read()
    if words:
        complaint = json.loads(words)
        raise RefusedError(complaint["reason"], complaint["detail"])


def _become(spec: AttemptSpec, place: Place, *, output: int, complain: int, supervisor: int) -> NoReturn:
    reason = "confinement_failed"
    try:
        os.setsid()
        linux.die_with_parent(signal.SIGKILL)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(EXEC_FAILED)
        _forget_supervisor(output, complain)
        _limit(spec.limits)
        os.umask(spec.umask)
        env = environment(spec.env, home=place.home, temporary=place.temporary, attempt=place.folder)
        os.chdir(spec.cwd)
        confine(spec.isolation, own=(place.home, place.temporary))
        reason = "exec_failed"
        os.execvpe(spec.argv[0], spec.argv, env)  # noqa: S606  an argv list is the whole interface
    except BaseException as fault:  # noqa: BLE001  whatever it is, this process must never return to the caller
        detail = f"cannot start {spec.argv[0]!r}: {fault}"
        os.write(complain, json.dumps({"reason": reason, "detail": detail}).encode())
    os._exit(EXEC_FAILED)


def _forget_supervisor(output: int, complain: int) -> None:
    """Undo every signal setting and close every descriptor that came with the fork."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    linux.close_descriptors(keep=frozenset((0, 1, 2, complain)))


def _limit(limits: Limits) -> None:
    wanted = {
        resource.RLIMIT_CORE: 0,  # a core file would carry the job's secrets
        resource.RLIMIT_AS: limits.address_space_bytes,
        resource.RLIMIT_FSIZE: limits.file_size_bytes,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_NPROC: limits.processes,
    }
    for name, most in wanted.items():
        if most is not None:
            _, ceiling = resource.getrlimit(name)
            allowed = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
            resource.setrlimit(name, (allowed, allowed))
