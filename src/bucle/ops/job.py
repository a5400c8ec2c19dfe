"""Jobs: submit, list, show, read the log, cancel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.settings import read_settings
from bucle.access.stages import Stage, find_stage
from bucle.core import job as planning
from bucle.core.cost import Cost, cost_of
from bucle.core.job import Ground, JobDocument, Nodes
from bucle.execution import attempts, jobs
from bucle.execution.jobs import Job
from bucle.ops import secret
from bucle.ops.authority import authorise
from bucle.ops.job_ground import ground_of, nodes_in
from bucle.ops.uploads import code_manifest
from bucle.ops.world import Call, World
from bucle.store.instants import to_text
from bucle.store.records import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A job that can be submitted: its nodes, and the ground that its plan stands on."""

    asked: JobDocument
    nodes: Nodes
    ground: Ground


def create(world: World, call: Call, stage: str, asked: JobDocument, document: Mapping[str, Any]) -> dict[str, Any]:
    """Submit a job in a transaction of its own, and have the engine turn.

    What it stands on is looked for before: digests of large data are no reason for others to wait.
    """
    with world.read() as rows:
        prepared = prepare(world, rows, call, stage, asked)
    with world.write(call) as transaction:
        answer = transaction.answers(document_of(submit(world, transaction, call, prepared, document)))
    world.wake()
    return answer


def prepare(world: World, rows: sa.Connection, call: Call, stage: str, asked: JobDocument) -> Prepared:
    """Return a job with everything that it names found: components, environments, inputs, secrets, code."""
    authorise(world, rows, call, "jobs/submit", stage)
    place = find_stage(rows, stage)
    nodes = check_code(world, rows, call, place, asked)
    secret.check_use(world, rows, call, stage, planning.secrets_of(nodes))
    return Prepared(asked=asked, nodes=nodes, ground=ground_of(world, rows, call, place, asked, nodes))


def check_code(world: World, rows: sa.Connection, call: Call, stage: Stage, asked: JobDocument) -> Nodes:
    """Return the nodes of a job, whose code is all in the stage's workspace; BadRequest names what is not."""
    nodes = nodes_in(world, rows, call, stage.name, asked)
    for digest in planning.codes_of(nodes):
        code_manifest(world, stage.name, stage.workspace, digest)
    return nodes


def submit(world: World, transaction: Transaction, call: Call, prepared: Prepared, document: Mapping[str, Any]) -> Job:
    """Submit a job that was prepared: plan its steps, queue them, with its event; the caller wakes the engine."""
    stage, name = prepared.ground.stage, prepared.ground.name
    authorise(world, transaction.rows, call, "jobs/submit", stage)
    if jobs.find(transaction.rows, stage, name) is not None:
        raise errors.Conflict("job.exists", name=name, stage=stage)
    plan = planning.plan_job(prepared.asked, prepared.nodes, document, prepared.ground)
    made = jobs.submit(transaction, plan, world.new_id, by=call.principal.id, by_name=call.principal.name)
    after = {"document": plan.document_digest, "class": plan.data_class}
    transaction.record(call.event(stage, "jobs/submit", f"jobs/{plan.name}", after=after))
    return made


def listed(
    world: World, call: Call, stage: str, *, limit: int, after: tuple[Any, ...] | None
) -> tuple[list[dict[str, Any]], tuple[Any, ...] | None]:
    """Return a page of jobs, newest first, and the key behind which more follow."""
    with world.read() as rows:
        authorise(world, rows, call, "jobs/read", stage)
        found = jobs.page(rows, stage, limit=limit + 1, after=after)
    shown = found[:limit]
    return [document_of(job) for job in shown], jobs.page_key(shown[-1]) if len(found) > limit else None


def show(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Return a job with its steps: state, exit code, outputs, what each used and costs.

    Seconds, CPU seconds and peak memory are of a step's last attempt; its cost is that of all of them.
    """
    with world.read() as rows:
        authorise(world, rows, call, "jobs/read", stage)
        found = find_job(rows, stage, name)
        used, prices = attempts.used(rows, found.id), read_settings(rows).prices
        steps = [_step_document(one, cost_of(used.get(one.id), prices)) for one in jobs.steps_of(rows, found.id)]
    return {**document_of(found), "document": found.document, "steps": steps}


def log(world: World, call: Call, stage: str, name: str, step: str | None, offset: int) -> bytes:
    """Return bytes of a step's log from `offset` on: of the named step, else of the last one that has started."""
    with world.read() as rows:
        authorise(world, rows, call, "jobs/logs/read", stage)
        found = find_job(rows, stage, name)
        started = [now for now in jobs.steps_of(rows, found.id) if now.attempt_id and step in {None, now.name}]
    attempt_id = started[-1].attempt_id if started else None
    return b"" if attempt_id is None else world.launcher.log(attempt_id, offset)


def cancel(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Ask a job to stop; the engine ends what runs. Asking again, or after the end, changes nothing."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "jobs/cancel", stage)
        found = find_job(transaction.rows, stage, name)
        if jobs.ask_cancel(transaction, found.id):
            transaction.record(call.event(stage, "jobs/cancel", f"jobs/{name}"))
        answer = transaction.answers(document_of(found))
    world.wake()
    return answer


def find_job(rows: sa.Connection, stage: str, name: str) -> Job:
    """Return a job; NotFound when the stage has none of that name."""
    found = jobs.find(rows, stage, name)
    if found is None:
        raise errors.NotFound("job.not_found", name=name, stage=stage)
    return found


def document_of(job: Job) -> dict[str, Any]:
    """Return a job as people see it."""
    return {
        "name": job.name,
        "stage": job.stage,
        "type": job.kind,
        "status": job.state,
        "display_name": job.display_name,
        "experiment_name": job.experiment,
        "class": job.data_class,
        "tags": dict(job.tags),
        "created_by": job.submitter_name,
        "created_at": to_text(job.created_at),
        "started_at": None if job.started_at is None else to_text(job.started_at),
        "ended_at": None if job.ended_at is None else to_text(job.ended_at),
    }


def _step_document(step: jobs.StepNow, cost: Cost) -> dict[str, Any]:
    seconds = None
    if step.started_at is not None and step.ended_at is not None:
        seconds = (step.ended_at - step.started_at).total_seconds()
    return {
        "name": step.name,
        "kind": step.kind,
        "status": step.state,
        "attempts": step.tries,
        "why": step.why,
        "reason": step.reason,
        "exit_code": step.exit_code,
        "seconds": seconds,
        "cpu_s": step.cpu_s,
        "peak_rss_bytes": step.peak_rss_bytes,
        **cost.document(),
        "notes": list(step.plan.get("notes", ())),
        "code": step.plan["code"],
        "environment": step.plan["environment"],
        "inputs": {
            mount["name"]: {"digest": mount["digest"], "reference": mount["reference"]} for mount in step.plan["inputs"]
        },
        "outputs": step.outputs or {},
    }
