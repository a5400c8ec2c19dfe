"""Logged models (MLflow 3): what a run saved as a model, before anybody registers it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Literal, get_args

import sqlalchemy as sa

from bucle import errors
from bucle.core.classes import DataClass
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables.tracking import logged_model, model_metric
from bucle.tracking import rules
from bucle.tracking.comparing import holds
from bucle.tracking.experiments import Experiment, active
from bucle.tracking.grammar import MODELS, Order, parse_filter
from bucle.tracking.rows import MOST_VALUES, in_parts, writing
from bucle.tracking.rules import Metric

Status = Literal["LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMetric:
    """A measurement of a model: the run that made it, and the dataset it was made on, if that was said."""

    run_id: str
    metric: Metric
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedModel:
    """One logged model; times in microseconds."""

    id: str
    experiment_id: int
    stage: str
    job: str | None
    name: str
    type: str
    source_run_id: str
    status: Status
    data_class: DataClass
    artifact_root: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    created_at: int
    updated_at: int
    metrics: Sequence[ModelMetric] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    """A logged model to be made."""

    id: str
    job: str | None
    data_class: DataClass
    name: str
    type: str
    source_run_id: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; `job`: only models of this job."""

    experiments: Sequence[int]
    filter: str | None = None
    order_by: Sequence[Order] = ()
    job: str | None = None
    limit: int = 100
    offset: int = 0


def create(transaction: Transaction, folder: Experiment, workspace: str, new: NewModel) -> LoggedModel:
    """Write a new model, pending until its files are there."""
    active(folder)
    at = to_micros(transaction.now)
    transaction.rows.execute(
        logged_model.insert().values(
            id=new.id, experiment_id=folder.id, stage=folder.stage, job=new.job, name=new.name, type=new.type,
            source_run_id=new.source_run_id, status="LOGGED_MODEL_PENDING", data_class=new.data_class,
            artifact_root=f"{workspace}/{folder.id}/models/{new.id}/artifacts", tags=dict(new.tags),
            parameters=dict(new.parameters), created_at=at, updated_at=at,
        )
    )  # fmt: skip
    return find(transaction.rows, folder.stage, new.id)


def find(rows: sa.Connection, stage: str, model_id: str) -> LoggedModel:
    """Return a model of the stage; NotFound for one of another stage, or deleted."""
    query = sa.select(logged_model).where(logged_model.c.id == model_id, logged_model.c.stage == stage)
    found = _full(rows, rows.execute(query.where(logged_model.c.deleted_at.is_(None))).all())
    if not found:
        raise errors.NotFound("tracking.no_model", model=model_id[:80], stage=stage)
    return found[0]


def set_status(transaction: Transaction, model_id: str, status: str) -> None:
    """Say how the upload of the files ended."""
    if status not in STATUSES:
        raise errors.BadRequest("tracking.bad_status", status=status, what="a logged model", known=", ".join(STATUSES))
    _change(transaction, model_id, status=status)


def set_tags(transaction: Transaction, found: LoggedModel, tags: Mapping[str, str]) -> None:
    """Set tags, new or changed."""
    _change(transaction, found.id, tags={**found.tags, **tags})


def delete_tag(transaction: Transaction, found: LoggedModel, key: str) -> None:
    """Take a tag away; NotFound when there is none."""
    if key not in found.tags:
        raise errors.NotFound("tracking.no_tag", what="model", id=found.id, key=key)
    _change(transaction, found.id, tags={name: value for name, value in found.tags.items() if name != key})


def log_parameters(transaction: Transaction, found: LoggedModel, given: Mapping[str, str]) -> None:
    """Write parameters of a model."""
    _change(transaction, found.id, parameters={**found.parameters, **given})


def delete(transaction: Transaction, model_id: str) -> None:
    """Delete a model; its files stay where other records name them."""
    _change(transaction, model_id, deleted_at=to_micros(transaction.now))


