"""Rollback and ledger: back to the release that served before, and what served when."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.ops import deploying
from bucle.ops.authority import authorise
from bucle.ops.promotion import changed
from bucle.ops.signing import check_approvals, check_release
from bucle.ops.world import Call, World
from bucle.release import promotions, releases
from bucle.release.promotions import Served
from bucle.serving import deployments, endpoints
from bucle.store.instants import to_text
from bucle.store.records import Transaction


def rollback(world: World, call: Call, stage: str, endpoint_name: str) -> dict[str, Any]:
    """Send all traffic back to the release that served before; its approval was used, so it needs no new one."""
    with world.write(call) as transaction:
        rows = transaction.rows
        authorise(world, rows, call, "promotions/rollback", stage)
        lines = promotions.history(rows, stage, endpoint_name)
        former = next((line for line in lines if lines and line.release_id != lines[0].release_id), None)
        endpoint = endpoints.find(rows, stage, endpoint_name)
        if former is None or endpoint is None:
            raise errors.NotFound("rollback.nothing", endpoint=endpoint_name, stage=stage)
        release = releases.of_id(rows, former.release_id)
        warm = deployments.find(rows, endpoint, former.deployment)
        if warm is None:
            raise errors.Conflict(
                "rollback.cold",
                deployment=former.deployment,
                endpoint=endpoint_name,
                alias=release.alias,
                stage=stage,
            )
        check_release(world, release, content=False)  # its worker was attested when it started
        check_approvals(world, rows, former.promotion)
        _cancel_others(transaction, call, former)
        deploying.mark_ready(world, transaction, warm)
        deploying.set_traffic(transaction, endpoint, {former.deployment: 100})
        line = Served(
            seq=0,
            stage=stage,
            endpoint=endpoint_name,
            release_id=former.release_id,
            deployment=former.deployment,
            promotion=former.promotion,
            why="rollback",
            from_at=transaction.now,
        )
        promotions.serve(transaction, line)
        before, after = {"release": releases.of_id(rows, lines[0].release_id).digest}, {"release": release.digest}
        subject = f"endpoints/{endpoint_name}"
        transaction.record(call.event(stage, "promotions/rollback", subject, before=before, after=after))
        answer = transaction.answers({"endpoint": endpoint_name, "stage": stage, **_document(rows, line)})
    deploying.publish(world)
    return answer


def _cancel_others(transaction: Transaction, call: Call, former: Served) -> None:
    """Cancel what is on its way to the endpoint: its next step would take back the traffic that goes now."""
    for one in promotions.active(transaction.rows):
        if (one.stage, one.endpoint) != (former.stage, former.endpoint):
            continue
        if one.deployment == former.deployment:  # ending that promotion would remove what we go back to
            raise errors.Conflict("promotion.another", name=one.name, stage=one.stage, state=one.state)
        changed(transaction, one, rollout={**one.rollout, "cancel": call.principal.name})


def history(world: World, call: Call, stage: str, name: str, as_of: datetime | None) -> list[dict[str, Any]]:
    """Return what served a model's endpoint, newest first; with an instant, the one line that was true then."""
    with world.read() as rows:
        authorise(world, rows, call, "promotions/read", stage)
        if as_of is not None:
            line = promotions.serving(rows, stage, name, at=as_of)
            return [] if line is None else [_document(rows, line)]
        return [_document(rows, line) for line in promotions.history(rows, stage, name)]


def _document(rows: sa.Connection, line: Served) -> dict[str, Any]:
    release = releases.of_id(rows, line.release_id)
    return {
        "release": release.alias,
        "model": f"{release.name}:{release.version}",
        "digest": release.digest,
        "deployment": line.deployment,
        "promotion": line.promotion,
        "why": line.why,
        "from_at": to_text(line.from_at),
    }
