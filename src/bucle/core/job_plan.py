"""What a job will do: its steps in order, each a frozen value that the engine can run without asking anybody."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from bucle.core.classes import DataClass
from bucle.spec.digest import digest_of

StepKind = Literal["command", "build", "system"]
JobState = Literal["queued", "running", "completed", "failed", "canceled"]
StepState = Literal["waiting", "ready", "running", "completed", "failed", "canceled", "skipped"]

TERMINAL: frozenset[str] = frozenset({"completed", "failed", "canceled", "skipped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A declared input or output of a step: its name, where it lies, what it is (None: not known before it is made)."""

    name: str
    path: str
    form: Literal["file", "folder"]
    digest: str | None = None
    reference: str | None = None
    """What people wrote for it: `azureml:fuel:1`, `${{parent.jobs.prep.outputs.table}}`."""
    publish: str | None = None
    """Of an output: where in a datastore its files are laid besides, once the step has completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step: what runs, with which code, in which environment, on which inputs, into which outputs.

    `command` is the shell text of a command step, rendered; `environment` the digest of what its environment asks for.
    A build step builds that environment; a system step looks at what a job made, without network. `after` names the
    steps that must have completed; `memory_bytes` and `tasks` are the most that its processes may take together (None:
    what the launcher gives every step); `tries` bounds failed attempts.
    """

    name: str
    kind: StepKind
    command: str = ""
    code: str | None = None
    environment: str | None = None
    inputs: tuple[Mount, ...] = ()
    outputs: tuple[Mount, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    timeout_s: float | None = None
    memory_bytes: int | None = None
    tasks: int | None = None
    tries: int = 1
    tools: tuple[str, ...] = ()
    """Files of ours that a system step runs; user code sees none of them."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Its literal inputs."""
    notes: tuple[str, ...] = ()
    """What of it is not as it was written: another interpreter, no container."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Variables that hold a secret of the stage, with its name; what it holds is nowhere in a plan."""

    def document(self) -> dict[str, Any]:
        """Return the plan as plain JSON."""
        return asdict(self)

    def behind(self, name: str) -> "StepPlan":
        """Return this step, waiting for the step `name` too."""
        return replace(self, after=(*self.after, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """A job as it is submitted: who asked for what, the highest class it reads, and its steps."""

    stage: str
    name: str
    kind: Literal["command", "pipeline"]
    display_name: str
    experiment: str
    document: Mapping[str, Any]
    document_digest: str
    data_class: DataClass
    tags: Mapping[str, str]
    continue_on_step_failure: bool
    steps: tuple[StepPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemJob:
    """A job that the platform submits for itself; `document` is what it is told to do."""

    stage: str
    name: str
    display_name: str
    experiment: str
    document: Mapping[str, Any]
    data_class: DataClass

    def plan(self, *steps: StepPlan) -> JobPlan:
        """Return the job of these steps; none goes on once another has failed."""
        return JobPlan(
            stage=self.stage,
            name=self.name,
            kind="command" if len(steps) == 1 else "pipeline",
            display_name=self.display_name,
            experiment=self.experiment,
            document=self.document,
            document_digest=digest_of(self.document),
            data_class=self.data_class,
            tags={},
            continue_on_step_failure=False,
            steps=steps,
        )


def command_of_tool(tool: str, order: Mapping[str, Any]) -> str:
    """Return the shell text by which a system step has a file of ours carry out an order."""
    return f"python -I {shlex.quote(tool)} {shlex.quote(json.dumps(order))}"


def read_step(document: Mapping[str, Any]) -> StepPlan:
    """Return the plan that `StepPlan.document` wrote."""
    mounts = {name: tuple(Mount(**row) for row in document[name]) for name in ("inputs", "outputs")}
    lists = {name: tuple(document.get(name, ())) for name in ("after", "tools", "notes")}
    return StepPlan(**{**document, **mounts, **lists})


def in_order(steps: Sequence[StepPlan]) -> tuple[StepPlan, ...]:
    """Return `steps` so that each stands behind those it waits for; ValueError names a step of a circle."""
    placed: dict[str, StepPlan] = {}
    left = list(steps)
    while left:
        ready = [step for step in left if all(name in placed for name in step.after)]
        if not ready:
            raise ValueError(left[0].name)
        placed.update({step.name: step for step in ready})
        left = [step for step in left if step.name not in placed]
    return tuple(placed.values())
