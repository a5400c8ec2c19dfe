"""Experiments: named folders of runs, one set a stage; deleted ones are kept and can be restored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.tracking import experiment, experiment_tag, run
from bucle.tracking import rules
from bucle.tracking.comparing import compare
from bucle.tracking.grammar import EXPERIMENTS, Clause, parse_filter, parse_order
from bucle.tracking.rows import writing

Lifecycle = Literal["active", "deleted"]
View = Literal["ACTIVE_ONLY", "DELETED_ONLY", "ALL"]
DEFAULT_ID = "0"
"""MLflow's id of the experiment that a client means when it names none."""
DEFAULT_NAME = "Default"
_COLUMNS: Mapping[str, Any] = {
    "name": experiment.c.name,
    "experiment_id": sa.cast(experiment.c.id, sa.Text),
    "creation_time": experiment.c.created_at,
    "last_update_time": experiment.c.updated_at,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One experiment of a stage, with its tags."""

    id: int
    stage: str
    name: str
    lifecycle: Lifecycle
    created_at: datetime
    updated_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for: a filter, an order, which lifecycle, how many rows behind how many."""

    filter: str | None = None
    order_by: Sequence[str] = ()
    view: View = "ACTIVE_ONLY"
    limit: int = 1000
    offset: int = 0


def create(transaction: Transaction, stage: str, name: str, tags: Sequence[tuple[str, str]] = ()) -> Experiment:
    """Write a new experiment; Conflict when the stage has one of that name, deleted or not."""
    rules.experiment_name(name)
    kept = rules.tags(tags)
    if find_by_name(transaction.rows, stage, name) is not None:
        raise errors.Conflict("tracking.experiment_exists", name=name, stage=stage)
    at = to_micros(transaction.now)
    made = transaction.rows.execute(
        experiment.insert()
        .values(stage=stage, name=name, lifecycle="active", created_at=at, updated_at=at)
        .returning(experiment.c.id)
    ).scalar_one()
    for key, value in kept.items():
        set_tag(transaction, made, key, value)
    return find(transaction.rows, stage, str(made))


def find(rows: sa.Connection, stage: str, experiment_id: str) -> Experiment:
    """Return an experiment of the stage by its id; `0` is the default one. NotFound elsewhere."""
    by = experiment.c.name == DEFAULT_NAME
    if experiment_id != DEFAULT_ID:
        by = experiment.c.id == (int(experiment_id) if _is_id(experiment_id) else -1)
    return _one(rows, stage, by) or _missing(stage, experiment_id)


def find_by_name(rows: sa.Connection, stage: str, name: str) -> Experiment | None:
    """Return the experiment of that name, deleted or not, or None."""
    return _one(rows, stage, experiment.c.name == name)


def ensure(transaction: Transaction, stage: str, name: str) -> Experiment:
    """Return the experiment of that name, made where there is none."""
    return find_by_name(transaction.rows, stage, name) or create(transaction, stage, name)


def ids_of(rows: sa.Connection, stage: str, asked: Iterable[str]) -> Sequence[int]:
    """Return which of the asked experiments the stage has."""
    wanted = set(asked)
    there = rows.execute(sa.select(experiment.c.id, experiment.c.name).where(experiment.c.stage == stage))
    return [row.id for row in there if str(row.id) in wanted or (row.name == DEFAULT_NAME and DEFAULT_ID in wanted)]


def rename(transaction: Transaction, found: Experiment, name: str) -> None:
    """Give an experiment another name."""
    rules.experiment_name(name)
    active(found)
    other = find_by_name(transaction.rows, found.stage, name)
    if other is not None and other.id != found.id:
        raise errors.Conflict("tracking.experiment_exists", name=name, stage=found.stage)
    _touch(transaction, found.id, name=name)


def set_lifecycle(transaction: Transaction, found: Experiment, lifecycle: Lifecycle) -> None:
    """Delete or restore an experiment with its runs; what is so already is refused as MLflow does."""
    if lifecycle == "deleted":
        active(found)
    elif found.lifecycle == "active":
        raise errors.BadRequest("tracking.not_deleted", what="experiment", id=found.id)
    _touch(transaction, found.id, lifecycle=lifecycle)
    transaction.rows.execute(run.update().where(run.c.experiment_id == found.id).values(lifecycle=lifecycle))


def active(found: Experiment) -> Experiment:
    """Return the experiment when it takes new things; BadRequest when it is deleted."""
    if found.lifecycle != "active":
        raise errors.BadRequest("tracking.deleted", what="experiment", id=found.id)
    return found


def set_tag(transaction: Transaction, experiment_id: int, key: str, value: str) -> None:
    """Set a tag of an experiment, new or changed."""
    kept = rules.tags([(key, value)])[key]
    statement = writing(transaction.rows, experiment_tag).values(experiment_id=experiment_id, key=key, value=kept)
    transaction.rows.execute(
        statement.on_conflict_do_update(index_elements=["experiment_id", "key"], set_={"value": kept})
    )


def delete_tag(transaction: Transaction, experiment_id: int, key: str) -> None:
    """Take a tag away; NotFound when there is none."""
    gone = transaction.rows.execute(
        experiment_tag.delete().where(experiment_tag.c.experiment_id == experiment_id, experiment_tag.c.key == key)
    )
    if gone.rowcount == 0:
        raise errors.NotFound("tracking.no_tag", what="experiment", id=experiment_id, key=key)


def search(rows: sa.Connection, stage: str, asked: Search) -> Sequence[Experiment]:
    """Return experiments of the stage that pass the filter, by default newest first."""
    query = sa.select(experiment).where(experiment.c.stage == stage)
    if asked.view != "ALL":
        query = query.where(experiment.c.lifecycle == ("active" if asked.view == "ACTIVE_ONLY" else "deleted"))
    for clause in parse_filter(asked.filter, EXPERIMENTS):
        query = query.where(_condition(rows, clause))
    for order in parse_order(asked.order_by, EXPERIMENTS):
        column = _COLUMNS[order.key] if order.key != "experiment_id" else experiment.c.id
        query = query.order_by(column.asc() if order.ascending else column.desc())
    query = query.order_by(experiment.c.created_at.desc(), experiment.c.id.desc())
    return _with_tags(rows, rows.execute(query.limit(asked.limit).offset(asked.offset)).all())


def _condition(rows: sa.Connection, clause: Clause) -> sa.ColumnElement[bool]:
    if clause.entity == "tag":
        tag = sa.select(experiment_tag.c.key).where(
            experiment_tag.c.experiment_id == experiment.c.id, experiment_tag.c.key == clause.key
        )
        if clause.value is None:
            return tag.exists() if clause.operator == "IS NOT NULL" else ~tag.exists()
        return tag.where(compare(rows, experiment_tag.c.value, clause.operator, clause.value)).exists()
    value = clause.value * 1000 if isinstance(clause.value, float) else clause.value
    return compare(rows, _COLUMNS[clause.key], clause.operator, value)


def _one(rows: sa.Connection, stage: str, by: sa.ColumnElement[bool]) -> Experiment | None:
    found = rows.execute(sa.select(experiment).where(experiment.c.stage == stage, by)).all()
    return next(iter(_with_tags(rows, found)), None)


def _with_tags(rows: sa.Connection, found: Sequence[sa.Row[Any]]) -> Sequence[Experiment]:
    tags: dict[int, dict[str, str]] = {row.id: {} for row in found}
    for row in rows.execute(sa.select(experiment_tag).where(experiment_tag.c.experiment_id.in_(tags))):
        tags[row.experiment_id][row.key] = row.value
    return [
        Experiment(
            id=row.id,
            stage=row.stage,
            name=row.name,
            lifecycle=row.lifecycle,
            created_at=of_micros(row.created_at),
            updated_at=of_micros(row.updated_at),
            tags=tags[row.id],
        )
        for row in found
    ]


def _touch(transaction: Transaction, experiment_id: int, **changed: str) -> None:
    transaction.rows.execute(
        experiment.update()
        .where(experiment.c.id == experiment_id)
        .values(updated_at=to_micros(transaction.now), **changed)
    )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _missing(stage: str, experiment_id: str) -> Experiment:
    raise errors.NotFound("tracking.no_experiment", experiment=experiment_id[:80], stage=stage)
