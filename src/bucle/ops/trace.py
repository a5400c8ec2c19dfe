"""Trace: from one request to its deployment, release, approval, job, commit, data and people."""

from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.core.access import Allow, decide
from bucle.core.scopes import stage_scope
from bucle.monitoring import traffic
from bucle.ops.monitor import fold
from bucle.ops.world import Call, World
from bucle.release import promotions, releases
from bucle.release.promotions import Promotion
from bucle.release.releases import Release
from bucle.store.instants import to_text


def trace(world: World, call: Call, request_id: str) -> dict[str, Any]:
    """Return everything that stands behind an answer; NotFound where it was not collected or lies out of sight."""
    fold(world)
    with world.read() as rows:
        found = traffic.of_request(rows, request_id)
        seen = [one for one in found if _may_see(world, rows, call, one.stage)]
        if not seen:
            raise errors.NotFound("trace.not_found", request=request_id)
        first = seen[0]
        release = next(one for one in releases.every(rows) if one.digest == first.release)
        made = [
            one
            for one in promotions.of_release(rows, release.id)
            if one.stage == first.stage and one.created_at <= first.accepted_at
        ]
        promotion = made[-1] if made else None  # a later attempt did not bring it to this answer
        return {
            "request": request_id,
            "accepted_at": to_text(first.accepted_at),
            "stage": first.stage,
            "endpoint": first.endpoint,
            "deployment": first.deployment,
            "rows": [
                {"correlation_id": one.correlation_id, "prediction": one.prediction, "label": one.label} for one in seen
            ],
            "release": {"alias": release.alias, "digest": release.digest, "model": f"{release.name}:{release.version}"},
            "promotion": None if promotion is None else _promotion(world, rows, promotion),
            **_made(world, rows, release),
        }


def _may_see(world: World, rows: sa.Connection, call: Call, stage: str) -> bool:
    snapshot = world.policy.snapshot(rows)
    decision = decide(snapshot, call.caller, "metrics/read", stage_scope(stage), now=world.clock())
    return isinstance(decision, Allow)


def _promotion(world: World, rows: sa.Connection, found: Promotion) -> dict[str, Any]:
    people = world.policy.snapshot(rows).people
    approvals = [one for one in promotions.approvals_of(rows, found.name) if one.verdict == "approved"]
    return {
        "name": found.name,
        "requested_by": people[found.requester_id].name,
        "executed_by": None if found.executor_id is None else people[found.executor_id].name,
        "approved_by": [people[one.approver_id].name for one in approvals],
        "acknowledged": [name for one in approvals for name in one.acknowledged],
    }


def _made(world: World, rows: sa.Connection, release: Release) -> dict[str, Any]:
    manifest = release.manifest
    author = world.policy.snapshot(rows).people.get(release.author_id)
    return {
        "model_digest": manifest["model"]["digest"],
        "environment": manifest["environment"],
        "job": manifest["job"],
        "code": manifest["code"],
        "data": manifest["data"],
        "author": None if author is None else author.name,
    }
