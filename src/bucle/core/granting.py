"""The rules of granting: who may give which role to whom, where, and who must be left to do so."""

from datetime import datetime

from bucle.core.access import Deny, decide
from bucle.core.classes import Place, Tier
from bucle.core.refusal import Refusal, refusal_of, refuse
from bucle.core.roles import PrincipalKind, Role
from bucle.core.scopes import PLATFORM, Scope
from bucle.core.snapshot import Binding, Caller, Principal, Snapshot, access_admins


def check_grant(snapshot: Snapshot, caller: Caller, binding: Binding, *, now: datetime) -> Refusal | None:
    """Say why the caller may not create this binding, or None where he may."""
    decision = decide(snapshot, caller, "assignments/write", binding.scope, now=now)
    if isinstance(decision, Deny):
        return refusal_of(decision)
    principal, role = snapshot.people.get(binding.principal_id), snapshot.roles.get(binding.role)
    if principal is None:
        return refuse("access.unknown_principal", principal=binding.principal_id)
    if role is None:
        return refuse("access.unknown_role", role=binding.role)
    if binding.expires_at is not None and binding.expires_at <= now:
        return refuse("access.already_expired", expires_at=binding.expires_at)
    if snapshot.governance != "solo" and _own(snapshot, caller, principal):
        return refuse("access.own_grant", principal=principal.name)
    holders = (principal, *(one for one in snapshot.principals if principal.id in one.groups))
    faults = (check_holder(role, holder.name, holder.kind) for holder in holders)
    return next((fault for fault in faults if fault is not None), None) or check_place(
        role, binding.scope, snapshot.place_of(binding.scope)
    )


def check_place(role: Role, scope: Scope, place: Place | None) -> Refusal | None:
    """Say why the role may not be assigned at the scope; asked again when the stage's tier changes."""
    if place in role.places:
        return None
    places = ", ".join(sorted(role.places))
    return refuse("access.tier", role=role.name, scope=scope, tier=place or "unknown", places=places)


def check_holder(role: Role, name: str, kind: PrincipalKind) -> Refusal | None:
    """Say why the role is not for principals of this kind."""
    if kind in role.holders:
        return None
    holders = " or ".join(sorted(role.holders))
    return refuse("access.holder", role=role.name, holders=holders, principal=name, kind=kind)


def check_tier_change(snapshot: Snapshot, stage: str, tier: Tier) -> tuple[Refusal, ...]:
    """Return a refusal for each binding that the stage could not have in its new tier."""
    bound = (binding for binding in snapshot.bindings if binding.scope.stage == stage)
    faults = (
        check_place(snapshot.roles[binding.role], binding.scope, tier)
        for binding in bound
        if binding.role in snapshot.roles
    )
    return tuple(fault for fault in faults if fault is not None)


def check_revoke(snapshot: Snapshot, caller: Caller, binding_id: str, *, now: datetime) -> Refusal | None:
    """Say why the caller may not remove this binding; somebody must always be left to grant."""
    found = next((binding for binding in snapshot.bindings if binding.id == binding_id), None)
    if found is None:
        return refuse("access.unknown_binding", binding=binding_id)
    decision = decide(snapshot, caller, "assignments/write", found.scope, now=now)
    if isinstance(decision, Deny):
        return refusal_of(decision)
    if access_admins(snapshot) and not access_admins(snapshot, without_binding=binding_id):
        return refuse("access.last_admin")
    return None


def check_deactivate(snapshot: Snapshot, caller: Caller, principal_id: str, *, now: datetime) -> Refusal | None:
    """Say why the caller may not deactivate this principal."""
    decision = decide(snapshot, caller, "principals/write", PLATFORM, now=now)
    if isinstance(decision, Deny):
        return refusal_of(decision)
    if access_admins(snapshot) and not access_admins(snapshot, but_not=principal_id):
        return refuse("access.last_admin")
    return None


def check_invite(snapshot: Snapshot, caller: Caller, principal_id: str, *, now: datetime) -> Refusal | None:
    """Say why the caller may not let this person set a new password.

    Whoever has the code can act as that person: it takes what granting all that he holds would take.
    """
    decision = decide(snapshot, caller, "principals/write", PLATFORM, now=now)
    if isinstance(decision, Deny):
        return refusal_of(decision)
    for held in snapshot.holdings(principal_id):
        decision = decide(snapshot, caller, "assignments/write", held.binding.scope, now=now)
        if isinstance(decision, Deny):
            return refusal_of(decision)
    return None


def check_membership(
    snapshot: Snapshot, caller: Caller, group_id: str, member_id: str, *, now: datetime
) -> Refusal | None:
    """Say why the caller may not put the principal into the group.

    It is a grant of all that the group holds: whoever may not grant each of it may not put anybody in.
    """
    decision = decide(snapshot, caller, "principals/write", PLATFORM, now=now)
    if isinstance(decision, Deny):
        return refusal_of(decision)
    for principal_id in (group_id, member_id):
        if principal_id not in snapshot.people:
            return refuse("access.unknown_principal", principal=principal_id)
    group, member = snapshot.people[group_id], snapshot.people[member_id]
    if group.kind != "group":
        return refuse("access.unknown_principal", principal=group.name)
    if member.kind == "group":
        return refuse("access.group_in_group", group=group.name, member=member.name)
    if snapshot.governance != "solo" and _own(snapshot, caller, member):
        return refuse("access.own_grant", principal=member.name)
    held = (binding for binding in snapshot.bindings if binding.principal_id == group_id)
    faults = (_check_passing_on(snapshot, caller, binding, member, now) for binding in held)
    return next((fault for fault in faults if fault is not None), None)


def check_owner(snapshot: Snapshot, caller: Caller, service_id: str, owner_id: str) -> Refusal | None:
    """Say why the caller may not give the service this owner: who takes one that holds roles grants them to himself."""
    service, owner = snapshot.people.get(service_id), snapshot.people.get(owner_id)
    holds = any(True for _ in snapshot.holdings(service_id))
    if service is None or owner is None or not holds or snapshot.governance == "solo":
        return None
    is_mine = owner.person_id == snapshot.people[caller.principal_id].person_id
    return refuse("access.own_grant", principal=service.name) if is_mine else None


def _check_passing_on(
    snapshot: Snapshot, caller: Caller, binding: Binding, member: Principal, now: datetime
) -> Refusal | None:
    """Say why a member may not come to hold a binding of his group by the caller's hand."""
    decision = decide(snapshot, caller, "assignments/write", binding.scope, now=now)
    if isinstance(decision, Deny):
        return refusal_of(decision)
    role = snapshot.roles.get(binding.role)
    return None if role is None else check_holder(role, member.name, member.kind)


def _own(snapshot: Snapshot, caller: Caller, target: Principal) -> bool:
    """Say whether a grant to `target` reaches the caller: himself, his service, a group that he is in."""
    person = snapshot.people[caller.principal_id].person_id
    mine = [principal for principal in snapshot.principals if principal.person_id == person]
    return target.person_id == person or any(target.id in principal.groups for principal in mine)
