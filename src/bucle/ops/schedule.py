"""Schedules: create, list, show, enable, disable, trigger, delete; the clock fires each tick once."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access import principals
from bucle.access.stages import Stage, find_stage
from bucle.core import schedule as core
from bucle.core.job import JobDocument
from bucle.core.schedule import Fire
from bucle.core.scheduling import PRINCIPAL, job_document, job_named, trigger_of
from bucle.core.snapshot import Caller
from bucle.execution import schedules
from bucle.execution.schedules import Fired, Schedule
from bucle.ops import job
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.spec.command_job import CommandJob
from bucle.spec.loading import load_body
from bucle.spec.pipeline_job import PipelineJob
from bucle.spec.schedule import Schedule as ScheduleWords
from bucle.store.instants import to_text
from bucle.store.records import Transaction

LOG = logging.getLogger("bucle.schedule")
SHOWN_FIRES = 20


def create(world: World, call: Call, stage: str, words: ScheduleWords, document: Mapping[str, Any]) -> dict[str, Any]:
    """Make a schedule; what it runs as must be allowed to submit jobs, now and at each firing."""
    with world.write(call) as transaction:
        rows = transaction.rows
        authorise(world, rows, call, "schedules/write", stage)
        place = find_stage(rows, stage)
        principal_id = _runner(rows, call, place, (words.properties or {}).get(PRINCIPAL))
        authorise(world, rows, _call_of(world, rows, principal_id), "jobs/submit", stage)
        named = job_named(document)
        given = None if named is None else job.find_job(rows, stage, named).document
        asked, job_words = _job(job_document(document, given))
        job.check_code(world, rows, call, place, asked)
        next_at = core.next_after(trigger_of(words.trigger, transaction.now), transaction.now)
        if next_at is None:
            raise errors.BadRequest("schedule.never", name=words.name)
        made = Schedule(
            id=world.new_id(),
            stage=stage,
            name=words.name,
            document=document,
            job_document=job_words,
            enabled=words.is_enabled is not False,
            principal_id=principal_id,
            made_by=call.principal.name,
            created_at=transaction.now,
            considered_at=transaction.now,
            next_at=next_at,
        )
        schedules.add(transaction, made)
        transaction.record(call.event(stage, "schedules/create", f"schedules/{made.name}"))
        return transaction.answers(_document(world, rows, made))


def listed(
    world: World, call: Call, stage: str, *, limit: int, after: str | None
) -> tuple[list[dict[str, Any]], tuple[Any, ...] | None]:
    """Return a page of schedules by name."""
    with world.read() as rows:
        authorise(world, rows, call, "schedules/read", stage)
        found = schedules.page(rows, stage, limit=limit + 1, after=after)
        shown = [_document(world, rows, one) for one in found[:limit]]
    return shown, (found[limit - 1].name,) if len(found) > limit else None


def show(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Return a schedule with its job and its newest firings."""
    with world.read() as rows:
        authorise(world, rows, call, "schedules/read", stage)
        found = _find(rows, stage, name)
        fires = [_fire_document(one) for one in schedules.fires_of(rows, found, limit=SHOWN_FIRES)]
        return {**_document(world, rows, found), "job": dict(found.job_document), "fires": fires}


