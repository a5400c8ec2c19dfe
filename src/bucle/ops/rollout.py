"""Promotions brought on their way: each tick reads how one stands, asks `core` what is next, and does just that."""

import json
import logging
import statistics
import time
from dataclasses import dataclass
from typing import Any, assert_never

import httpx2
import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage, find_stage
from bucle.core import promotion as deciding
from bucle.core.gate import Standing, read_checks, standing_gate
from bucle.core.promotion import (
    Answers,
    Begin,
    Build,
    Complete,
    Facts,
    Refuse,
    Replay,
    Return,
    Shift,
    ShiftTraffic,
    Start,
    State,
    Wait,
)
from bucle.ops import deploying, promotion_plan
from bucle.ops.world import World
from bucle.release import gates, promotions, releases
from bucle.release.promotions import Promotion, Served
from bucle.release.releases import Release
from bucle.serving import deployments, endpoints
from bucle.spec.gate import Gate
from bucle.store.events import Event
from bucle.store.records import Transaction

LOG = logging.getLogger("bucle.rollout")
MOST_REPLAYS = 200
REPLAY_TIMEOUT_S = 10.0
COUNTS_S = 3.0
"""The gateway tells its counts every second."""
LOOK_S = 0.05
NOTHING = {"requests": 0, "failed": 0}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One promotion with everything that its next step needs."""

    found: Promotion
    release: Release
    stage: Stage
    gate: Gate
    facts: Facts


def advance(world: World) -> None:
    """Bring every promotion that has not ended one step on; a fault of one keeps none of the others from its turn."""
    with world.read() as rows:
        names = [one.name for one in promotions.active(rows)]
    for name in names:
        try:
            _advance(world, name)
        except errors.BucleError as fault:
            LOG.warning("promotion %s: %s", name, fault)


def _advance(world: World, name: str) -> None:
    with world.read() as rows:
        found = promotions.find(rows, name)
        if found is None or found.ended_at is not None:
            return
        now = _now(world, rows, found)
    canceled = found.rollout.get("cancel")
    if canceled is not None:
        _end(world, now, "canceled", f"canceled by {canceled}")
        return
    match deciding.next_act(now.facts):
        case Wait(why=why):
            _note(world, now, why)
        case Begin():
            _begin(world, now)
        case Build():
            _build(world, now)
        case Start():
            _start(world, now)
        case Replay():
            _replay(world, now)
        case Shift(place=place):
            _shift(world, now, place)
        case Refuse(reason=reason):
            _end(world, now, "refused", reason)
        case Return(reason=reason):
            _end(world, now, "returned", reason)
        case Complete():
            _complete(world, now)
        case other:
            assert_never(other)


def _now(world: World, rows: sa.Connection, found: Promotion) -> Now:
    release = releases.of_id(rows, found.release_id)
    stage = find_stage(rows, found.stage)
    gate, _ = gates.of_stage(rows, found.stage)
    given = [one for one in promotions.approvals_of(rows, found.name) if one.verdict == "approved"]
    endpoint = endpoints.find(rows, found.stage, found.endpoint)
    deployment = None if endpoint is None else deployments.find(rows, endpoint, found.deployment)
    worker = None if deployment is None else world.routes.workers().get(deployment.id)
    seen: Any = "none" if deployment is None else "starting"
    if worker is not None and worker.state == "failed":
        seen = "failed"
    elif deployment is not None and worker is not None and worker.state == "ready":
        seen = "ready" if deployment.id in world.routes.linked() else "starting"
    standing = gate.checks.standing
    rollout = found.rollout
    facts = Facts(
        state=found.state,
        approvals_missing=max(0, gate.approvals - len(given)),
        executor=found.executor_id,
        environment=deploying.environment_state(world, rows, stage, release),
        worker=seen,
        worker_error=None if worker is None else worker.last_error,
        standing=None if found.standing is None else read_checks(found.standing),
        rollout=tuple(ShiftTraffic(percent=one["percent"], requests=one["requests"]) for one in rollout["shifts"]),
        shift=rollout["at"],
        candidate=_answers(world, found, found.deployment),
        champion=_answers(world, found, rollout["former"]),
        allowed_errors=standing.errors if standing else 0,
        p95_ms=standing.p95_ms if standing else None,
    )
    return Now(found=found, release=release, stage=stage, gate=gate, facts=facts)


def _begin(world: World, now: Now) -> None:
    """Use the approvals and start; the plan must still stand on what it was made for."""
    with world.records.write(world.clock()) as transaction:
        way = promotion_plan.find_way(world, transaction.rows, now.release, now.found.stage)
        if promotion_plan.grounds(transaction.rows, way).digest() != now.found.plan_digest:
            _finish(transaction, now, "refused", "what the plan stood on has changed since it was made")
        elif promotions.has_stale_approval(transaction, now.found.name):
            _finish(transaction, now, "refused", "an approval had expired or was used before")
        elif promotions.change(transaction, now.found, state="deploying"):
            promotions.use_approvals(transaction, now.found.name)
            transaction.record(_event(now, "promotions/begin", {"deployment": now.found.deployment}))


def _build(world: World, now: Now) -> None:
    with world.records.write(world.clock()) as transaction:
        deploying.build_environment(world, transaction, now.stage, now.release, by=_executor(now))
    world.wake()


def _start(world: World, now: Now) -> None:
    """Add the deployment at 0 %; bytes that are no longer the release's end the promotion."""
    try:
        with world.records.write(world.clock()) as transaction:
            deploying.start_deployment(
                world, transaction, now.stage, now.found.endpoint, now.release, by=_executor(now)
            )
            transaction.record(_event(now, "endpoints/deploy", {"deployment": now.found.deployment, "percent": 0}))
    except (errors.BadRequest, errors.NotFound) as fault:
        _end(world, now, "refused", f"the model's bytes are not the release's: {fault}")
        return
    deploying.publish(world)


