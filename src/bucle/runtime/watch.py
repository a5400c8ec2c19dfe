"""Watching user code: draining its log, minding its clock and the wish to stop it, ending its kin."""

import os
import selectors
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from bucle.runtime.attempt import AttemptSpec
from bucle.runtime.joblog import JobLog
from bucle.runtime.kin import Excess, end_kin, excess

Stopped = Literal["timeout", "canceled"]
_MEASURED_EVERY_S = 0.2
_LAST_WORDS_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """User code's exit status (negative: a signal; None: never started), who stopped it, what outlived it.

    `excess` is the limit for which it was killed.
    """

    rc: int | None
    stopped: Stopped | None
    processes_left: int
    excess: Excess | None = None


class Wakeups:
    """The signals of this process as bytes in a pipe, so that one `select` waits for everything.

    SIGTERM is the wish to cancel; SIGCHLD says that a child ended. Make it before the first fork: the spawner
    ignores SIGCHLD, and then the kernel throws exit statuses away.
    """

    def __init__(self) -> None:
        self.source, sink = os.pipe()
        for end in (self.source, sink):
            os.set_blocking(end, False)
        self._cancel = False
        signal.set_wakeup_fd(sink, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # only a handled signal reaches the pipe

    def cancel_asked(self) -> bool:
        """Empty the pipe; return whether SIGTERM ever came."""
        with suppress(BlockingIOError):
            self._cancel |= signal.SIGTERM in os.read(self.source, 4096)
        return self._cancel


def watch(pid: int, leader: int, spec: AttemptSpec, log: JobLog, wakeups: Wakeups) -> Ending:
    """Wait for the child `pid`; stop user code (TERM to its group, KILL after `grace_s`) when asked or out of time.

    `leader` leads user code's group: the child itself, or what bubblewrap runs. What exceeds the limits of its tree is
    killed at once, all of it.
    When it has ended, whatever it left running is killed, also what had daemonised: an attempt that is over
    runs nothing.
    """
    clock, scales = _Clock(leader, spec), _Scales(spec)
    with selectors.DefaultSelector() as selector:
        selector.register(log.source, selectors.EVENT_READ)
        selector.register(wakeups.source, selectors.EVENT_READ)
        while True:
            # Emptied before the look, never after it: the byte of a child that ends in between must stay for `select`.
            cancel = wakeups.cancel_asked()
            if _has_ended(pid):
                break
            if scales.tipped():
                break
            clock.turn(cancel=cancel)
            ready = {key.fd for key, _ in selector.select(_sooner(clock.patience_s(), scales.patience_s()))}
            if log.source in ready and not log.drain():
                selector.unregister(log.source)  # user code has closed its output, and goes on
    _signal_group(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    left = end_kin()
    _take_last_words(log)
    rc = os.waitstatus_to_exitcode(status)
    return Ending(rc=rc, stopped=clock.stopped, processes_left=left, excess=scales.found)


class _Clock:
    """When user code must be asked to end, and when it must be made to. On the monotonic clock."""

    def __init__(self, leader: int, spec: AttemptSpec) -> None:
        self._leader = leader
        self._grace_s = spec.grace_s
        self._due = None if spec.timeout_s is None else time.monotonic() + spec.timeout_s
        self.stopped: Stopped | None = None

    def turn(self, *, cancel: bool) -> None:
        """Do what is due."""
        due = self._due is not None and time.monotonic() >= self._due
        if self.stopped is None and (cancel or due):
            self.stopped = "canceled" if cancel else "timeout"
            self._due = time.monotonic() + self._grace_s
            _signal_group(self._leader, signal.SIGTERM)
        elif due:
            self._due = None
            _signal_group(self._leader, signal.SIGKILL)

    def patience_s(self) -> float | None:
        """Return how long there is nothing to do, None for as long as it takes."""
        return None if self._due is None else max(0.0, self._due - time.monotonic())


class _Scales:
    """When the tree must be measured, and what it was found to exceed."""

    def __init__(self, spec: AttemptSpec) -> None:
        self._limits = spec.limits
        self._wanted = spec.limits.tree_bytes is not None or spec.limits.tree_tasks is not None
        self._due = time.monotonic()
        self.found: Excess | None = None

    def tipped(self) -> bool:
        """Measure if it is time; return whether the tree exceeds a limit."""
        if self._wanted and time.monotonic() >= self._due:
            began = time.monotonic()
            self.found = excess(self._limits)
            # A tree that takes long to measure is measured less often: a tenth of the time at most goes into it.
            self._due = time.monotonic() + max(_MEASURED_EVERY_S, 9 * (time.monotonic() - began))
        return self.found is not None

    def patience_s(self) -> float | None:
        """Return how long there is nothing to measure, None for ever."""
        return max(0.0, self._due - time.monotonic()) if self._wanted else None


def _sooner(first: float | None, second: float | None) -> float | None:
    return min((one for one in (first, second) if one is not None), default=None)


def _has_ended(pid: int) -> bool:
    """Bury adopted children that ended; return whether `pid` has, unburied so that its pid stays its own."""
    while True:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return False
        if found.si_pid == pid:
            return True
        os.waitpid(found.si_pid, 0)


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _take_last_words(log: JobLog) -> None:
    """Take what the pipe still holds: its writers are dead, unless one passed the descriptor on."""
    before = log.kept_bytes + log.dropped_bytes
    while log.drain() and log.kept_bytes + log.dropped_bytes - before < _LAST_WORDS_BYTES:
        pass
    log.finish()
