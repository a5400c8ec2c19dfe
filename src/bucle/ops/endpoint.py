"""Online endpoints: create, change, move traffic, delete, list, show what each deployment answers and costs, keys."""

from collections.abc import Mapping
from typing import Any

import httpx2
import sqlalchemy as sa

from bucle import errors
from bucle.access.settings import read_settings
from bucle.access.stages import find_stage
from bucle.core.cost import Used, cost_of, held
from bucle.core.online_deployment import check_endpoint, raised
from bucle.ops import deploying, passing
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.release import promotions, releases
from bucle.release.promotions import Served
from bucle.serving import deployments, endpoints
from bucle.serving.deployments import Deployment
from bucle.serving.endpoints import Endpoint
from bucle.serving.routes import WorkerNow
from bucle.spec.online_endpoint import OnlineEndpoint
from bucle.store.instants import to_text
from bucle.store.records import Transaction

INVOKE_TIMEOUT_S = 60.0


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


def create(world: World, call: Call, stage: str, asked: OnlineEndpoint, document: Mapping[str, Any]) -> dict[str, Any]:
    """Make an address with two keys and nothing behind it."""
    check_endpoint(asked)
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "endpoints/write", stage)
        find_stage(transaction.rows, stage)
        kept = {name: value for name, value in document.items() if name != "traffic"}
        fresh = endpoints.new_endpoint(world.new_id(), stage, kept, made_by=call.principal.name, now=transaction.now)
        made = endpoints.create(transaction, fresh)
        if asked.traffic:
            made = endpoints.set_traffic(transaction, made, _shares(asked.traffic))
        transaction.record(call.event(stage, "endpoints/create", f"endpoints/{made.name}"))
        answer = transaction.answers(document_of(world, transaction.rows, made))
    deploying.publish(world)
    return answer


def update(world: World, call: Call, stage: str, asked: OnlineEndpoint, document: Mapping[str, Any]) -> dict[str, Any]:
    """Change what an endpoint says of itself, and its traffic (percent): each under its own permission."""
    check_endpoint(asked)
    with world.write(call) as transaction:
        rows = transaction.rows
        words = {name: value for name, value in document.items() if name not in {"name", "traffic"}}
        if words or asked.traffic is None:
            authorise(world, rows, call, "endpoints/write", stage)
        if asked.traffic is not None:
            authorise(world, rows, call, "endpoints/traffic/write", stage)
        found = find_endpoint(rows, stage, asked.name)
        if words:
            found = endpoints.change(transaction, found, {**found.document, **words})
            transaction.record(call.event(stage, "endpoints/update", f"endpoints/{found.name}", after=words))
        if asked.traffic is not None:
            found = _move_traffic(world, transaction, call, found, asked.traffic)
        answer = transaction.answers(document_of(world, rows, found))
    deploying.publish(world)
    return answer


def delete(world: World, call: Call, stage: str, name: str) -> dict[str, Any]:
    """Remove an endpoint that has no deployments."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "endpoints/delete", stage)
        endpoints.delete(transaction, find_endpoint(transaction.rows, stage, name))
        transaction.record(call.event(stage, "endpoints/delete", f"endpoints/{name}"))
        answer = transaction.answers({"name": name, "stage": stage, "deleted": True})
    deploying.publish(world)
    return answer


def invoke(world: World, call: Call, stage: str, name: str, request: object, deployment: str | None) -> httpx2.Response:
    """Return what the gateway answers to a request, asked with the endpoint's key, which the caller does not see."""
    with world.read() as rows:
        authorise(world, rows, call, "endpoints/score", stage)
        found = find_endpoint(rows, stage, name)
    address = world.scoring_address()
    if address is None:
        raise errors.PlatformFault("server.unreachable", address="the gateway", why="it is not running")
    headers = {"Authorization": f"Bearer {found.key('primary', world.keys.hmac)}"}
    if deployment is not None:
        headers["azureml-model-deployment"] = deployment
    with httpx2.Client(timeout=INVOKE_TIMEOUT_S, trust_env=False) as http:
        return http.post(f"{address}/{stage}/{name}/score", json=request, headers=headers)


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
        "deployments": [deployment_document(world, rows, found, one) for one in deployments.of_endpoint(rows, found)],
        "created_by": found.made_by,
        "created_at": to_text(found.created_at),
    }


