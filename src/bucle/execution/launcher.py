"""The launcher port: five calls, each idempotent by attempt id. `local` is the one here; others join behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bucle.core.job_plan import StepPlan
from bucle.execution.fold import Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """An attempt about to start: its step, its job, and the variables that its door gave it (tokens among them)."""

    attempt_id: str
    job: str
    stage: str
    workspace: str
    plan: StepPlan
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables whose values are written nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Nobody has claimed the attempt: it may be submitted again under the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A supervisor holds the attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """The attempt has ended, and its exit was recorded."""

    ended: Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The attempt was claimed, nobody holds it, and no exit was recorded: it may have run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The launcher cannot tell now; never taken for Lost."""

    why: str


Status = Pending | Running | Exited | Lost | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a launcher has: processors and memory in bytes, in all."""

    cpus: int
    memory_bytes: int


class Launcher(Protocol):
    """Where attempts run."""

    @property
    def name(self) -> Literal["local", "ray", "kubernetes"]:
        """Which engine this is."""

    def submit(self, starting: Starting) -> None:
        """Start an attempt; the same id again never starts a second run."""

    def status(self, attempt_id: str) -> Status:
        """Return how an attempt stands."""

    def log(self, attempt_id: str, offset: int = 0) -> bytes:
        """Return the bytes of the attempt's log from `offset` on; empty where there is none yet."""

    def cancel(self, attempt_id: str) -> None:
        """Ask an attempt to stop: TERM, then KILL after its grace. What has ended stays as it ended."""

    def resources(self) -> Resources:
        """Return what this launcher has to give."""
