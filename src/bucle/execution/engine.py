"""The engine: one loop that folds ends, cancels and picks in one transaction a turn, and acts after its commit."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

import sqlalchemy as sa

from bucle import errors
from bucle.execution import queue
from bucle.execution.fold import Ended, fold
from bucle.execution.launcher import Exited, Launcher, Lost, Pending, Running, Starting, Unknown
from bucle.execution.queue import Place
from bucle.runtime import hints
from bucle.store.records import Records, Transaction

LOG = logging.getLogger("bucle.engine")
SWEEP_S = 1.0
"""A lost datagram costs at most this long: every attempt is looked at this often."""
PATIENCE = 3
"""Sweeps that an unclaimed attempt is left alone before it is submitted again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the engine asks others for: places of the platform, variables of an attempt, the outputs of an ended one.

    `secrets` gives the values of the secret variables of an attempt, and writes that it did. `settle` brings to its end
    what others keep of attempts and jobs that have ended; it is called each turn, in the transaction that folds the
    ends, and finds by itself what there is to do.
    """

    places: Callable[[sa.Connection], Mapping[str, Place]]
    variables: Callable[[Starting], Mapping[str, str]]
    secrets: Callable[[Starting], Mapping[str, str]]
    outputs: Callable[[Starting], Mapping[str, object]]
    settle: Callable[[Transaction], None]


@dataclass(slots=True)
class Engine:
    """Runs jobs to their end; everything it knows is in the records and in the attempts' folders."""

    records: Records
    launcher: Launcher
    ports: Ports
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    hints: socket.socket
    """What arrives here names an attempt to look at, and is a hint only: its content is never trusted."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _unclaimed: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Turn until `stop`; a fault of one turn is logged and the next turn goes on from the records."""
        due = 0.0
        hinted: set[str] = set()
        while not self._stop.is_set():
            sweep = time.monotonic() >= due
            try:
                started = self.turn(sweep=sweep, hinted=hinted)
            except errors.BucleError as fault:  # no room, or the database is away: the next turn tries again
                LOG.warning("a turn of the engine was not made: %s", fault)
                started = self._rest()
            except Exception:  # the outer door of the loop: whatever happened, the records say how things stand
                LOG.exception("a turn of the engine failed")
                started = self._rest()
            if sweep:
                due = time.monotonic() + SWEEP_S
            hinted = self._wait(0.0 if started else max(0.0, due - time.monotonic()))

    def stop(self) -> None:
        """End the loop after its turn; supervisors and their user code go on."""
        self._stop.set()
        self.wake()

    def wake(self) -> None:
        """Make the loop turn now: something was submitted or cancelled."""
        hints.send(hints.name_of(self.hints))

    def turn(self, *, sweep: bool, hinted: set[str]) -> int:
        """Do one turn; return how many attempts it started."""
        with self.records.read() as rows:
            alive = queue.running(rows)
            places = self.ports.places(rows)
        looked = [name for name in alive if sweep or name in hinted]
        ended, pending = self._look(looked, places)
        with self.records.write(self.clock()) as transaction:
            for attempt_id, end in ended.items():
                fold(transaction, attempt_id, end)
            doomed = queue.cancel_waiting(transaction)
            self.ports.settle(transaction)
            picked = queue.pick(transaction, places, self.new_id)
        for attempt_id in doomed:
            self.launcher.cancel(attempt_id)
        for starting in [*picked, *self._overdue(pending, places)]:
            self._start(starting)
        return len(picked)

    def _rest(self) -> int:
        self._stop.wait(SWEEP_S)
        return 0

    def _look(self, attempts: Sequence[str], places: Mapping[str, Place]) -> tuple[dict[str, Ended], Sequence[str]]:
        """Return how attempts ended, and which of them nobody has claimed."""
        ended: dict[str, Ended] = {}
        pending: list[str] = []
        for attempt_id in attempts:
            match self.launcher.status(attempt_id):
                case Exited(ended=end):
                    ended[attempt_id] = self._with_outputs(attempt_id, end, places)
                case Lost():
                    ended[attempt_id] = Ended(why="lost", reason="its supervisor was killed")
                case Pending():
                    pending.append(attempt_id)
                case Running():
                    self._unclaimed.pop(attempt_id, None)
                case Unknown(why=why):
                    LOG.warning("attempt %s cannot be seen: %s", attempt_id, why)
                case other:
                    assert_never(other)
        return ended, pending

    def _with_outputs(self, attempt_id: str, end: Ended, places: Mapping[str, Place]) -> Ended:
        if end.why != "ok":
            return end
        with self.records.read() as rows:
            starting = queue.starting_again(rows, attempt_id, places)
        try:
            outputs = self.ports.outputs(starting)
        except errors.BucleError as fault:
            return Ended(why="failed", reason=fault.detail, exit_code=end.exit_code, started_at=end.started_at)
        return Ended(
            why="ok",
            reason=end.reason,
            exit_code=end.exit_code,
            started_at=end.started_at,
            ended_at=end.ended_at,
            cpu_s=end.cpu_s,
            peak_rss_bytes=end.peak_rss_bytes,
            log_bytes=end.log_bytes,
            outputs=outputs,
        )

    def _overdue(self, pending: Sequence[str], places: Mapping[str, Place]) -> Sequence[Starting]:
        overdue = []
        for attempt_id in pending:
            seen = self._unclaimed.get(attempt_id, PATIENCE) + 1  # unseen before: written by a server that died
            self._unclaimed[attempt_id] = 0 if seen > PATIENCE else seen
            if seen > PATIENCE:
                with self.records.read() as rows:
                    overdue.append(queue.starting_again(rows, attempt_id, places))
        return overdue

    def _start(self, starting: Starting) -> None:
        """Submit an attempt; what cannot be started is recorded as failed, with the reason."""
        self._unclaimed[starting.attempt_id] = 0
        try:
            secrets = self.ports.secrets(starting)
            variables = self.ports.variables(starting)
            self.launcher.submit(replace(starting, variables=variables, secrets=secrets))
        except (errors.BucleError, OSError) as fault:
            LOG.warning("attempt %s could not be started: %s", starting.attempt_id, fault)
            with self.records.write(self.clock()) as transaction:
                fold(
                    transaction,
                    starting.attempt_id,
                    Ended(why="failed", reason=f"could not be started: {fault}"),
                )

    def _wait(self, seconds: float) -> set[str]:
        """Wait for a hint for at most `seconds`; return the attempts named by all hints that are there."""
        hinted: set[str] = set()
        self.hints.settimeout(seconds or 0.000_001)
        try:
            while len(hinted) < 256:
                hinted.add(self.hints.recv(64).decode(errors="replace"))
                self.hints.settimeout(0.000_001)
        except (TimeoutError, BlockingIOError):
            pass
        return hinted