def _replay(world: World, now: Now) -> None:
    """Ask the deployment at 0 % the sample requests, and write down the standing gate."""
    checks = standing_gate(now.gate, replay(world, now.found, now.release, now.gate))
    with world.records.write(world.clock()) as transaction:
        written = [check.document() for check in checks]
        promotions.change(transaction, now.found, state="testing", standing=written)


def replay(world: World, found: Promotion, release: Release, gate: Gate) -> Standing:
    """Return how a deployment answers the sample of its release, asked with the server's own token."""
    sample = release.sample
    rule = gate.checks.standing
    wanted = min(rule.replay if rule and rule.replay else len(sample["data"]), MOST_REPLAYS)
    headers = {
        "Authorization": f"Bearer {world.routes.replay_token()}",
        "azureml-model-deployment": found.deployment,
    }
    address = f"{world.scoring_address()}/{found.stage}/{found.endpoint}/score"
    failed = differing = 0
    taken: list[float] = []
    with httpx2.Client(headers=headers, timeout=REPLAY_TIMEOUT_S, trust_env=False) as http:
        for number in range(wanted):
            place = number % len(sample["data"])
            row = {"columns": sample["columns"], "index": [0], "data": [sample["data"][place]]}
            started = time.monotonic()
            answer = _ask(http, address, row)
            taken.append((time.monotonic() - started) * 1000)
            if answer is None:  # whoever hangs once is not waited for again: other promotions want their turn
                failed += wanted - number
                break
            if answer.status_code != 200:
                failed += 1
            elif not _same(answer.json()[0], sample["prediction"][place], release):
                differing += 1
    ordered = sorted(taken) or [0.0]
    return Standing(
        ready=wanted > failed or wanted == 0,
        reason=None if wanted > failed or wanted == 0 else f"{failed} of {wanted} replayed requests failed",
        bytes_equal=_serves(world, found, release),
        requests=wanted,
        failed=failed,
        differing=differing,
        p50_ms=statistics.median(ordered),
        p95_ms=ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        p99_ms=ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))],
    )


def _ask(http: httpx2.Client, address: str, row: dict[str, Any]) -> httpx2.Response | None:
    try:
        return http.post(address, content=json.dumps({"input_data": row}), headers=JSON)
    except httpx2.TransportError:
        return None


def _serves(world: World, found: Promotion, release: Release) -> bool:
    """Say whether the worker loaded the release's bytes: it digests its model's folder before it loads it."""
    with world.read() as rows:
        _, deployment = deploying.find_deployment(rows, found.stage, found.endpoint, found.deployment)
    worker = world.routes.workers().get(deployment.id)
    hello = None if worker is None else worker.hello
    return hello is not None and hello["model"] == release.manifest["model"]["digest"]


def _counts_settled(world: World) -> bool:
    """Wait until the gateway has told its counts anew: those of before lack the answers of the last second.

    Without it the replayed requests of the standing gate would pass for evidence of the canary.
    """
    asked_at, until = world.clock().timestamp(), time.monotonic() + COUNTS_S
    while world.routes.stats().get("at", 0.0) < asked_at:
        if time.monotonic() > until:
            return False
        time.sleep(LOOK_S)
    return True


def _shift(world: World, now: Now, place: int) -> None:
    if not _counts_settled(world):
        return  # the gateway says nothing: the next tick tries again
    shift = now.facts.rollout[place]
    former = now.found.rollout["former"]
    shares = {now.found.deployment: shift.percent}
    if former is not None and shift.percent < 100:
        shares[former] = 100 - shift.percent
    with world.records.write(world.clock()) as transaction:
        endpoint, mine = deploying.find_deployment(
            transaction.rows, now.found.stage, now.found.endpoint, now.found.deployment
        )
        base = {name: counted(world, now.found, name) for name in (now.found.deployment, former) if name}
        rollout = {**now.found.rollout, "at": place, "base": base, "note": None}
        if promotions.change(transaction, now.found, state="rolling", rollout=rollout):
            deploying.mark_ready(world, transaction, mine)
            deploying.set_traffic(transaction, endpoint, shares)
            transaction.record(_event(now, "endpoints/traffic", {"traffic": shares}))
    deploying.publish(world)


