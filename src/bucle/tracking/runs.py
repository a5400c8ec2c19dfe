"""Runs: made, found, changed, deleted and restored; each lies in an experiment of a stage, and perhaps in a job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa

from bucle import errors
from bucle.core.classes import DataClass
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables.tracking import latest_metric, parameter, run, run_tag
from bucle.tracking import inputs, tags
from bucle.tracking.experiments import Experiment, Lifecycle, active
from bucle.tracking.inputs import DatasetInput, ModelLink
from bucle.tracking.rows import in_parts
from bucle.tracking.rules import Metric

Status = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
STATUSES: tuple[Status, ...] = get_args(Status)
NAME_TAG = "mlflow.runName"
PARENT_TAG = "mlflow.parentRunId"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run without what was logged on it; times in microseconds."""

    id: str
    experiment_id: int
    stage: str
    job: str | None
    name: str
    user_id: str
    status: Status
    lifecycle: Lifecycle
    data_class: DataClass
    artifact_root: str
    started_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FullRun:
    """A run with the last value of each metric, its parameters and tags, what went in and what came out."""

    run: Run
    metrics: Sequence[Metric] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[DatasetInput] = ()
    models: Sequence[ModelLink] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to be made; `job` and `data_class` say whose it is and how sensitive its artifacts are."""

    id: str
    job: str | None
    data_class: DataClass
    name: str
    user_id: str
    started_at: int
    tags: Mapping[str, str]


def create(transaction: Transaction, folder: Experiment, workspace: str, new: NewRun) -> Run:
    """Write a new run into an experiment that is not deleted."""
    active(folder)
    transaction.rows.execute(
        run.insert().values(
            id=new.id, experiment_id=folder.id, stage=folder.stage, job=new.job, name=new.name, user_id=new.user_id,
            status="RUNNING", lifecycle="active", data_class=new.data_class,
            artifact_root=f"{workspace}/{folder.id}/{new.id}/artifacts", started_at=new.started_at,
        )
    )  # fmt: skip
    tags.set_all(transaction, new.id, {**new.tags, NAME_TAG: new.name})
    return find(transaction.rows, folder.stage, new.id)


def find(rows: sa.Connection, stage: str, run_id: str) -> Run:
    """Return a run of the stage; NotFound for one of another stage too."""
    row = rows.execute(sa.select(run).where(run.c.id == run_id, run.c.stage == stage)).one_or_none()
    if row is None:
        raise errors.NotFound("tracking.no_run", run=run_id[:80], stage=stage)
    return of_row(row)


def writable(found: Run) -> Run:
    """Return the run when it takes more; BadRequest when it is deleted."""
    if found.lifecycle != "active":
        raise errors.BadRequest("tracking.deleted", what="run", id=found.id)
    return found


def update(transaction: Transaction, found: Run, *, status: str | None, ended_at: int | None, name: str | None) -> None:
    """Change status, end and name; what is None stays."""
    if status is not None and status not in STATUSES:
        raise errors.BadRequest("tracking.bad_status", status=status, what="a run", known=", ".join(STATUSES))
    changed = {"status": status, "ended_at": ended_at, "name": name}
    given = {column: value for column, value in changed.items() if value is not None}
    if given:
        transaction.rows.execute(run.update().where(run.c.id == found.id).values(**given))
    if name is not None:
        tags.set_all(transaction, found.id, {NAME_TAG: name})


def name_by_tag(transaction: Transaction, run_id: str, name: str) -> None:
    """Follow the tag `mlflow.runName`, by which clients rename a run."""
    transaction.rows.execute(run.update().where(run.c.id == run_id).values(name=name))


def set_lifecycle(transaction: Transaction, found: Run, lifecycle: Lifecycle) -> None:
    """Delete or restore a run; again changes nothing."""
    transaction.rows.execute(run.update().where(run.c.id == found.id).values(lifecycle=lifecycle))


def end(transaction: Transaction, run_id: str, status: Status, at: datetime) -> None:
    """Give a run its last status, whatever its code said of it."""
    transaction.rows.execute(run.update().where(run.c.id == run_id).values(status=status, ended_at=to_micros(at)))


def end_left(transaction: Transaction, stage: str, job: str, status: Status) -> None:
    """Give every run of a job that still says it runs its last status: nobody is left to end it."""
    transaction.rows.execute(
        run.update()
        .where(run.c.stage == stage, run.c.job == job, run.c.status.in_(("RUNNING", "SCHEDULED")))
        .values(status=status, ended_at=to_micros(transaction.now))
    )


def full(rows: sa.Connection, found: Sequence[Run]) -> Sequence[FullRun]:
    """Return runs with all that was logged on them: five queries for any number of runs."""
    ids = [one.id for one in found]
    metrics = _by_run(rows, latest_metric, ids)
    parameters = _by_run(rows, parameter, ids)
    marks = _by_run(rows, run_tag, ids)
    datasets = inputs.datasets_of(rows, ids)
    models = inputs.models_of(rows, ids)
    return [
        FullRun(
            run=one,
            metrics=[
                Metric(key=row.key, value=row.value, is_nan=row.is_nan, step=row.step, logged_at=row.logged_at)
                for row in metrics[one.id]
            ],
            parameters={row.key: row.value for row in parameters[one.id]},
            tags={row.key: row.value for row in marks[one.id]},
            datasets=datasets[one.id],
            models=models[one.id],
        )
        for one in found
    ]


def of_row(row: sa.Row[Any]) -> Run:
    """Return the run that a row of the table holds."""
    return Run(**row._asdict())


def _by_run(rows: sa.Connection, table: sa.Table, ids: Sequence[str]) -> dict[str, list[sa.Row[Any]]]:
    found: dict[str, list[sa.Row[Any]]] = {one: [] for one in ids}
    for part in in_parts(ids):
        for row in rows.execute(sa.select(table).where(table.c.run_id.in_(part)).order_by(table.c.key)):
            found[row.run_id].append(row)
    return found
