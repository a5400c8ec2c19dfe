"""Why a job is not further: what each of its steps waits for, and for how long as far as can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from bucle.core.job_plan import TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A step as it stands: what it comes after, since when it runs, what ended its last attempt."""

    name: str
    kind: str
    state: str
    after: tuple[str, ...]
    tries: int
    begun_at: datetime | None
    reason: str | None
    exit_code: int | None
    lasted_s: Sequence[float] = ()
    """How long earlier attempts of this step took, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a step waits for, or why it ended; `left_s`: seconds until its end by what it took before, if it ran."""

    step: str
    state: str
    because: str
    left_s: float | None = None


def waits_of(
    steps: Sequence[Standing], now: datetime, *, slots: int, busy: Mapping[str, Sequence[str]]
) -> tuple[Wait, ...]:
    """Return why each step that has not completed has not; `busy` names the running steps of the stage by job."""
    states = {step.name: step.state for step in steps}
    return tuple(_wait(step, now, states, slots, busy) for step in steps if step.state != "completed")


def _wait(
    step: Standing, now: datetime, states: Mapping[str, str], slots: int, busy: Mapping[str, Sequence[str]]
) -> Wait:
    match step.state:
        case "waiting":
            left = [f"{name} ({states[name]})" for name in step.after if states.get(name) != "completed"]
            because = f"it comes after {', '.join(left)}"
        case "ready":
            because = _queued(step, slots, busy)
        case "running":
            return _running(step, now)
        case "failed":
            because = step.reason or f"its command ended with exit code {step.exit_code}"
        case "skipped":
            bad = sorted(name for name, state in states.items() if state in TERMINAL - {"completed", "skipped"})
            because = f"{', '.join(bad)} did not complete"
        case _:
            because = "the job was canceled"
    return Wait(step=step.name, state=step.state, because=because)


def _queued(step: Standing, slots: int, busy: Mapping[str, Sequence[str]]) -> str:
    again = f"its attempt {step.tries} ended ({step.reason or 'lost'}) and it is tried again; " if step.tries else ""
    taken = sum(map(len, busy.values()))
    if taken < slots:
        return f"{again}it starts within a second"
    names = ", ".join(f"{job} ({', '.join(running)})" for job, running in sorted(busy.items()))
    return f"{again}all {slots} slots of the stage are taken: {names}"


def _running(step: Standing, now: datetime) -> Wait:
    what = "its environment is built" if step.kind == "build" else "its command runs"
    if step.begun_at is None:
        return Wait(step=step.name, state=step.state, because="it is being started")
    since_s = (now - step.begun_at).total_seconds()
    left_s = max(0.0, round(median(step.lasted_s) - since_s, 1)) if step.lasted_s else None
    return Wait(step=step.name, state=step.state, because=f"{what} for {since_s:.0f} s", left_s=left_s)
