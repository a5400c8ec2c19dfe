"""User code's birth: the forked child of a supervisor up to exec, and word of what kept it from exec."""

import fcntl
import json
import os
import resource
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from bucle.runtime import bubblewrap, linux, relay
from bucle.runtime.attempt import EXEC_FAILED, LISTENER, AttemptSpec, Limits
from bucle.runtime.isolation import RefusedError, confine, environment

_MOST_WORDS_BYTES = 1 << 16
_MOST_PORTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an attempt lives: its folder, and the two folders within that user code owns."""

    folder: str
    home: str
    temporary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A child and the socket on which it says why it could not become user code; its end means that it did.

    Within strict walls it says first that they stand: a bubblewrap that failed is silent too.
    """

    pid: int
    strict: bool
    channel: socket.socket


def start(spec: AttemptSpec, place: Place, output: int) -> Started:
    """Fork the process that becomes user code, its standard output and error going to `output`."""
    channel, theirs = socket.socketpair()
    supervisor = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(spec, place, output=output, channel=theirs, supervisor=supervisor)
    theirs.close()
    return Started(pid=pid, strict=spec.isolation.mode == "strict", channel=channel)


def await_exec(started: Started) -> int:
    """Return the leader of user code's process group once it runs; RefusedError with the child's words otherwise.

    What user code calls on ports of this host from within a network of its own is relayed from here on.
    """
    words, listeners = _hear(started.channel)
    said = [json.loads(line) for line in words.splitlines()]
    for complaint in said:
        if complaint:
            raise RefusedError(complaint["reason"], complaint["detail"])
    if not started.strict:
        return started.pid
    if not said:
        raise RefusedError("confinement_failed", "bubblewrap could not put up strict walls; its words are in the log")
    relay.start(listeners)
    return _innermost(started.pid)


def _hear(channel: socket.socket) -> tuple[bytes, list[socket.socket]]:
    words = b""
    handed: list[int] = []
    with channel:
        while True:
            heard, descriptors, _, _ = socket.recv_fds(channel, _MOST_WORDS_BYTES, _MOST_PORTS)
            if not heard:
                return words, [socket.socket(fileno=descriptor) for descriptor in handed]
            words += heard
            handed += descriptors


def _innermost(pid: int) -> int:
    """Return the process that bubblewrap runs: its only child's only child; bubblewrap itself when that has ended."""
    with suppress(OSError, ValueError):
        for _ in range(2):
            (pid,) = linux.children_of(pid)
    return pid


def _become(spec: AttemptSpec, place: Place, *, output: int, channel: socket.socket, supervisor: int) -> NoReturn:
    reason = "confinement_failed"
    complain = channel.fileno()
    try:
        os.setsid()
        linux.die_with_parent(signal.SIGKILL)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(EXEC_FAILED)
        complain = _forget_supervisor(output, complain)
        _listen(spec)
        _limit(spec.limits)
        os.umask(spec.umask)
        env = environment(spec.env, home=place.home, temporary=place.temporary, attempt=place.folder)
        os.chdir(spec.cwd)
        own = (place.home, place.temporary)
        if spec.isolation.mode == "strict":
            argv = _within_bubblewrap(spec, own, env, complain)
            env = {}  # what puts up the walls loads and reads nothing that user code could name
        else:
            argv = spec.argv
            confine(spec.isolation, own=own)
        reason = "exec_failed"
        os.execvpe(argv[0], argv, env)  # noqa: S606  an argv list is the whole interface
    except BaseException as fault:  # noqa: BLE001  whatever it is, this process must never return to the caller
        detail = f"cannot start {spec.argv[0]!r}: {fault}"
        os.write(complain, json.dumps({"reason": reason, "detail": detail}).encode())
    os._exit(EXEC_FAILED)


def _within_bubblewrap(
    spec: AttemptSpec, own: tuple[str, ...], env: Mapping[str, str], channel: int
) -> tuple[str, ...]:
    """Return bubblewrap's command; what it takes along is made inheritable. Its own rights end here too."""
    order = os.memfd_create("order", 0)
    os.write(order, bubblewrap.order_of(spec, own, env))
    os.lseek(order, 0, os.SEEK_SET)
    linux.hand_on(channel, over_exec=True)
    linux.forbid_new_privileges()
    return bubblewrap.command(spec, own, order, channel)


def _listen(spec: AttemptSpec) -> None:
    """Bind the socket that user code is to listen on, as the descriptor LISTENER."""
    if spec.listen is not None:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.bind(f"\0{spec.listen}")
        bound = made.detach()
        if bound == LISTENER:
            linux.hand_on(bound, over_exec=True)
        else:
            os.dup2(bound, LISTENER)


def _forget_supervisor(output: int, complain: int) -> int:
    """Undo every signal setting and close every descriptor that came with the fork; return the channel's new number."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    moved = fcntl.fcntl(complain, fcntl.F_DUPFD_CLOEXEC, LISTENER + 1)
    linux.close_descriptors(keep=frozenset((0, 1, 2, moved)))
    return moved


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
