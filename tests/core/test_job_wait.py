"""Why a job is not further: a sentence for each step, by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bucle.core.job_wait import Standing, Wait, waits_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def step(name: str, state: str, *after: str, **more: Any) -> Standing:
    """Return a step as it stands."""
    plain: dict[str, Any] = {
        "kind": "command",
        "tries": 0,
        "begun_at": None,
        "reason": None,
        "exit_code": None,
        "lasted_s": (),
    }
    return Standing(name=name, state=state, after=after, **{**plain, **more})


def test_each_state_has_its_reason() -> None:
    """What waits, what is queued behind whom, what runs and how long yet, what failed, what never starts."""
    steps = [
        step("done", "completed"),
        step("long", "running", "done", begun_at=NOW - timedelta(seconds=30), lasted_s=(40.0, 50.0, 90.0)),
        step("first", "running", "done", begun_at=NOW - timedelta(seconds=9), kind="build"),
        step("next", "waiting", "done", "long"),
        step("queued", "ready", "done"),
        step("again", "ready", tries=2, reason="it used 2.04 GiB of memory, of 2 GiB that it may"),
        step("bad", "failed", exit_code=3),
        step("never", "skipped", "bad"),
    ]
    busy = {"calm_heron": ["long", "first"], "warm_teal": ["main"]}
    assert waits_of(steps, NOW, slots=3, busy=busy) == (
        Wait(step="long", state="running", because="its command runs for 30 s", left_s=20.0),
        Wait(step="first", state="running", because="its environment is built for 9 s"),
        Wait(step="next", state="waiting", because="it comes after long (running)"),
        Wait(
            step="queued",
            state="ready",
            because="all 3 slots of the stage are taken: calm_heron (long, first), warm_teal (main)",
        ),
        Wait(
            step="again",
            state="ready",
            because="its attempt 2 ended (it used 2.04 GiB of memory, of 2 GiB that it may) and it is tried again; "
            "all 3 slots of the stage are taken: calm_heron (long, first), warm_teal (main)",
        ),
        Wait(step="bad", state="failed", because="its command ended with exit code 3"),
        Wait(step="never", state="skipped", because="bad did not complete"),
    )
    assert waits_of([step("queued", "ready")], NOW, slots=4, busy=busy)[0].because == "it starts within a second"
