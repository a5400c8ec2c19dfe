"""Logged models of a workspace: make, show, search, say how their upload ended, tag, delete."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from bucle.core.classes import DataClass
from bucle.core.ids import job_name
from bucle.ops.secret import without_secrets
from bucle.ops.tracking_place import Place, authorise_on, class_of_new, enter, find_place
from bucle.ops.tracking_run import RANDOM_OF_A_NAME
from bucle.ops.world import Call, World
from bucle.store.records import Transaction
from bucle.tracking import experiments, models, rules, runs
from bucle.tracking.grammar import Order
from bucle.tracking.models import LoggedModel, NewModel

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A logged model to be made, as a client asks for it."""

    experiment_id: str
    name: str | None
    type: str
    source_run_id: str
    tags: Pairs
    parameters: Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for among models."""

    experiment_ids: Sequence[str]
    filter: str | None
    order_by: Sequence[Order]
    limit: int
    offset: int


def create(world: World, call: Call, workspace: str, asked: Asked) -> LoggedModel:
    """Make a logged model, pending until its files are there; it is as sensitive as the run that it comes from."""
    with world.write(call) as transaction:
        place = enter(world, transaction.rows, call, workspace, "experiments/write")
        job, data_class = _origin(world, transaction.rows, call, place, asked.source_run_id)
        origin = (place.stage, job)
        new = NewModel(
            id=f"m-{world.random(16).hex()}",
            job=job,
            data_class=data_class,
            name=asked.name or job_name(world.random(RANDOM_OF_A_NAME)),
            type=asked.type,
            source_run_id=asked.source_run_id,
            tags=models.checked_tags(without_secrets(world, transaction.rows, origin, asked.tags)),
            parameters=rules.parameters(without_secrets(world, transaction.rows, origin, asked.parameters)),
        )
        folder = experiments.find(transaction.rows, place.stage, asked.experiment_id)
        return models.create(transaction, folder, place.workspace, new)


def show(world: World, call: Call, workspace: str, model_id: str) -> LoggedModel:
    """Return a logged model."""
    with world.read() as rows:
        place = find_place(world, rows, call, workspace)
        found = models.find(rows, place.stage, model_id)
        authorise_on(world, rows, call, "experiments/read", place, found)
        return found


def search(world: World, call: Call, workspace: str, asked: Search) -> Sequence[LoggedModel]:
    """Return the logged models that pass a filter; a job finds its own only."""
    with world.read() as rows:
        place = enter(world, rows, call, workspace, "experiments/read")
        return models.search(
            rows,
            place.stage,
            models.Search(
                experiments=experiments.ids_of(rows, place.stage, asked.experiment_ids),
                filter=asked.filter,
                order_by=asked.order_by,
                job=place.job,
                limit=asked.limit,
                offset=asked.offset,
            ),
        )


def finish(world: World, call: Call, workspace: str, model_id: str, status: str) -> LoggedModel:
    """Say how the upload of a model's files ended."""
    with _changing(world, call, workspace, model_id) as (transaction, found):
        models.set_status(transaction, found.id, status)
        return models.find(transaction.rows, found.stage, found.id)


def set_tags(world: World, call: Call, workspace: str, model_id: str, tags: Pairs) -> LoggedModel:
    """Set tags of a model."""
    with _changing(world, call, workspace, model_id) as (transaction, found):
        given = without_secrets(world, transaction.rows, (found.stage, found.job), tags)
        models.set_tags(transaction, found, models.checked_tags(given))
        return models.find(transaction.rows, found.stage, found.id)


def delete_tag(world: World, call: Call, workspace: str, model_id: str, key: str) -> None:
    """Take a tag of a model away."""
    rules.refuse_reserved([key])
    with _changing(world, call, workspace, model_id) as (transaction, found):
        models.delete_tag(transaction, found, key)


def log_parameters(world: World, call: Call, workspace: str, model_id: str, given: Pairs) -> None:
    """Write parameters of a model."""
    with _changing(world, call, workspace, model_id) as (transaction, found):
        kept = without_secrets(world, transaction.rows, (found.stage, found.job), given)
        models.log_parameters(transaction, found, rules.parameters(kept))


def delete(world: World, call: Call, workspace: str, model_id: str) -> None:
    """Delete a model."""
    with _changing(world, call, workspace, model_id) as (transaction, found):
        models.delete(transaction, found.id)
        transaction.record(call.event(found.stage, "logged-models/delete", f"logged-models/{found.id}"))


@contextmanager
def _changing(world: World, call: Call, workspace: str, model_id: str) -> Iterator[tuple[Transaction, LoggedModel]]:
    with world.write(call) as transaction:
        place = find_place(world, transaction.rows, call, workspace)
        found = models.find(transaction.rows, place.stage, model_id)
        authorise_on(world, transaction.rows, call, "experiments/write", place, found)
        yield transaction, found


def _origin(
    world: World, rows: sa.Connection, call: Call, place: Place, source_run_id: str
) -> tuple[str | None, DataClass]:
    """Return the job and the class of the run that a model comes from; it must be one the caller may write to."""
    if not source_run_id:
        return place.job, class_of_new(rows, place)
    source = runs.find(rows, place.stage, source_run_id)
    authorise_on(world, rows, call, "experiments/write", place, source)
    return source.job, source.data_class
