"""Promotions: plan, request, take for execution, cancel, show, list; what waits for whom."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.assets import versions
from bucle.core.access import Allow, decide
from bucle.core.gate import Check, verdict_of
from bucle.core.promotion import ENDED, begins_with_comparison, first_state, rollout_of, step_document
from bucle.core.scopes import stage_scope
from bucle.core.view import visible
from bucle.ops import promotion_plan
from bucle.ops.authority import authorise, authorise_found
from bucle.ops.comparing import unseen_rows, unseen_since
from bucle.ops.labelled_data import Served, make_labelled
from bucle.ops.model import share_version
from bucle.ops.monitor_agent import monitor_agent
from bucle.ops.promotion_plan import Planned, Way, find_way
from bucle.ops.signing import check_approvals, check_release
from bucle.ops.world import Call, World
from bucle.release import promotions, releases
from bucle.release.promotions import Approval, Promotion
from bucle.spec.digest import digest_of
from bucle.store.instants import to_text
from bucle.store.records import Transaction


def plan(world: World, call: Call, asked: str, to: str) -> dict[str, Any]:
    """Return what promoting a release would do, and the verdicts of its entry gate; nothing moves."""
    with world.read() as rows:
        way = _authorised_way(world, rows, call, asked, to)
        planned = promotion_plan.plan(rows, way)
        return plan_document(world, rows, way, planned)


def request(world: World, call: Call, asked: str, to: str) -> dict[str, Any]:
    """Request a promotion; it begins refused by its entry gate, or waiting for its people.

    It is executed for the requester where he holds `promotions/execute` at the target, else whoever takes it does.
    """
    with world.read() as rows:
        release = _authorised_way(world, rows, call, asked, to).release
    check_release(world, release)
    with world.write(call) as transaction:
        rows = transaction.rows
        way = _authorised_way(world, rows, call, asked, to)
        _refuse_another(rows, way)
        planned = promotion_plan.plan(rows, way)
        executor = call.principal.id if _may(world, rows, call, "promotions/execute", way.target.name) else None
        begun = _promotion(world, transaction, call, way, planned)
        state = first_state(planned.entry, way.gate, executor)
        if begins_with_comparison(planned.entry, planned.unjudged):
            begun, state = _with_rows(world, transaction, way, begun), "comparing"
        reason = entry_reason(planned.entry) if state == "refused" else None
        promotions.add(transaction, replace(begun, state=state, reason=reason, executor_id=executor))
        if state != "refused":
            _share(world, transaction, call, way)
        after = {"release": way.release.digest, "plan": begun.plan_digest, "state": state, "reason": reason}
        transaction.record(call.event(way.target.name, "promotions/request", f"promotion/{begun.name}", after=after))
        found = promotions.find(rows, begun.name)
        assert found is not None, "it was written above"
        return transaction.answers(document_of(world, rows, found))


def show(world: World, call: Call, name: str) -> dict[str, Any]:
    """Return a promotion: its plan, gates, approvals, rollout, and who may act on it now."""
    with world.read() as rows:
        found = find_promotion(world, rows, call, name)
        return document_of(world, rows, found)


def listed(world: World, call: Call, stage: str) -> list[dict[str, Any]]:
    """Return the newest promotions into a stage."""
    with world.read() as rows:
        authorise(world, rows, call, "promotions/read", stage)
        return [document_of(world, rows, one) for one in promotions.of_stage(rows, stage, limit=100)]


def inbox(world: World, call: Call) -> list[dict[str, Any]]:
    """Return the promotions that wait for the caller: to approve, or to take for execution."""
    with world.read() as rows:
        waiting = []
        view = visible(world.policy.snapshot(rows), call.caller, "promotions/read", now=world.clock())
        for one in promotions.active(rows, view):
            acts = _acts_of(world, rows, call, one)
            if acts:
                waiting.append({**document_of(world, rows, one), "you_may": acts})
        return waiting


def execute(world: World, call: Call, name: str) -> dict[str, Any]:
    """Take a promotion for execution; its bytes are read when it begins."""
    with world.write(call) as transaction:
        found = find_promotion(world, transaction.rows, call, name)
        authorise(world, transaction.rows, call, "promotions/execute", found.stage)
        _refuse_ended(found)
        check_release(world, releases.of_id(transaction.rows, found.release_id), content=False)
        check_approvals(world, transaction.rows, name)
        if found.executor_id is None:
            changed(transaction, found, executor_id=call.principal.id)
            transaction.record(call.event(found.stage, "promotions/execute", f"promotion/{name}"))
        return transaction.answers(document_of(world, transaction.rows, again(transaction.rows, name)))


def cancel(world: World, call: Call, name: str) -> dict[str, Any]:
    """Cancel a promotion that has not ended; traffic that it had goes back."""
    with world.write(call) as transaction:
        found = find_promotion(world, transaction.rows, call, name)
        authorise(world, transaction.rows, call, "promotions/execute", found.stage)
        _refuse_ended(found)
        changed(transaction, found, rollout={**found.rollout, "cancel": call.principal.name})
        transaction.record(call.event(found.stage, "promotions/cancel", f"promotion/{name}"))
        return transaction.answers(document_of(world, transaction.rows, again(transaction.rows, name)))


def plan_document(world: World, rows: sa.Connection, way: Way, planned: Planned) -> dict[str, Any]:
    """Return a plan as people see it: each step and effect before anything moves."""
    return {
        "release": {"alias": way.release.alias, "model": f"{way.release.name}:{way.release.version}"},
        "digest": way.release.digest,
        "from": way.source.name,
        "to": way.target.name,
        "endpoint": way.endpoint,
        "serves_now": None if way.champion is None else way.champion.alias,
        "rollback_to": None if way.champion is None else way.champion.alias,
        "steps": [step_document(step) for step in planned.steps],
        "entry_gate": [check.document() for check in planned.entry],
        "verdict": verdict_of(planned.entry),
        "may_approve": who_may(world, rows, "promotions/approve", way.target.name),
        "may_execute": who_may(world, rows, "promotions/execute", way.target.name),
        "governance": world.policy.snapshot(rows).governance,
        "plan_digest": planned.grounds.digest(),
        "grounds": asdict(planned.grounds),
    }


def document_of(world: World, rows: sa.Connection, found: Promotion) -> dict[str, Any]:
    """Return a promotion as people see it."""
    release = releases.of_id(rows, found.release_id)
    people = world.policy.snapshot(rows).people
    return {
        "name": found.name,
        "state": found.state,
        "reason": found.reason,
        "model": f"{release.name}:{release.version}",
        "release": release.alias,
        "release_digest": release.digest,
        "from": found.source,
        "stage": found.stage,
        "endpoint": found.endpoint,
        "deployment": found.deployment,
        "plan": found.plan,
        "plan_digest": found.plan_digest,
        "entry_gate": list(found.entry),
        "standing_gate": None if found.standing is None else list(found.standing),
        "rollout": found.rollout,
        "approvals": [_approval_document(world, rows, one) for one in promotions.approvals_of(rows, found.name)],
        "requested_by": people[found.requester_id].name,
        "executed_by": None if found.executor_id is None else people[found.executor_id].name,
        "author": people[release.author_id].name if release.author_id in people else None,
        "created_at": to_text(found.created_at),
        "ended_at": None if found.ended_at is None else to_text(found.ended_at),
    }


def who_may(
    world: World, rows: sa.Connection, action: Literal["promotions/approve", "promotions/execute"], stage: str
) -> list[str]:
    """Return the names of the principals who hold an action at a stage."""
    snapshot = world.policy.snapshot(rows)
    scope = stage_scope(stage)
    holders = []
    for principal in snapshot.principals:
        held = [
            one
            for node in scope.lineage
            for one in snapshot.index.get(principal.id, {}).get(node.parts, ())
            if action in one.role.actions and one.binding.live(world.clock())
        ]
        if held:
            holders.append(principal.name)
    return sorted(holders)


def _authorised_way(world: World, rows: sa.Connection, call: Call, asked: str, to: str) -> Way:
    every = reversed(promotion_plan.find_releases(rows, asked))  # of two at one stage, the newer
    named = {promotion_plan.source_of(rows, one).name: one for one in every}
    mine = [source for source in named if _may(world, rows, call, "promotions/request", source)]
    source, missing = [*mine, *named][0], errors.NotFound("release.not_found", asked=asked)
    release = named[source]
    authorise_found(world, rows, call, "promotions/request", source, missing)
    way = find_way(world, rows, release, to)
    if way.registry is not None:
        authorise(world, rows, call, "models/share", source)
    return way


def _share(world: World, transaction: Transaction, call: Call, way: Way) -> None:
    """Do the plan's first step, which needs nobody else: the release stands in the registry of its path."""
    release = way.release
    version = versions.find(transaction.rows, release.stage, "model", release.name, release.version)
    if way.registry is not None and version is not None:
        share_version(world, transaction, call, version, way.registry)