def switch(world: World, call: Call, stage: str, name: str, *, enabled: bool) -> dict[str, Any]:
    """Enable or disable a schedule; the ticks of the time it was disabled never fire."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "schedules/write", stage)
        found = _find(transaction.rows, stage, name)
        if found.enabled != enabled:
            next_at = core.next_after(_trigger(found), transaction.now)
            schedules.switch(transaction, found, enabled=enabled, next_at=next_at)
            what = "schedules/enable" if enabled else "schedules/disable"
            transaction.record(call.event(stage, what, f"schedules/{name}"))
        return transaction.answers(_document(world, transaction.rows, _find(transaction.rows, stage, name)))


def trigger(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Submit a schedule's job now, as what it runs as; its ticks stay as they are."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "schedules/write", stage)
        found = _find(transaction.rows, stage, name)
        fired = _submit(world, transaction, found, Fire(due_at=transaction.now, first_missed_at=None))
        transaction.record(call.event(stage, "schedules/trigger", f"schedules/{name}", after={"job": fired.job}))
        answer = transaction.answers({"schedule": name, "stage": stage, **_fire_document(fired)})
    world.wake()
    return answer


def delete(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Remove a schedule; the jobs that it submitted stay."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "schedules/write", stage)
        schedules.remove(transaction, _find(transaction.rows, stage, name))
        transaction.record(call.event(stage, "schedules/delete", f"schedules/{name}"))
        return transaction.answers({"name": name, "stage": stage, "deleted": True})


def advance(world: World) -> None:
    """Fire every schedule whose tick has come, once; ticks that were missed are one firing."""
    with world.read() as rows:
        waiting = schedules.due(rows, world.clock())
    for found in waiting:
        try:
            _fire(world, found)
        except errors.BucleError as fault:
            LOG.warning("schedule %s in %s: %s", found.name, found.stage, fault)
            _give_up(world, found, str(fault))


def _fire(world: World, found: Schedule) -> None:
    """Move on beyond the tick, submit the job and record the firing: all in one transaction, or nothing of it."""
    with world.records.write(world.clock()) as transaction:
        fire = _take(transaction, found)
        if fire is not None:
            _submit(world, transaction, found, fire)
    world.wake()


def _give_up(world: World, found: Schedule, reason: str) -> None:
    """Record a firing that submitted nothing; the next tick tries again."""
    with world.records.write(world.clock()) as transaction:
        fire = _take(transaction, found)
        if fire is None:
            return
        call = _call_of(world, transaction.rows, found.principal_id)
        transaction.record(
            call.event(found.stage, "schedules/failed", f"schedules/{found.name}", after={"reason": reason})
        )
        schedules.record_fire(transaction, found, _fired(transaction, fire, None, reason))


def _take(transaction: Transaction, found: Schedule) -> Fire | None:
    trigger = _trigger(found)
    fire = core.due(trigger, found.considered_at, transaction.now)
    if fire is None:
        return None
    following = core.next_after(trigger, transaction.now)
    return fire if schedules.take(transaction, found, fire.due_at, following) else None


def _submit(world: World, transaction: Transaction, found: Schedule, fire: Fire) -> Fired:
    call = _call_of(world, transaction.rows, found.principal_id)
    name = f"{found.name}-{fire.due_at:%Y%m%dT%H%M%S}"
    asked, words = _job({**found.job_document, "name": name})
    prepared = job.prepare(world, transaction.rows, call, found.stage, asked)
    made = job.submit(world, transaction, call, prepared, words)
    fired = _fired(transaction, fire, made.name, None)
    schedules.record_fire(transaction, found, fired)
    return fired


def _fired(transaction: Transaction, fire: Fire, made: str | None, reason: str | None) -> Fired:
    return Fired(
        due_at=fire.due_at, fired_at=transaction.now, first_missed_at=fire.first_missed_at, job=made, reason=reason
    )


def _job(document: Mapping[str, Any]) -> tuple[JobDocument, dict[str, object]]:
    loaded = load_body(dict(document), "job")
    if not isinstance(loaded.value, CommandJob | PipelineJob):
        raise errors.BadRequest("job.kind_not_run", type=loaded.kind)
    return loaded.value, loaded.document


def _runner(rows: sa.Connection, call: Call, stage: Stage, named: object) -> str:
    """Return what a schedule runs as: a service of the caller's that it names, or, in dev alone, the caller."""
    if named is None:
        if stage.tier != "dev" and call.principal.kind != "service":
            raise errors.Refused("schedule.needs_service", stage=stage.name)
        return call.principal.id
    found = principals.find(rows, str(named))
    if found is None or found.kind != "service" or found.person_id != call.principal.person_id:
        raise errors.Refused("schedule.not_yours", principal=named)
    return found.id


def _call_of(world: World, rows: sa.Connection, principal_id: str) -> Call:
    principal = world.policy.snapshot(rows).people[principal_id]
    caller = Caller(principal_id=principal_id, session="workload")
    return Call(caller=caller, principal=principal, via="clock", request_id=world.new_id())


def _find(rows: sa.Connection, stage: str, name: str) -> Schedule:
    found = schedules.find(rows, stage, name)
    if found is None:
        raise errors.NotFound("schedule.not_found", name=name, stage=stage)
    return found


def _trigger(found: Schedule) -> core.Trigger:
    return trigger_of(ScheduleWords.model_validate(dict(found.document)).trigger, found.created_at)


def _document(world: World, rows: sa.Connection, found: Schedule) -> dict[str, Any]:
    return {
        "name": found.name,
        "stage": found.stage,
        "trigger": found.document["trigger"],
        "enabled": found.enabled,
        "next_at": _text(found.next_at if found.enabled else None),
        "runs_as": world.policy.snapshot(rows).people[found.principal_id].name,
        "created_by": found.made_by,
        "created_at": to_text(found.created_at),
    }


def _fire_document(fired: Fired) -> dict[str, Any]:
    return {
        "due_at": to_text(fired.due_at),
        "fired_at": to_text(fired.fired_at),
        "first_missed_at": _text(fired.first_missed_at),
        "job": fired.job,
        "reason": fired.reason,
    }


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else to_text(instant)
