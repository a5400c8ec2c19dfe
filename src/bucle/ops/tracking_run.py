"""Runs of a workspace: make, show, search, change, delete, restore."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from bucle.core.ids import job_name
from bucle.execution import jobs
from bucle.ops.job_run import source_tags
from bucle.ops.secret import without_secrets
from bucle.ops.tracking_place import Place, authorise_on, class_of_new, enter, find_place
from bucle.ops.world import Call, World
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.tracking import experiments, job_runs, metrics, rules, runs
from bucle.tracking import search as searching
from bucle.tracking.experiments import Lifecycle, View
from bucle.tracking.rules import Metric
from bucle.tracking.runs import PARENT_TAG, FullRun, NewRun, Run

RANDOM_OF_A_NAME = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A run to be made, as a client asks for it."""

    experiment_id: str
    name: str | None
    started_at: int | None
    tags: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to become of a run; None: as it is."""

    status: str | None = None
    ended_at: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for among runs."""

    experiment_ids: Sequence[str]
    filter: str | None
    order_by: Sequence[str]
    view: View
    limit: int
    offset: int


def create(world: World, call: Call, workspace: str, asked: Asked) -> FullRun:
    """Make a run; what a job makes hangs below the job's run unless it names a parent."""
    with world.write(call) as transaction:
        place = enter(world, transaction.rows, call, workspace, "experiments/write")
        rules.refuse_reserved([key for key, _ in asked.tags])
        if asked.experiment_id == experiments.DEFAULT_ID:
            folder = experiments.ensure(transaction, place.stage, experiments.DEFAULT_NAME)
        else:
            folder = experiments.find(transaction.rows, place.stage, asked.experiment_id)
        given = without_secrets(world, transaction.rows, (place.stage, place.job), asked.tags)
        tags = {**_below(transaction.rows, place), **rules.tags(given)}
        new = NewRun(
            id=world.random(16).hex(),
            job=place.job,
            data_class=class_of_new(transaction.rows, place),
            name=asked.name or tags.get(runs.NAME_TAG) or job_name(world.random(RANDOM_OF_A_NAME)),
            user_id=call.principal.name,
            started_at=to_micros(transaction.now) if asked.started_at is None else asked.started_at,
            tags=tags,
        )
        made = runs.create(transaction, folder, place.workspace, new)
        return runs.full(transaction.rows, [made])[0]


def show(world: World, call: Call, workspace: str, run_id: str) -> FullRun:
    """Return a run with all that was logged on it."""
    with world.read() as rows:
        return runs.full(rows, [find(world, rows, call, workspace, run_id)[1]])[0]


def history(world: World, call: Call, workspace: str, run_id: str, page: tuple[str, int, int]) -> Sequence[Metric]:
    """Return values of a metric; `page` is its key, how many, behind how many."""
    key, limit, offset = page
    with world.read() as rows:
        place = find_place(world, rows, call, workspace)
        found = runs.find(rows, place.stage, run_id)
        authorise_on(world, rows, call, "metrics/read", place, found)
        return metrics.history(rows, found.id, key, limit=limit, offset=offset)


def search(world: World, call: Call, workspace: str, asked: Search) -> Sequence[FullRun]:
    """Return the runs that pass a filter; a job finds its own only."""
    with world.read() as rows:
        place = enter(world, rows, call, workspace, "experiments/read")
        found = searching.search(
            rows,
            place.stage,
            searching.Search(
                experiments=experiments.ids_of(rows, place.stage, asked.experiment_ids),
                filter=asked.filter,
                order_by=asked.order_by,
                view=asked.view,
                job=place.job,
                limit=asked.limit,
                offset=asked.offset,
            ),
        )
        return runs.full(rows, found)


def update(world: World, call: Call, workspace: str, run_id: str, change: Change) -> Run:
    """Change a run's status, end or name."""
    with changing(world, call, workspace, run_id) as (transaction, found):
        runs.update(transaction, found, status=change.status, ended_at=change.ended_at, name=change.name)
        return runs.find(transaction.rows, found.stage, found.id)


def set_lifecycle(world: World, call: Call, workspace: str, run_id: str, lifecycle: Lifecycle) -> None:
    """Delete or restore a run."""
    with world.write(call) as transaction:
        place = find_place(world, transaction.rows, call, workspace)
        found = runs.find(transaction.rows, place.stage, run_id)
        authorise_on(world, transaction.rows, call, "experiments/write", place, found)
        runs.set_lifecycle(transaction, found, lifecycle)
        what = "runs/delete" if lifecycle == "deleted" else "runs/restore"
        transaction.record(call.event(place.stage, what, f"runs/{found.id}"))


def find(world: World, rows: sa.Connection, call: Call, workspace: str, run_id: str) -> tuple[Place, Run]:
    """Return a run that the caller may see, and where it lies."""
    place = find_place(world, rows, call, workspace)
    found = runs.find(rows, place.stage, run_id)
    authorise_on(world, rows, call, "experiments/read", place, found)
    return place, found


@contextmanager
def changing(world: World, call: Call, workspace: str, run_id: str) -> Iterator[tuple[Transaction, Run]]:
    """Yield the one transaction of a change of a run that takes more, and the run."""
    with world.write(call) as transaction:
        place = find_place(world, transaction.rows, call, workspace)
        found = runs.find(transaction.rows, place.stage, run_id)
        authorise_on(world, transaction.rows, call, "experiments/write", place, found)
        yield transaction, runs.writable(found)


def _below(rows: sa.Connection, place: Place) -> Mapping[str, str]:
    """Return the tags by which a new run hangs below the job that makes it, and names the commit of its code."""
    if place.job is None:
        return {}
    job, above = jobs.find(rows, place.stage, place.job), job_runs.of_job(rows, place.stage, place.job)
    if job is None or above is None:
        return {}
    return {PARENT_TAG: above.run_id, **source_tags(job)}
