"""What takes two people: approving a promotion, lowering the class of data."""

from dataclasses import dataclass
from datetime import datetime

from bucle.core.access import Deny, decide
from bucle.core.classes import CEILING, DEFAULT_CLASS, RANK, DataClass, Tier, attachable, creatable
from bucle.core.refusal import Refusal, refusal_of, refuse
from bucle.core.scopes import Scope, stage_scope
from bucle.core.snapshot import Caller, Principal, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What an approval is asked for: the target stage, who asked, who made the model, the release's alias."""

    target: str
    requester_id: str
    author_id: str
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowering:
    """A datastore's class on its way from `before` to `after`."""

    datastore: Scope
    before: DataClass
    after: DataClass


def check_approval(
    snapshot: Snapshot, caller: Caller, promotion: Promotion, *, typed_alias: str | None, now: datetime
) -> Refusal | None:
    """Say why the caller may not approve this promotion.

    He holds `promotions/approve` at the target, sits in a login session of his own, and is neither the
    requester nor the model's author, nor the owner of the bot that was. Under `governance: solo` he may be
    both, after typing the release's alias.
    """
    target = stage_scope(promotion.target)
    decision = decide(snapshot, caller, "promotions/approve", target, now=now)
    if isinstance(decision, Deny):
        return refusal_of(decision)
    approver = snapshot.people[caller.principal_id]
    if caller.session != "login" or approver.kind != "person":
        session = caller.session if caller.session != "login" else approver.kind
        return refuse("access.approver_session", session=session)
    fault = _stands_apart(snapshot, approver, promotion)
    if fault is None or snapshot.governance != "solo":
        return fault
    return None if typed_alias == promotion.alias else refuse("access.type_the_alias", alias=promotion.alias)


def check_new_datastore(stage: Scope, tier: Tier, data_class: DataClass) -> Refusal | None:
    """Say why a new datastore of this class cannot be made in the stage."""
    if not attachable(data_class, tier):
        return refuse("access.class_above_tier", data_class=data_class, scope=stage, tier=tier, limit=CEILING[tier])
    if not creatable(data_class, tier):
        limit = DEFAULT_CLASS[tier]
        return refuse("access.class_below_default", data_class=data_class, scope=stage, tier=tier, limit=limit)
    return None


def check_reclassify(
    snapshot: Snapshot, caller: Caller, change: Lowering, *, second: Caller | None, now: datetime
) -> Refusal | None:
    """Say why the caller may not change a datastore's class; lowering it takes a second person who may."""
    for steward in (caller,) if second is None else (caller, second):
        decision = decide(snapshot, steward, "datastores/classify", change.datastore, now=now)
        if isinstance(decision, Deny):
            return refusal_of(decision)
    stage = change.datastore.stage
    tier = snapshot.stages[stage or ""]
    if not attachable(change.after, tier):
        return refuse(
            "access.class_above_tier",
            data_class=change.after,
            scope=stage_scope(stage or ""),
            tier=tier,
            limit=CEILING[tier],
        )
    if RANK[change.after] >= RANK[change.before] or (second and not _same_person(snapshot, caller, second)):
        return None
    return refuse("access.second_person", scope=change.datastore, before=change.before, after=change.after)


def _same_person(snapshot: Snapshot, one: Caller, other: Caller) -> bool:
    return snapshot.people[one.principal_id].person_id == snapshot.people[other.principal_id].person_id


def _stands_apart(snapshot: Snapshot, approver: Principal, promotion: Promotion) -> Refusal | None:
    """Say whether the approver is the requester or the author; who is no longer known counts by his id."""
    involved = {
        "access.approver_is_requester": promotion.requester_id,
        "access.approver_is_author": promotion.author_id,
    }
    for code, principal_id in involved.items():
        known = snapshot.people.get(principal_id)
        if principal_id == approver.id or (known is not None and known.person_id == approver.person_id):
            return refuse(code, approver=approver.name, scope=stage_scope(promotion.target))
    return None
