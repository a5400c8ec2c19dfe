"""Why a job is not further, or why it failed: its waits, and the end of the log of what failed."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from bucle.core.job_wait import Standing, waits_of
from bucle.execution import attempts, jobs
from bucle.execution.jobs import Job, StepNow
from bucle.ops.authority import authorise
from bucle.ops.job import find_job
from bucle.ops.places import places_of
from bucle.ops.world import Call, World

MOST_LINES = 40
TAIL_BYTES = 1 << 16


def why(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Return what each step of a job waits for, or why it ended, with the last 40 lines of what failed."""
    with world.read() as rows:
        authorise(world, rows, call, "jobs/logs/read", stage)
        found = find_job(rows, stage, name)
        steps = jobs.steps_of(rows, found.id)
        standing = [_standing(rows, found, step) for step in steps]
        slots, busy = places_of(rows)[stage].slots, attempts.running(rows, stage)
    waits = waits_of(standing, world.clock(), slots=slots, busy=busy)
    last = {step.name: step.attempt_id for step in steps if step.state == "failed" and step.attempt_id}
    return {
        "name": found.name,
        "stage": stage,
        "status": found.state,
        "steps": [
            {
                "step": wait.step,
                "status": wait.state,
                "because": wait.because,
                "left_s": wait.left_s,
                "log": tail(world.launcher.log, last[wait.step]) if wait.step in last else [],
            }
            for wait in waits
        ],
    }


def tail(log: Callable[[str, int], bytes], attempt_id: str) -> list[str]:
    """Return the last lines of an attempt's log."""
    end, offset = b"", 0
    while piece := log(attempt_id, offset):
        end, offset = (end + piece)[-TAIL_BYTES:], offset + len(piece)
    return end.decode(errors="replace").splitlines()[-MOST_LINES:]


def _standing(rows: sa.Connection, job: Job, step: StepNow) -> Standing:
    running = step.state == "running"
    return Standing(
        name=step.name,
        kind=step.kind,
        state=step.state,
        after=tuple(step.plan["after"]),
        tries=step.tries,
        begun_at=step.begun_at,
        reason=step.reason,
        exit_code=step.exit_code,
        lasted_s=attempts.lasted_s(rows, job.stage, job.display_name, step.name) if running else (),
    )