def _complete(world: World, now: Now) -> None:
    with world.records.write(world.clock()) as transaction:
        if not promotions.change(transaction, now.found, state="completed"):
            return
        served = promotions.serving(transaction.rows, now.found.stage, now.found.endpoint)
        line = Served(
            seq=0,
            stage=now.found.stage,
            endpoint=now.found.endpoint,
            release_id=now.release.id,
            deployment=now.found.deployment,
            promotion=now.found.name,
            why="promotion",
            from_at=transaction.now,
        )
        promotions.serve(transaction, line)
        _drop_older(transaction, now, keep={now.found.deployment, served.deployment if served else ""})
        after = {"release": now.release.digest, "endpoint": now.found.endpoint}
        transaction.record(_event(now, "promotions/complete", after))
    deploying.publish(world)


def _drop_older(transaction: Transaction, now: Now, keep: set[str]) -> None:
    """Remove the deployments that neither serve nor are kept warm for a rollback."""
    endpoint = endpoints.find(transaction.rows, now.found.stage, now.found.endpoint)
    assert endpoint is not None, "it serves"
    for one in deployments.of_endpoint(transaction.rows, endpoint):
        if one.name not in keep and not endpoint.traffic.get(one.name):
            deployments.remove(transaction, endpoint, one)


def _end(world: World, now: Now, state: State, reason: str) -> None:
    """End a promotion otherwise than by completing it: traffic goes back, its deployment is removed."""
    with world.records.write(world.clock()) as transaction:
        if _finish(transaction, now, state, reason):
            endpoint = endpoints.find(transaction.rows, now.found.stage, now.found.endpoint)
            if endpoint is not None:
                _take_back(transaction, now, endpoint)
    deploying.publish(world)


def _take_back(transaction: Transaction, now: Now, endpoint: endpoints.Endpoint) -> None:
    former = now.found.rollout["former"]
    if endpoint.traffic.get(now.found.deployment):
        endpoint = deploying.set_traffic(transaction, endpoint, {former: 100} if former else {})
    mine = deployments.find(transaction.rows, endpoint, now.found.deployment)
    if mine is not None:
        deployments.remove(transaction, endpoint, mine)


def _finish(transaction: Transaction, now: Now, state: State, reason: str) -> bool:
    changed = promotions.change(transaction, now.found, state=state, reason=reason)
    if changed:
        transaction.record(_event(now, f"promotions/{state}", {"reason": reason}))
    return changed


def _note(world: World, now: Now, why: str) -> None:
    """Keep what a promotion waits for, so that people see it; nothing is written while it stays the same."""
    if now.found.rollout.get("note") != why:
        with world.records.write(world.clock()) as transaction:
            promotions.change(transaction, now.found, rollout={**now.found.rollout, "note": why})


def counted(world: World, found: Promotion, deployment: str) -> dict[str, Any]:
    """Return what the gateway has counted of a deployment since it began: requests, failed ones, p95."""
    row = world.routes.counts_of(found.stage, found.endpoint, deployment)
    if row is None:
        return {"requests": 0, "failed": 0, "p95_ms": 0.0}
    statuses = {int(status): count for status, count in row["statuses"].items()}
    failed = sum(count for status, count in statuses.items() if status >= 424 and status != 429)
    latency = row["latency"]["p95"] or 0.0
    return {"requests": sum(statuses.values()), "failed": failed, "p95_ms": latency / 1000}


def _answers(world: World, found: Promotion, deployment: str | None) -> Answers:
    """Return what a deployment answered since the present shift was applied."""
    if deployment is None:
        return Answers(requests=0, failed=0, p95_ms=0.0)
    now = counted(world, found, deployment)
    base = found.rollout.get("base", {}).get(deployment, NOTHING)
    return Answers(
        requests=max(0, now["requests"] - base["requests"]),
        failed=max(0, now["failed"] - base["failed"]),
        p95_ms=now["p95_ms"],
    )


def _same(one: Any, other: Any, release: Release) -> bool:
    tolerance = float(release.manifest["release"].get("tolerance", 0.0))
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= tolerance
    return bool(one == other)


def _executor(now: Now) -> str:
    assert now.found.executor_id is not None, "a promotion begins when somebody executes it"
    return now.found.executor_id


def _event(now: Now, what: str, after: dict[str, Any]) -> Event:
    return Event(
        chain=now.found.stage,
        who="platform",
        via="clock",
        what=what,
        subject=f"promotion/{now.found.name}",
        after=after,
    )