def _refuse_another(rows: sa.Connection, way: Way) -> None:
    if way.champion is not None and way.champion.id == way.release.id:
        raise errors.Conflict("promotion.serves_already", alias=way.release.alias, stage=way.target.name)
    for one in promotions.active(rows):
        if (one.stage, one.endpoint) == (way.target.name, way.endpoint):
            raise errors.Conflict("promotion.another", name=one.name, stage=one.stage, state=one.state)


def _promotion(world: World, transaction: Transaction, call: Call, way: Way, planned: Planned) -> Promotion:
    rows = transaction.rows
    count = len([one for one in promotions.of_release(rows, way.release.id) if one.stage == way.target.name])
    entry = [check.document() for check in planned.entry]
    former = None if way.champion is None else way.champion.alias
    return Promotion(
        name=f"{way.release.alias}-to-{way.target.name}-{count + 1}",
        release_id=way.release.id,
        source=way.source.name,
        stage=way.target.name,
        endpoint=way.endpoint,
        deployment=way.release.alias,
        state="awaiting approval",
        reason=None,
        plan=plan_document(world, rows, way, planned),
        plan_digest=planned.grounds.digest(),
        entry=entry,
        entry_digest=digest_of(entry),
        standing=None,
        rollout={
            "shifts": [{"percent": one.percent, "requests": one.requests} for one in rollout_of(way.gate, former)],
            "at": -1,
            "former": None if way.served is None else way.served.deployment,
        },
        requester_id=call.principal.id,
        executor_id=None,
        revision=0,
        created_at=transaction.now,
        ended_at=None,
    )


