"""Secrets of stages: list, set, delete, given to the jobs that name them; nothing reads one back."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access import stage_secrets
from bucle.access.stage_secrets import Secret
from bucle.access.stages import find_stage
from bucle.core.access import Deny, decide, error_of
from bucle.core.scopes import PLATFORM as PLATFORM_SCOPE
from bucle.core.scopes import stage_scope
from bucle.core.secret import check_name, read_value
from bucle.core.snapshot import Caller
from bucle.execution import attempts, jobs
from bucle.execution.launcher import Starting
from bucle.execution.redaction import redacted
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.store.events import PLATFORM, Event
from bucle.store.instants import to_text


def listed(world: World, call: Call, stage: str) -> list[dict[str, Any]]:
    """Return the names of a stage's secrets, each with its version, and who set it when."""
    with world.read() as rows:
        authorise(world, rows, call, "secrets/list", stage)
        return [_document(one) for one in stage_secrets.of_stage(rows, stage)]


def may_set(world: World, call: Call, stage: str, name: str) -> None:
    """Refuse who may not set a secret, before its value is read."""
    with world.read() as rows:
        authorise(world, rows, call, "secrets/write", stage_scope(stage))
        find_stage(rows, stage)
    check_name(name)


def put(world: World, call: Call, stage: str, name: str, content: bytes) -> dict[str, Any]:
    """Set a secret, new or anew; a job that starts from now on gets this value."""
    value = read_value(content)
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "secrets/write", stage)
        known = stage_secrets.every(transaction.rows)
        ring = world.secret_keys.ring() if known else world.secret_keys.first_ring()
        made = stage_secrets.put(transaction, ring, (stage, name), value, by=call.principal.name)
        transaction.record(call.event(stage, "secrets/set", f"secrets/{name}", after={"version": made.version}))
        return transaction.answers(_document(made))


def delete(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Delete a secret; jobs that name it are refused, and those that run keep what they were given."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "secrets/write", stage)
        found = _find(transaction.rows, stage, name)
        stage_secrets.forget(transaction, found)
        transaction.record(call.event(stage, "secrets/delete", f"secrets/{name}", before={"version": found.version}))
        return transaction.answers(_document(found))


def rotate_key(world: World, call: Call) -> dict[str, Any]:
    """Seal the key of every secret under a new key, all in one transaction; a rotation that was cut off goes on.

    Until it is committed both keys are kept: whatever stops it, every secret opens.
    """
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "secrets/write", PLATFORM_SCOPE)
        known = stage_secrets.every(transaction.rows)
        if known:
            ring = world.secret_keys.begin_rotation()
            moved = stage_secrets.rewrap(transaction, ring)
            after = {"key": ring.sealing, "secrets": moved}
            transaction.record(call.event(PLATFORM, "secrets/rotate-key", "secret-keys", after=after))
        answer = transaction.answers({"key": ring.sealing if known else None, "secrets": len(known)})
    if known:
        world.secret_keys.end_rotation()
    return answer


def check_use(world: World, rows: sa.Connection, call: Call, stage: str, names: Iterable[str]) -> None:
    """Refuse a job whose submitter may not use the secrets that it names, or that names one that is not there."""
    for name in sorted(names):
        authorise(world, rows, call, "secrets/use", stage_scope(stage, "secrets", name))
        _find(rows, stage, name)


def given_to(world: World, starting: Starting) -> Mapping[str, str]:
    """Return the secret variables of an attempt that is about to start, and write that it was given them.

    Its submitter must be allowed to use them now: he may have lost that since.
    """
    wanted = starting.plan.secrets
    if not wanted:
        return {}
    with world.records.write(world.clock()) as transaction:
        rows = transaction.rows
        tried = attempts.find(rows, starting.attempt_id)
        submitter = Caller(principal_id=tried.submitted_by)
        found = {name: _find(rows, starting.stage, name) for name in sorted({*wanted.values()})}
        for name in found:
            scope = stage_scope(starting.stage, "secrets", name)
            decision = decide(world.policy.snapshot(rows), submitter, "secrets/use", scope, now=transaction.now)
            if isinstance(decision, Deny):
                raise error_of(decision)
        ring = world.secret_keys.ring()
        values = {name: one.value(ring) for name, one in found.items()}
        versions = {name: one.version for name, one in found.items()}
        transaction.record(
            Event(
                chain=starting.stage,
                who=tried.submitter_name,
                via="engine",
                what="secrets/use",
                subject=f"jobs/{starting.job}",
                after={"step": starting.plan.name, "attempt": tried.number, "secrets": versions},
            )
        )
    return {variable: values[name] for variable, name in wanted.items()}


def without_secrets(
    world: World, rows: sa.Connection, place: tuple[str, str | None], pairs: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return what was logged at `place`, a stage and a job of it, with the secrets of that job replaced by `***`."""
    stage, job = place
    named = frozenset[str]() if job is None else jobs.secrets_of(rows, stage, job)
    found = [one for one in stage_secrets.of_stage(rows, stage) if one.name in named] if named else []
    values = [one.value(world.secret_keys.ring()) for one in found]
    return [(key, redacted(value, values)) for key, value in pairs]


def _find(rows: sa.Connection, stage: str, name: str) -> Secret:
    found = stage_secrets.find(rows, stage, name)
    if found is None:
        raise errors.NotFound("secret.not_found", name=name, stage=stage)
    return found


def _document(found: Secret) -> dict[str, Any]:
    return {
        "name": found.name,
        "stage": found.stage,
        "version": found.version,
        "set_by": found.set_by,
        "set_at": to_text(found.set_at),
    }
