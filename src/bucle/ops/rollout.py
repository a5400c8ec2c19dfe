"""Promotions brought on their way: each tick reads how one stands, asks `core` what is next, and does just that."""

import logging
import time
from dataclasses import dataclass
from typing import Any, Literal, assert_never

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage, find_stage
from bucle.core import promotion as deciding
from bucle.core.gate import read_checks, standing_gate
from bucle.core.promotion import (
    Act,
    Answers,
    Begin,
    BeginComparison,
    Build,
    Complete,
    Facts,
    Judge,
    Refuse,
    Replay,
    Return,
    Shift,
    ShiftTraffic,
    Start,
    State,
    Wait,
)
from bucle.ops import comparing, deploying, promotion_plan
from bucle.ops.monitor_agent import monitor_agent
from bucle.ops.promotion import entry_reason, plan_document
from bucle.ops.promotion_plan import Way
from bucle.ops.signing import check_approvals, check_release
from bucle.ops.standing import replay
from bucle.ops.world import World
from bucle.release import gates, promotions, releases
from bucle.release.promotions import Promotion, Served
from bucle.release.releases import Release
from bucle.serving import deployments, endpoints
from bucle.spec.digest import digest_of
from bucle.spec.gate import Gate
from bucle.store.events import Event
from bucle.store.records import Transaction

LOG = logging.getLogger("bucle.rollout")
COUNTS_S = 3.0
"""The gateway tells its counts every second."""
LOOK_S = 0.05
MOVED = "what the plan stood on has changed since it was made"
NOTHING = {"requests": 0, "failed": 0}


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
    _do(world, now, deciding.next_act(now.facts))


def _do(world: World, now: Now, act: Act) -> None:
    match act:
        case Wait(why=why):
            _note(world, now, why)
        case BeginComparison():
            _begin_comparison(world, now)
        case Judge():
            _judge(world, now)
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
    if deployment is not None and deployment.release_digest != release.digest:
        deployment = None  # a stranger bears the name: `Start` says so
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
        comparison=_comparison(rows, found),
        approvals_missing=max(0, gate.approvals - len(given)),
        executor=found.executor_id,
        environment=deploying.environment_state(world, rows, stage, release, since=found.created_at),
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


def _comparison(rows: sa.Connection, found: Promotion) -> Literal["missing", "running", "ended"]:
    job = found.rollout.get("comparison")
    if job is None:
        return "missing"
    return "ended" if comparing.has_ended(rows, found.stage, job) else "running"


def _begin_comparison(world: World, now: Now) -> None:
    """Have champion and candidate score the rows that were taken when the promotion was requested."""
    with world.records.write(world.clock()) as transaction:
        way = _unmoved(world, transaction, now)
        if way is None or way.pair is None:
            return
        agent = monitor_agent(world, transaction.rows, now.found.stage)
        holdout = now.found.rollout["holdout"]
        job = comparing.submit(world, transaction, agent, way.pair, holdout, named=now.found.name)
        promotions.change(transaction, now.found, rollout={**now.found.rollout, "comparison": job, "note": None})
    world.wake()


def _judge(world: World, now: Now) -> None:
    """Write the comparison down and apply the entry gate to it; what was approved later was judged on this."""
    with world.records.write(world.clock()) as transaction:
        way = _unmoved(world, transaction, now)
        if way is None or way.pair is None:
            return
        try:
            comparing.keep(transaction, way.pair, now.found.rollout["comparison"], now.found.rollout["holdout"])
        except errors.BadRequest as fault:
            _finish(transaction, now, "refused", str(fault))
            return
        planned = promotion_plan.plan(transaction.rows, way)
        entry = [check.document() for check in planned.entry]
        state = deciding.first_state(planned.entry, way.gate, now.found.executor_id)
        judged = {
            "entry": entry,
            "entry_digest": digest_of(entry),
            "plan": plan_document(world, transaction.rows, way, planned),
            "reason": entry_reason(planned.entry) if state == "refused" else None,
        }
        if promotions.change(transaction, now.found, state=state, **judged):
            after = {"entry": judged["entry_digest"], "state": state, "reason": judged["reason"]}
            transaction.record(_event(now, "promotions/judge", after))


def _unmoved(world: World, transaction: Transaction, now: Now) -> Way | None:
    """Return the way of a promotion whose plan still stands on what it was made for; end it as refused otherwise."""
    way = promotion_plan.find_way(world, transaction.rows, now.release, now.found.stage)
    if promotion_plan.grounds(transaction.rows, way).digest() == now.found.plan_digest:
        return way
    _finish(transaction, now, "refused", MOVED)
    return None


def _begin(world: World, now: Now) -> None:
    """Use the approvals and start; the plan must still stand on what it was made for, and all be what was signed."""
    touched = _touched(world, now)
    with world.records.write(world.clock()) as transaction:
        if _unmoved(world, transaction, now) is None:
            return
        if touched is not None:
            _finish(transaction, now, "refused", touched)
            return
        if promotions.has_stale_approval(transaction, now.found.name):
            _finish(transaction, now, "refused", "an approval had expired or was used before")
        elif promotions.change(transaction, now.found, state="deploying"):
            promotions.use_approvals(transaction, now.found.name)
            transaction.record(_event(now, "promotions/begin", {"deployment": now.found.deployment}))


def _touched(world: World, now: Now) -> str | None:
    """Say what of the release or its approvals is not what was signed; None: nothing."""
    try:
        check_release(world, now.release)
        with world.read() as rows:
            check_approvals(world, rows, now.found.name)
    except errors.Refused as fault:
        return fault.detail
    return None


def _build(world: World, now: Now) -> None:
    with world.records.write(world.clock()) as transaction:
        by = now.found.executor_id or now.found.requester_id
        deploying.build_environment(world, transaction, now.stage, now.release, by=by)
    world.wake()


def _start(world: World, now: Now) -> None:
    """Add the deployment at 0 %; bytes that are no longer the release's end the promotion."""
    try:
        with world.records.write(world.clock()) as transaction:
            if not promotions.change(transaction, now.found, rollout={**now.found.rollout, "started": True}):
                return
            deploying.start_deployment(
                world, transaction, now.stage, now.found.endpoint, now.release, by=_executor(now)
            )
            transaction.record(_event(now, "endpoints/deploy", {"deployment": now.found.deployment, "percent": 0}))
    except (errors.BadRequest, errors.NotFound) as fault:
        _end(world, now, "refused", f"the model's bytes are not the release's: {fault}")
        return
    except errors.Refused as fault:  # a stranger bears the deployment's name
        _end(world, now, "refused", str(fault))
        return
    deploying.publish(world)


def _replay(world: World, now: Now) -> None:
    """Ask the deployment at 0 % the sample requests, and write down the standing gate."""
    checks = standing_gate(now.gate, replay(world, now.found, now.release, now.gate))
    with world.records.write(world.clock()) as transaction:
        written = [check.document() for check in checks]
        promotions.change(transaction, now.found, state="testing", standing=written)


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
    """Take back what this promotion did: its shifts of traffic, and a deployment that it started itself."""
    former = now.found.rollout["former"]
    if now.found.rollout["at"] >= 0 and endpoint.traffic.get(now.found.deployment):
        endpoint = deploying.set_traffic(transaction, endpoint, {former: 100} if former else {})
    mine = deployments.find(transaction.rows, endpoint, now.found.deployment)
    if mine is not None and now.found.rollout.get("started"):  # else it is the former one, kept warm for a rollback
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