def _with_rows(world: World, transaction: Transaction, way: Way, begun: Promotion) -> Promotion:
    """Take the labelled rows that champion and candidate will be compared on, as the stage's own service."""
    pair = way.pair
    assert pair is not None, "there is a champion to compare with"
    agent = monitor_agent(world, transaction.rows, pair.stage)
    since = to_text(unseen_since(transaction.rows, pair))
    served = Served(
        release=pair.champion,
        stage=pair.stage,
        name="comparison",
        rows=unseen_rows(transaction.rows, pair),
        chosen={"labelled_since": since},
    )
    made = make_labelled(world, transaction, agent, served)
    return replace(begun, rollout={**begun.rollout, "holdout": f"{made.name}:{made.version}"})


def find_promotion(world: World, rows: sa.Connection, call: Call, name: str) -> Promotion:
    """Return a promotion that the caller may see; NotFound otherwise."""
    found, missing = promotions.find(rows, name), errors.NotFound("promotion.not_found", name=name)
    if found is None:
        raise missing
    authorise_found(world, rows, call, "promotions/read", found.stage, missing)
    return found


def again(rows: sa.Connection, name: str) -> Promotion:
    """Return a promotion as this transaction sees it now."""
    found = promotions.find(rows, name)
    assert found is not None, "it was found before"
    return found


def changed(transaction: Transaction, found: Promotion, **values: Any) -> None:
    """Change a promotion; Conflict when somebody else did since it was read."""
    if not promotions.change(transaction, found, **values):
        raise errors.Conflict("promotion.wrong_state", name=found.name, state="changing", wanted=found.state)


def _refuse_ended(found: Promotion) -> None:
    if found.state in ENDED:
        raise errors.Conflict("promotion.ended", name=found.name, state=found.state)


def _may(world: World, rows: sa.Connection, call: Call, action: Any, stage: str) -> bool:
    decision = decide(world.policy.snapshot(rows), call.caller, action, stage_scope(stage), now=world.clock())
    return isinstance(decision, Allow)


def _acts_of(world: World, rows: sa.Connection, call: Call, found: Promotion) -> list[str]:
    acts = []
    spoken = any(one.person_id == call.principal.person_id for one in promotions.approvals_of(rows, found.name))
    if found.state == "awaiting approval" and not spoken and _may(world, rows, call, "promotions/approve", found.stage):
        acts += ["approve", "reject"]
    if found.executor_id is None and _may(world, rows, call, "promotions/execute", found.stage):
        acts.append("execute")
    return acts


def _approval_document(world: World, rows: sa.Connection, given: Approval) -> dict[str, Any]:
    people = world.policy.snapshot(rows).people
    return {
        "verdict": given.verdict,
        "by": people[given.approver_id].name,
        "release_digest": given.release_digest,
        "plan_digest": given.plan_digest,
        "entry_digest": given.entry_digest,
        "acknowledged": list(given.acknowledged),
        "comment": given.comment,
        "created_at": to_text(given.created_at),
        "expires_at": to_text(given.expires_at),
        "used_at": None if given.used_at is None else to_text(given.used_at),
    }


def entry_reason(entry: Sequence[Check]) -> str:
    """Return why an entry gate refuses: the check, the figure, the rule."""
    stopping = next(check for check in entry if check.verdict == "fail") if verdict_of(entry) == "fail" else None
    check = stopping or next(check for check in entry if check.verdict == "inconclusive")
    return f"entry gate: {check.name}: {check.measured}; demanded: {check.rule}"
