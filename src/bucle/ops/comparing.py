"""Champion against candidate: both score rows that neither was trained on, each in its own environment, isolated."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage, find_stage
from bucle.assets import datastores
from bucle.core.evaluation import Compared, Rows, Task, compare
from bucle.core.job_plan import Mount, StepPlan, SystemJob, command_of_tool
from bucle.core.monitor import numbers_of
from bucle.execution import jobs
from bucle.monitoring import traffic
from bucle.monitoring.traffic import Scored
from bucle.ops.data import find_version
from bucle.ops.deploying import place_model
from bucle.ops.job_inputs import mount_of
from bucle.ops.world import Call, World
from bucle.release import comparisons
from bucle.release.releases import Release
from bucle.store.records import Transaction

TIMEOUT_S = 600.0
MOST_ROWS = 10_000
CHAMPION, CANDIDATE = "champion", "candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What serves a stage, and what would take its place."""

    stage: str
    champion: Release
    candidate: Release


def unseen_since(rows: sa.Connection, pair: Pair) -> datetime:
    """Return since when labels are new to both: the data of a job was fixed before the job was submitted."""
    return max(_submitted_at(rows, release) for release in (pair.champion, pair.candidate))


def count_unseen(rows: sa.Connection, pair: Pair) -> int:
    """Return how many rows `unseen_rows` would give."""
    since = unseen_since(rows, pair)
    return min(MOST_ROWS, traffic.count_labelled_since(rows, pair.stage, pair.champion.name, since))


def unseen_rows(rows: sa.Connection, pair: Pair) -> Sequence[Scored]:
    """Return the newest labelled rows of the stage that neither was trained on, `MOST_ROWS` at most."""
    since = unseen_since(rows, pair)
    return traffic.labelled_since(rows, pair.stage, pair.champion.name, since, most=MOST_ROWS)


def submit(world: World, transaction: Transaction, call: Call, pair: Pair, holdout: str, *, named: str) -> str:
    """Submit the system job `compare-<named>` that scores both on the data asset `holdout`; return its name."""
    rows = transaction.rows
    stage = find_stage(rows, pair.stage)
    store = datastores.find(rows, pair.stage, datastores.DEFAULT)
    name, _, version = holdout.partition(":")
    source = mount_of(rows, pair.stage, find_version(rows, pair.stage, name, version))
    job = f"compare-{named}"
    steps = tuple(
        _scoring_step(world, stage, release, source, f"{store.root}/jobs/{job}/{role}/scored", role)
        for role, release in ((CHAMPION, pair.champion), (CANDIDATE, pair.candidate))
    )
    document = {"holdout": holdout, CHAMPION: pair.champion.digest, CANDIDATE: pair.candidate.digest}
    asked = SystemJob(
        stage=pair.stage,
        name=job,
        display_name="champion against candidate",
        experiment="comparisons",
        document=document,
        data_class=store.data_class,
    )
    jobs.submit(transaction, asked.plan(*steps), world.new_id, by=call.principal.id, by_name=call.principal.name)
    return job


def has_ended(rows: sa.Connection, stage: str, job: str) -> bool:
    """Say whether a comparison has ended, well or not."""
    found = jobs.find(rows, stage, job)
    return found is None or found.ended_at is not None


def keep(transaction: Transaction, pair: Pair, job: str, holdout: str) -> Compared:
    """Compare what both predicted and write it down; BadRequest when the job made no predictions."""
    found = jobs.find(transaction.rows, pair.stage, job)
    if found is None or found.state != "completed":
        raise errors.BadRequest("promotion.not_compared", job=job, state="lost" if found is None else found.state)
    scored = {one.name: one.outputs for one in jobs.steps_of(transaction.rows, found.id)}
    words = pair.champion.manifest["release"]
    before, after = (_scored(scored[role], words["task"]) for role in (CHAMPION, CANDIDATE))
    compared = compare(before, after, words["metric"], words["direction"])
    comparisons.add(transaction, pair.champion.digest, pair.candidate.digest, holdout, compared)
    return compared


def _submitted_at(rows: sa.Connection, release: Release) -> datetime:
    """Return when a release's job was submitted; when the job is gone, the later instant that the release was born."""
    job = jobs.find(rows, release.stage, release.manifest["job"]["name"])
    return release.created_at if job is None else job.created_at


def _scoring_step(world: World, stage: Stage, release: Release, source: Mount, out: str, role: str) -> StepPlan:
    folder = place_model(world, stage, release)
    order = {
        "task": "score",
        "model": str(folder),
        "evaluation": source.path,
        "source": "scored",
        "target": release.manifest["release"]["target"],
        "columns": [],
        "out": out,
    }
    model = Mount(name="model", path=str(folder), form="folder", digest=release.manifest["model"]["digest"])
    tool = world.tools.package_model
    return StepPlan(
        name=role,
        kind="system",
        command=command_of_tool(tool, order),
        environment=release.manifest["environment"]["ask"],
        inputs=(model, source),
        outputs=(Mount(name="scored", path=out, form="folder"),),
        timeout_s=TIMEOUT_S,
        tools=(tool,),
    )


def _scored(outputs: Mapping[str, Any] | None, task: Task) -> Rows:
    assert outputs is not None, "the step completed"
    found = json.loads((Path(outputs["scored"]["path"]) / "scored.json").read_bytes())
    target, prediction = numbers_of([*zip(found["target"], found["prediction"], strict=True)], task)
    return Rows(target=target, prediction=prediction, columns={})
