"""Online endpoints: list, show with what each deployment answers and costs, read the keys back."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.serving import deployments, endpoints
from bucle.serving.deployments import Deployment
from bucle.serving.endpoints import Endpoint
from bucle.store.instants import to_text


def listed(
    world: World, call: Call, stage: str, *, limit: int, after: str | None
) -> tuple[list[dict[str, Any]], tuple[Any, ...] | None]:
    """Return a page of endpoints by name."""
    with world.read() as rows:
        authorise(world, rows, call, "endpoints/read", stage)
        found = endpoints.page(rows, stage, limit=limit + 1, after=after)
        shown = [document_of(world, rows, one) for one in found[:limit]]
    return shown, (found[limit - 1].name,) if len(found) > limit else None


def show(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Return an endpoint: its address, its traffic, and of each deployment requests, errors, latency, CPU, memory."""
    with world.read() as rows:
        authorise(world, rows, call, "endpoints/read", stage)
        return document_of(world, rows, find_endpoint(rows, stage, name))


def credentials(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Return the keys of an endpoint; reading them is an event."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "endpoints/keys/read", stage)
        found = find_endpoint(transaction.rows, stage, name)
        transaction.record(call.event(stage, "endpoints/keys", f"endpoints/{name}"))
    derive = world.keys.hmac
    return {"primaryKey": found.key("primary", derive), "secondaryKey": found.key("secondary", derive)}


def find_endpoint(rows: sa.Connection, stage: str, name: str) -> Endpoint:
    """Return an endpoint; NotFound when the stage has none of that name."""
    found = endpoints.find(rows, stage, name)
    if found is None:
        raise errors.NotFound("serving.no_such_endpoint", name=name, stage=stage)
    return found


def document_of(world: World, rows: sa.Connection, found: Endpoint) -> dict[str, Any]:
    """Return an endpoint as people see it; traffic in percent."""
    address = world.scoring_address()
    return {
        "name": found.name,
        "stage": found.stage,
        "scoring_uri": None if address is None else f"{address}/{found.stage}/{found.name}/score",
        "auth_mode": "key",
        "traffic": {name: share / 10 for name, share in found.traffic.items()},
        "deployments": [_deployment(world, found, one) for one in deployments.of_endpoint(rows, found)],
        "created_by": found.made_by,
        "created_at": to_text(found.created_at),
    }


def _deployment(world: World, endpoint: Endpoint, found: Deployment) -> dict[str, Any]:
    worker = world.routes.workers().get(found.id)
    return {
        "name": found.name,
        "model": found.document.get("model"),
        "release_digest": found.release_digest,
        "model_digest": found.model_digest,
        "state": "starting" if worker is None else worker.state,
        "error": None if worker is None else worker.last_error,
        "restarts": 0 if worker is None else worker.restarts,
        "cpu_s": None if worker is None else worker.cpu_s,
        "rss_bytes": None if worker is None else worker.rss_bytes,
        **_counts(world, endpoint, found),
    }


def _counts(world: World, endpoint: Endpoint, found: Deployment) -> Mapping[str, Any]:
    """Return what the gateway has counted since it began: requests, failed ones, p50 and p95 in milliseconds."""
    for row in world.routes.stats().get("deployments", ()):
        if (row["stage"], row["endpoint"], row["deployment"]) == (endpoint.stage, endpoint.name, found.name):
            statuses = {int(status): count for status, count in row["statuses"].items()}
            latency = row["latency"]
            return {
                "requests": sum(statuses.values()),
                "errors": sum(count for status, count in statuses.items() if status >= 400),
                "p50_ms": None if latency["p50"] is None else latency["p50"] / 1000,
                "p95_ms": None if latency["p95"] is None else latency["p95"] / 1000,
            }
    return {"requests": 0, "errors": 0, "p50_ms": None, "p95_ms": None}
