"""Runs of attempts from the inside: asked for twice, retried, cancelled; without an engine that turns by itself."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bucle.execution import queue
from bucle.execution.fold import Ended, Why, fold
from bucle.execution.launcher import Starting
from bucle.execution.queue import Place
from bucle.ops import job_run
from tests.tracking.conftest import Tracker

PLACES = {"dev": Place(workspace="dev", slots=100)}
JOB = {"type": "command", "command": "true", "environment": {"image": "python"}, "experiment_name": "inside"}


def _pick(tracker: Tracker) -> Starting:
    with tracker.world.records.write(tracker.clock()) as transaction:
        return queue.pick(transaction, PLACES, tracker.world.new_id)[-1]


def _end(tracker: Tracker, starting: Starting, why: Why) -> None:
    with tracker.world.records.write(tracker.clock()) as transaction:
        fold(transaction, starting.attempt_id, Ended(why=why))
        job_run.settle(transaction)


def _variables(tracker: Tracker, starting: Starting) -> Mapping[str, str]:
    return job_run.variables(tracker.world, lambda: "http://127.0.0.1:1", starting)


def _status(tracker: Tracker, run_id: str) -> str:
    return str(tracker.shown(run_id)["info"]["status"])


@pytest.fixture
def started(tracker: Tracker) -> Starting:
    """Give the attempt of a job's command, about to start; its environment was built, which is no run."""
    headers = {"Authorization": f"Bearer {tracker.admin}"}
    made = tracker.api.post("/api/v1/stages/dev/jobs", json=JOB, headers=headers)
    assert made.status_code == 201, made.text
    build = _pick(tracker)
    assert (build.plan.kind, _variables(tracker, build)) == ("build", {})
    _end(tracker, build, "ok")
    return _pick(tracker)


def test_second_asking_keeps_the_run(tracker: Tracker, started: Starting) -> None:
    """A server that takes over asks again: the run is the same, the token is new, and the first opens nothing."""
    first = _variables(tracker, started)
    assert tracker.code("experiments/search", first["MLFLOW_TRACKING_TOKEN"]) == (200, "")
    second = _variables(tracker, started)
    assert second["MLFLOW_RUN_ID"] == first["MLFLOW_RUN_ID"]
    assert tracker.code("experiments/search", first["MLFLOW_TRACKING_TOKEN"]) == (401, "UNAUTHENTICATED")
    assert tracker.code("experiments/search", second["MLFLOW_TRACKING_TOKEN"]) == (200, "")


@pytest.mark.parametrize(
    ("why", "status"), [("ok", "FINISHED"), ("failed", "FAILED"), ("timeout", "FAILED"), ("canceled", "KILLED")]
)
def test_end_of_an_attempt(tracker: Tracker, started: Starting, why: Why, status: str) -> None:
    """The run and its job's run get the attempt's end, whatever code wrote last; the token opens nothing more."""
    given = _variables(tracker, started)
    run, token = given["MLFLOW_RUN_ID"], given["MLFLOW_TRACKING_TOKEN"]
    tracker.done("runs/update", token, run_id=run, status="SCHEDULED")
    parent = _tags(tracker.shown(run))["mlflow.parentRunId"]
    _end(tracker, started, why)
    assert (_status(tracker, run), _status(tracker, parent)) == (status, status)
    assert tracker.code("GET runs/get", token, run_id=run) == (401, "UNAUTHENTICATED")


def test_lost_attempt_and_the_next(tracker: Tracker, started: Starting) -> None:
    """Each try of a step is a run of its own below the same job; the job's run ends with the last try only."""
    first = _variables(tracker, started)["MLFLOW_RUN_ID"]
    _end(tracker, started, "lost")
    tracker.clock.at += timedelta(minutes=2)  # behind the delay of a retry
    again = _pick(tracker)
    second = _variables(tracker, again)["MLFLOW_RUN_ID"]
    tags = [_tags(tracker.shown(run)) for run in (first, second)]
    parent = tags[0]["mlflow.parentRunId"]
    assert [one["bucle.attempt"] for one in tags] == ["1", "2"]
    assert (tags[1]["mlflow.parentRunId"], _status(tracker, first), _status(tracker, parent)) == (
        parent,
        "FAILED",
        "RUNNING",
    )
    _end(tracker, again, "ok")
    assert (_status(tracker, second), _status(tracker, parent)) == ("FINISHED", "FINISHED")


def _tags(run: Mapping[str, Any]) -> dict[str, str]:
    return {row["key"]: row["value"] for row in run["data"]["tags"]}
