"""Bindings: roles granted, listed, revoked, by the rules of granting."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access import bindings, policy, principals
from bucle.access.bindings import Held
from bucle.core.granting import check_grant, check_revoke
from bucle.core.roles import changes_anything
from bucle.core.scopes import PLATFORM as PLATFORM_SCOPE
from bucle.core.scopes import Scope, parse_scope
from bucle.core.snapshot import Binding, Snapshot
from bucle.ops.authority import authorise, authorise_found
from bucle.ops.world import Call, World
from bucle.store import events
from bucle.store.events import PLATFORM
from bucle.store.instants import to_text


def create(
    world: World, call: Call, principal: str, role: str, scope: str, lifetime: timedelta | None
) -> dict[str, Any]:
    """Grant a role to a principal at a scope, for good or for a `lifetime`; the next request has it."""
    with world.write(call) as transaction:
        rows = transaction.rows
        place = parse_scope(scope)
        authorise(world, rows, call, "assignments/write", place)
        known = principals.find(rows, principal)
        wanted = Binding(
            id=world.new_id(),
            principal_id=known.id if known else principal,
            role=role,
            scope=place,
            expires_at=None if lifetime is None else transaction.now + lifetime,
        )
        refusal = check_grant(world.policy.snapshot(rows), call.caller, wanted, now=transaction.now)
        if refusal is not None:
            raise refusal.error
        alike = bindings.find_alike(rows, wanted.principal_id, role, str(place))
        if alike is not None and not bindings.forget_expired(transaction, alike):
            raise errors.Conflict("binding.exists", principal=principal, role=role, scope=place, id=alike.id)
        policy.add_binding(transaction, wanted, made_by=call.principal.name)
        made = bindings.find(rows, wanted.id)
        assert made is not None, "it was written in this transaction"
        document = document_of(made, transaction.now)
        after = {name: document[name] for name in ("id", "role", "scope", "expires_at")}
        transaction.record(call.event(PLATFORM, "assignments/create", f"principals/{principal}", after=after))
        return transaction.answers(document)


def listed(world: World, call: Call, *, principal: str | None, scope: str | None) -> list[dict[str, Any]]:
    """Return who holds which role where; of one principal, or at one scope exactly, where asked."""
    with world.read() as rows:
        authorise(world, rows, call, "assignments/read", PLATFORM_SCOPE)
        place = None if scope is None else str(parse_scope(scope))
        return [
            document_of(held, world.clock())
            for held in bindings.list_bindings(rows, principal_name=principal, scope=place)
        ]


def idle(world: World, call: Call, span: timedelta) -> list[dict[str, Any]]:
    """Return bindings older than `span` that nothing written was done with in it: they are wider than what was needed.

    A role that only reads leaves no line, and is left out.
    """
    with world.read() as rows:
        authorise(world, rows, call, "assignments/read", PLATFORM_SCOPE)
        since = world.clock() - span
        snapshot = world.policy.snapshot(rows)
        acts = events.acted_since(rows, since)
        return [
            document_of(held, world.clock())
            for held in bindings.list_bindings(rows)
            if held.created_at < since
            and changes_anything(snapshot.roles[held.role])
            and not _used(held, _holders(snapshot, held.principal), acts)
        ]


def _holders(snapshot: Snapshot, name: str) -> frozenset[str]:
    """Return who acts by a binding of this principal: a group's members, else it alone."""
    groups = {one.id for one in snapshot.principals if one.name == name and one.kind == "group"}
    return frozenset(one.name for one in snapshot.principals if one.name == name or one.groups & groups)


def _used(held: Held, holders: Collection[str], acts: Collection[tuple[str, str]]) -> bool:
    """Say whether a holder did something where the binding holds: in a stage's chain, or anywhere for wider ones."""
    match parse_scope(held.scope).parts:
        case ("stages", stage, *_):
            return any((name, stage) in acts for name in holders)
        case _:
            return any(who in holders for who, _ in acts)


def delete(world: World, call: Call, binding_id: str) -> dict[str, Any]:
    """Revoke a binding; the holder's next request is decided without it."""
    with world.write(call) as transaction:
        rows = transaction.rows
        held = bindings.find(rows, binding_id)
        missing = errors.NotFound("binding.not_found", id=binding_id)
        if held is None:
            raise missing
        _authorise_revoking(world, rows, call, parse_scope(held.scope), missing)
        refusal = check_revoke(world.policy.snapshot(rows), call.caller, binding_id, now=transaction.now)
        if refusal is not None:
            raise refusal.error
        policy.remove_binding(transaction, binding_id)
        document = document_of(held, transaction.now)
        before = {name: document[name] for name in ("id", "role", "scope", "expires_at")}
        transaction.record(call.event(PLATFORM, "assignments/delete", f"principals/{held.principal}", before=before))
        return transaction.answers(document)


def _authorise_revoking(world: World, rows: sa.Connection, call: Call, scope: Scope, missing: errors.NotFound) -> None:
    """Refuse whoever sees the scope and may not revoke there; to whoever does not see it the binding is unknown."""
    if scope.stage is not None:
        authorise_found(world, rows, call, "assignments/write", scope.stage, missing)
    else:
        authorise(world, rows, call, "assignments/write", scope)


def document_of(held: Held, now: datetime) -> dict[str, Any]:
    """Return a binding as people see it at an instant; one that is `expired` counts for nothing."""
    return {
        "id": held.id,
        "principal": held.principal,
        "role": held.role,
        "scope": held.scope,
        "made_by": held.made_by,
        "created_at": to_text(held.created_at),
        "expires_at": None if held.expires_at is None else to_text(held.expires_at),
        "expired": held.expires_at is not None and held.expires_at <= now,
    }