def log_metrics(transaction: Transaction, model_id: str, given: Sequence[ModelMetric]) -> None:
    """Write measurements of a model."""
    if given:
        transaction.rows.execute(
            writing(transaction.rows, model_metric).on_conflict_do_nothing(),
            [
                {"model_id": model_id, "run_id": one.run_id, "key": one.metric.key, "value": one.metric.value,
                 "is_nan": one.metric.is_nan, "step": one.metric.step, "logged_at": one.metric.logged_at,
                 "dataset_name": one.dataset_name, "dataset_digest": one.dataset_digest}
                for one in given
            ],
        )  # fmt: skip


def search(rows: sa.Connection, stage: str, asked: Search) -> Sequence[LoggedModel]:
    """Return models that pass the filter, newest first unless ordered; they are few, so they are filtered here."""
    query = sa.select(logged_model).where(
        logged_model.c.stage == stage,
        logged_model.c.experiment_id.in_(asked.experiments[:MOST_VALUES]),
        logged_model.c.deleted_at.is_(None),
    )
    if asked.job is not None:
        query = query.where(logged_model.c.job == asked.job)
    clauses = parse_filter(asked.filter, MODELS)
    found = rows.execute(query.order_by(logged_model.c.created_at.desc(), logged_model.c.id)).all()
    passed: list[LoggedModel] = [
        one
        for one in _full(rows, found)
        if all(holds(_value_of(one, clause.entity, clause.key), clause.operator, clause.value) for clause in clauses)
    ]
    for order in reversed(asked.order_by):
        passed = _sorted(passed, order)
    return passed[asked.offset : asked.offset + asked.limit]


def _sorted(found: Sequence[LoggedModel], order: Order) -> list[LoggedModel]:
    """Return models by one key of an order; those without a value come last."""
    keyed = [(_value_of(one, order.entity, order.key), one) for one in found]
    known = sorted((pair for pair in keyed if pair[0] is not None), key=itemgetter(0), reverse=not order.ascending)
    return [one for _, one in known] + [one for value, one in keyed if value is None]


def _value_of(one: LoggedModel, entity: str, key: str) -> Any:
    match entity:
        case "tag":
            return one.tags.get(key)
        case "parameter":
            return one.parameters.get(key)
        case "metric":
            measured = [each.metric for each in one.metrics if each.metric.key == key and not each.metric.is_nan]
            return max(measured, key=lambda each: (each.step, each.logged_at)).value if measured else None
    return {
        "name": one.name,
        "model_id": one.id,
        "model_type": one.type,
        "status": one.status,
        "source_run_id": one.source_run_id,
        "experiment_id": str(one.experiment_id),
        "artifact_location": f"mlflow-artifacts:/{one.artifact_root}",
        "creation_timestamp": one.created_at // 1000,
        "last_updated_timestamp": one.updated_at // 1000,
    }[key]


def _change(transaction: Transaction, model_id: str, **changed: Any) -> None:
    transaction.rows.execute(
        logged_model.update()
        .where(logged_model.c.id == model_id)
        .values(updated_at=to_micros(transaction.now), **changed)
    )


def _full(rows: sa.Connection, found: Sequence[sa.Row[Any]]) -> Sequence[LoggedModel]:
    metrics: dict[str, list[ModelMetric]] = {row.id: [] for row in found}
    query = sa.select(model_metric).order_by(model_metric.c.key, model_metric.c.step, model_metric.c.logged_at)
    for row in _in_parts(rows, query, [row.id for row in found]):
        one = Metric(key=row.key, value=row.value, is_nan=row.is_nan, step=row.step, logged_at=row.logged_at)
        metrics[row.model_id].append(
            ModelMetric(run_id=row.run_id, metric=one, dataset_name=row.dataset_name, dataset_digest=row.dataset_digest)
        )
    models = []
    for row in found:
        fields = row._asdict()
        del fields["deleted_at"]
        models.append(LoggedModel(**fields, metrics=metrics[row.id]))
    return models


def _in_parts(rows: sa.Connection, query: sa.Select[Any], ids: Sequence[str]) -> Iterator[sa.Row[Any]]:
    for part in in_parts(ids):
        yield from rows.execute(query.where(model_metric.c.model_id.in_(part)))


def checked_tags(pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return tags that a model may have: any but the platform's own."""
    rules.refuse_reserved([key for key, _ in pairs])
    return rules.tags(pairs)
