"""Principals: people and services created, listed, invited, disabled."""

from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.access import bindings, groups, invitations, policy, principals, sessions, tokens
from bucle.access.principals import Known
from bucle.core.granting import check_deactivate, check_invite
from bucle.core.refusal import refuse
from bucle.core.scopes import PLATFORM as PLATFORM_SCOPE
from bucle.core.snapshot import Principal, access_admins
from bucle.ops.authority import authorise
from bucle.ops.binding import document_of as binding_document
from bucle.ops.world import Call, World
from bucle.store.events import PLATFORM
from bucle.store.instants import to_text
from bucle.store.records import Transaction

Kind = Literal["person", "service"]


def create(world: World, call: Call, name: str, kind: Kind, owner: str | None) -> dict[str, Any]:
    """Make a person, or a service that acts for its owner and carries his `person_id`."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "principals/write", PLATFORM_SCOPE)
        return transaction.answers(document_of(_add(world, transaction, call, name, kind, owner)))


def listed(world: World, call: Call) -> list[dict[str, Any]]:
    """Return all principals by name."""
    with world.read() as rows:
        authorise(world, rows, call, "principals/read", PLATFORM_SCOPE)
        return [document_of(known) for known in principals.list_principals(rows)]


def show(world: World, call: Call, name: str) -> dict[str, Any]:
    """Return a principal, the roles he holds, the groups he is in; of a group its members."""
    with world.read() as rows:
        authorise(world, rows, call, "principals/read", PLATFORM_SCOPE)
        known = find_principal(rows, name)
        held = bindings.list_bindings(rows, principal_name=name)
        joined = {
            "groups": [*groups.groups_of(rows, known.id)],
            "members": [*groups.members_of(rows, known.id)],
        }
    return {**document_of(known), "bindings": [binding_document(one, world.clock()) for one in held], **joined}


def invite(world: World, call: Call, name: str, kind: Literal["person"] | None) -> dict[str, Any]:
    """Make a one-use code, valid for a day, with which a person sets his password; the answer holds it this once.

    With a `kind`, somebody not known yet is created first. A repeated request is answered without the code,
    since nothing keeps it.
    """
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "principals/write", PLATFORM_SCOPE)
        if kind is not None and principals.find(transaction.rows, name) is None:
            _add(world, transaction, call, name, kind, None)
        known = find_active(transaction.rows, name)
        if known.kind != "person":
            raise errors.BadRequest("principal.not_a_person", name=name, kind=known.kind)
        snapshot = world.policy.snapshot(transaction.rows)
        refusal = check_invite(snapshot, call.caller, known.id, now=transaction.now)
        if refusal is not None:
            raise refusal.error
        made = invitations.invite(transaction, world.keys, known.id, inviter=call.principal.name)
        after = {"expires_at": to_text(made.expires_at)}
        transaction.record(call.event(PLATFORM, "principals/invite", f"principals/{name}", after=after))
        answer = {"name": name, "code": None, **after}
        transaction.answers(answer)
    return {**answer, "code": made.code}


def disable(world: World, call: Call, name: str) -> dict[str, Any]:
    """Shut a principal out from the next request on: sessions end, tokens are revoked, bindings count for nothing."""
    with world.write(call) as transaction:
        rows = transaction.rows
        authorise(world, rows, call, "principals/write", PLATFORM_SCOPE)
        known = find_principal(rows, name)
        if known.disabled_at is None:
            _refuse_last(world, rows, call, known)
            principals.disable(transaction, known.id)
            after = {
                "sessions_ended": sessions.end_all(transaction, known.id),
                "tokens_revoked": tokens.revoke_all(transaction, known.id),
            }
            transaction.record(call.event(PLATFORM, "principals/disable", f"principals/{name}", after=after))
        return transaction.answers(document_of(find_principal(rows, name)))


def find_principal(rows: sa.Connection, name: str) -> Known:
    """Return the principal of a name; NotFound when there is none."""
    known = principals.find(rows, name)
    if known is None:
        raise errors.NotFound("principal.not_found", name=name)
    return known


def find_active(rows: sa.Connection, name: str) -> Known:
    """Return the principal of a name; NotFound when there is none, Conflict when he is disabled."""
    known = find_principal(rows, name)
    if known.disabled_at is not None:
        raise errors.Conflict("principal.disabled", name=name)
    return known


def document_of(known: Known) -> dict[str, Any]:
    """Return a principal as people see him; of his password only that there is one."""
    return {
        "name": known.name,
        "kind": known.kind,
        "active": known.disabled_at is None,
        "has_password": known.password is not None,
        "created_at": to_text(known.created_at),
        "disabled_at": None if known.disabled_at is None else to_text(known.disabled_at),
        "person_id": known.person_id,
    }


def _add(world: World, transaction: Transaction, call: Call, name: str, kind: Kind, owner: str | None) -> Known:
    if principals.find(transaction.rows, name) is not None:
        raise errors.Conflict("principal.exists", name=name)
    new_id = world.new_id()
    person_id = new_id if kind == "person" else _person_of(transaction.rows, name, owner)
    policy.add_principal(transaction, Principal(id=new_id, name=name, person_id=person_id, kind=kind))
    after = {"kind": kind, "owner": owner}
    transaction.record(call.event(PLATFORM, "principals/create", f"principals/{name}", after=after))
    return find_principal(transaction.rows, name)


def _person_of(rows: sa.Connection, name: str, owner: str | None) -> str:
    """Return the person that a service acts for."""
    known = None if owner is None else find_active(rows, owner)
    if known is None or known.kind != "person":
        raise errors.BadRequest("principal.owner_missing", name=name)
    return known.person_id


def _refuse_last(world: World, rows: sa.Connection, call: Call, known: Known) -> None:
    """Refuse to disable whoever is the last to grant: an AccessAdmin, or the bootstrap administrator before any."""
    snapshot = world.policy.snapshot(rows)
    refusal = check_deactivate(snapshot, call.caller, known.id, now=world.clock())
    if refusal is None and known.id == snapshot.bootstrap_id and not access_admins(snapshot, but_not=known.id):
        refusal = refuse("access.last_admin")
    if refusal is not None:
        raise refusal.error
