"""What went into a run and what came out of it: datasets and logged models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from bucle.store.records import Transaction
from bucle.store.tables.tracking import dataset_input, run_model
from bucle.tracking.rows import in_parts, writing

Direction = Literal["input", "output"]
MOST_DATASETS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInput:
    """A dataset that a run read: its name and digest, what it was read for, and its document as it was sent."""

    name: str
    digest: str
    context: str | None
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLink:
    """A logged model that went into a run or came out of it, at a step."""

    direction: Direction
    model_id: str
    step: int = 0


def log_datasets(transaction: Transaction, run_id: str, given: Sequence[DatasetInput]) -> None:
    """Write datasets of a run; the same name and digest again changes nothing."""
    if given:
        transaction.rows.execute(
            writing(transaction.rows, dataset_input).on_conflict_do_nothing(),
            [
                {"run_id": run_id, "name": one.name, "digest": one.digest, "context": one.context,
                 "document": dict(one.document)}
                for one in given
            ],
        )  # fmt: skip


def link_models(transaction: Transaction, run_id: str, given: Sequence[ModelLink]) -> None:
    """Write which models went in or came out; again changes nothing."""
    if given:
        transaction.rows.execute(
            writing(transaction.rows, run_model).on_conflict_do_nothing(),
            [
                {"run_id": run_id, "direction": one.direction, "model_id": one.model_id, "step": one.step}
                for one in given
            ],
        )


def datasets_of(rows: sa.Connection, ids: Sequence[str]) -> Mapping[str, list[DatasetInput]]:
    """Return the datasets of each run."""
    found: dict[str, list[DatasetInput]] = {one: [] for one in ids}
    query = sa.select(dataset_input).order_by(dataset_input.c.name, dataset_input.c.digest)
    for part in in_parts(ids):
        for row in rows.execute(query.where(dataset_input.c.run_id.in_(part))):
            one = DatasetInput(name=row.name, digest=row.digest, context=row.context, document=row.document)
            found[row.run_id].append(one)
    return found


def models_of(rows: sa.Connection, ids: Sequence[str]) -> Mapping[str, list[ModelLink]]:
    """Return the models of each run."""
    found: dict[str, list[ModelLink]] = {one: [] for one in ids}
    query = sa.select(run_model).order_by(run_model.c.step, run_model.c.model_id)
    for part in in_parts(ids):
        for row in rows.execute(query.where(run_model.c.run_id.in_(part))):
            found[row.run_id].append(ModelLink(direction=row.direction, model_id=row.model_id, step=row.step))
    return found