def deployment_document(world: World, rows: sa.Connection, endpoint: Endpoint, found: Deployment) -> dict[str, Any]:
    """Return a deployment as people see it; what it uses and costs is of its worker's present process.

    The cost of memory is that of what the process holds now, for as long as it has run.
    """
    worker = world.routes.workers().get(found.id)
    state, reason = _state(found, worker)
    return {
        "name": found.name,
        "endpoint_name": endpoint.name,
        "model": found.document.get("model"),
        "release_digest": found.release_digest,
        "model_digest": found.model_digest,
        "state": state,
        "error": reason,
        "traffic": endpoint.traffic.get(found.name, 0) / 10,
        "restarts": 0 if worker is None else worker.restarts,
        "up_s": None if worker is None else worker.up_s,
        "cpu_s": None if worker is None else worker.cpu_s,
        "rss_bytes": None if worker is None else worker.rss_bytes,
        **cost_of(_used(worker), read_settings(rows).prices).document(),
        **_counts(world, endpoint, found),
    }


def _used(worker: WorkerNow | None) -> Used | None:
    """Return what the present process of a worker has used; None where there is none."""
    if worker is None or worker.up_s is None:
        return None
    return Used(cpu_s=worker.cpu_s, memory_gb_s=held(worker.rss_bytes, worker.up_s))


def _state(found: Deployment, worker: WorkerNow | None) -> tuple[str, str | None]:
    """Return how a deployment stands, and why: as recorded until it was ready once, then as its worker is now."""
    if found.state == "ready" and worker is not None:
        return worker.state, worker.last_error
    return found.state, found.reason or (None if worker is None else worker.last_error)


def _move_traffic(
    world: World, transaction: Transaction, call: Call, found: Endpoint, percent: Mapping[str, int]
) -> Endpoint:
    """Set the traffic; whoever gets more of it must answer now and, behind a gate, have passed it."""
    stage, shares = find_stage(transaction.rows, found.stage), _shares(percent)
    for name in raised(found.traffic, shares):
        one = deployments.find(transaction.rows, found, name)
        if one is None:
            raise errors.NotFound("serving.no_such_deployment", deployment=name)
        release = releases.of_digest(transaction.rows, one.release_digest)
        assert release is not None, "a release is never deleted"
        passing.refuse_round_the_gate(world, transaction, call, stage, release, name)
        deploying.mark_ready(world, transaction, one)
    moved = endpoints.set_traffic(transaction, found, shares)
    subject = f"endpoints/{found.name}"
    before, after = ({"traffic": {name: share / 10 for name, share in one.items()}} for one in (found.traffic, shares))
    transaction.record(call.event(found.stage, "endpoints/traffic", subject, before=before, after=after))
    _keep_ledger(world, transaction, call, moved)
    return moved


def _keep_ledger(world: World, transaction: Transaction, call: Call, moved: Endpoint) -> None:
    """Write who serves now, where a gate keeps a ledger and all traffic goes to another release than it says."""
    stage = find_stage(transaction.rows, moved.stage)
    if not passing.is_gated(transaction, stage) or len(moved.traffic) != 1:
        return
    (name,) = moved.traffic
    one = deployments.find(transaction.rows, moved, name)
    release = None if one is None else releases.of_digest(transaction.rows, one.release_digest)
    assert release is not None, "traffic goes where a release is"
    serves = promotions.serving(transaction.rows, moved.stage, moved.name)
    by = passing.standing(world, transaction, call, stage, release)
    if by is None or (serves is not None and (serves.release_id, serves.deployment) == (release.id, name)):
        return
    line = Served(
        seq=0,
        stage=moved.stage,
        endpoint=moved.name,
        release_id=release.id,
        deployment=name,
        promotion=by.name,
        why="traffic",
        from_at=transaction.now,
    )
    promotions.serve(transaction, line)


def _shares(percent: Mapping[str, int]) -> dict[str, int]:
    return {name: share * 10 for name, share in percent.items()}


def _counts(world: World, endpoint: Endpoint, found: Deployment) -> Mapping[str, Any]:
    """Return what the gateway has counted since it began: requests, failed ones, p50 and p95 in milliseconds."""
    row = world.routes.counts_of(endpoint.stage, endpoint.name, found.name)
    if row is None:
        return {"requests": 0, "errors": 0, "p50_ms": None, "p95_ms": None}
    statuses = {int(status): count for status, count in row["statuses"].items()}
    latency = row["latency"]
    return {
        "requests": sum(statuses.values()),
        "errors": sum(count for status, count in statuses.items() if status >= 400),
        "p50_ms": None if latency["p50"] is None else latency["p50"] / 1000,
        "p95_ms": None if latency["p95"] is None else latency["p95"] / 1000,
    }
