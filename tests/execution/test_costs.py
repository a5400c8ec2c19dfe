"""The cost of a job's steps, from what its attempts are recorded to have used; no engine turns by itself."""

from datetime import timedelta
from typing import Any

from bucle.access import settings
from bucle.execution import queue
from bucle.execution.fold import Ended, Why, fold
from bucle.execution.queue import Place
from bucle.store.instants import to_micros
from tests.tracking.conftest import Tracker, tracker

__all__ = ["tracker"]

JOB = {"type": "command", "command": "true", "environment": {"image": "python"}, "name": "dear"}
GIGABYTE = 10**9


def _run(tracker: Tracker, why: Why, *, cpu_s: float | None, lasted_s: int, peak: int | None) -> None:
    """Start the next attempt and end it with what it used."""
    tracker.clock.at += timedelta(minutes=2)  # behind the delay of a retry
    at = to_micros(tracker.clock.at)
    with tracker.world.records.write(tracker.clock()) as transaction:
        (starting,) = queue.pick(transaction, {"dev": Place(workspace="dev", slots=9)}, tracker.world.new_id)
        ended = Ended(why=why, started_at=at, ended_at=at + lasted_s * 1_000_000, cpu_s=cpu_s, peak_rss_bytes=peak)
        fold(transaction, starting.attempt_id, ended)


def _steps(tracker: Tracker) -> dict[str, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {tracker.admin}"}
    found = tracker.api.get("/api/v1/stages/dev/jobs/dear", headers=headers)
    assert found.status_code == 200, found.text
    return {one["name"]: one for one in found.json()["steps"]}


def test_cost_of_each_step_counts_every_attempt(tracker: Tracker) -> None:
    """A step tried twice costs both tries: 2 x 1 h of CPU at 0.12 and 2 GB for 1 h at 0.05, lost use left out."""
    headers = {"Authorization": f"Bearer {tracker.admin}"}
    assert tracker.api.post("/api/v1/stages/dev/jobs", json=JOB, headers=headers).status_code == 201
    _run(tracker, "failed", cpu_s=3600.0, lasted_s=1800, peak=2 * GIGABYTE)
    _run(tracker, "ok", cpu_s=3600.0, lasted_s=1800, peak=2 * GIGABYTE)
    unpriced = _steps(tracker)["environment"]
    assert (unpriced["cost"], "platform.yml" in unpriced["cost_reason"]) == (None, True)
    with tracker.world.records.write(tracker.clock()) as transaction:
        settings.set_price(transaction, "cpu_hour", "0.12 EUR")
        settings.set_price(transaction, "memory_gb_hour", "0.05 EUR")
    waiting = _steps(tracker)["main"]
    assert (waiting["cost"], "measured" in waiting["cost_reason"]) == (None, True)
    _run(tracker, "lost", cpu_s=None, lasted_s=60, peak=None)
    _run(tracker, "ok", cpu_s=36.0, lasted_s=36, peak=GIGABYTE)
    costs = {name: (one["cost"], one["cost_reason"]) for name, one in _steps(tracker).items()}
    assert costs == {"environment": ("0.340000 EUR", None), "main": ("0.001700 EUR", None)}
