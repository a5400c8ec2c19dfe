"""Bindings as people read them: who holds which role where, by whose hand, until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.access import binding, principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One binding with the names of its holder and its maker."""

    id: str
    principal: str
    role: str
    scope: str
    made_by: str
    created_at: datetime
    expires_at: datetime | None


def find(rows: sa.Connection, binding_id: str) -> Held | None:
    """Return a binding by its id, or None."""
    row = rows.execute(_query().where(binding.c.id == binding_id)).one_or_none()
    return None if row is None else _held(row)


def find_alike(rows: sa.Connection, principal_id: str, role: str, scope: str) -> Held | None:
    """Return the binding of this role to this principal at this scope, or None."""
    alike = (binding.c.principal_id == principal_id, binding.c.role == role, binding.c.scope == scope)
    row = rows.execute(_query().where(*alike)).one_or_none()
    return None if row is None else _held(row)


def list_bindings(
    rows: sa.Connection, *, principal_name: str | None = None, scope: str | None = None
) -> Sequence[Held]:
    """Return bindings by scope and holder; of one principal, or at one scope exactly, where asked."""
    query = _query()
    if principal_name is not None:
        query = query.where(principal.c.name == principal_name)
    if scope is not None:
        query = query.where(binding.c.scope == scope)
    ordered = query.order_by(binding.c.scope, principal.c.name, binding.c.role)
    return [_held(row) for row in rows.execute(ordered)]


def ids_made_by(rows: sa.Connection, maker: str) -> frozenset[str]:
    """Return the ids of the bindings that somebody made."""
    return frozenset(rows.execute(sa.select(binding.c.id).where(binding.c.made_by == maker)).scalars())


def forget_expired(transaction: Transaction, held: Held) -> bool:
    """Remove a binding that has expired, so that it can be made anew; return whether it had."""
    over = binding.c.expires_at <= to_micros(transaction.now)
    done = transaction.rows.execute(binding.delete().where(binding.c.id == held.id, over))
    return done.rowcount == 1


def _query() -> sa.Select[Any]:
    holder = principal.c.name.label("holder")
    return sa.select(binding, holder).join(principal, principal.c.id == binding.c.principal_id)


def _held(row: Any) -> Held:
    return Held(
        id=row.id,
        principal=row.holder,
        role=row.role,
        scope=row.scope,
        made_by=row.made_by,
        created_at=of_micros(row.created_at),
        expires_at=None if row.expires_at is None else of_micros(row.expires_at),
    )
