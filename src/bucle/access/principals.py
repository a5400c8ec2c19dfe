"""Principals as the records hold them: found, listed, given a password, disabled."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle.access.policy import touch
from bucle.core.roles import PrincipalKind
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.access import principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A principal with what only signing in needs: when he came and went, and the hash of his password."""

    id: str
    name: str
    kind: PrincipalKind
    person_id: str
    created_at: datetime
    disabled_at: datetime | None
    password: str | None = field(repr=False)


def find(rows: sa.Connection, name: str) -> Known | None:
    """Return the principal of a name, or None."""
    row = rows.execute(sa.select(principal).where(principal.c.name == name)).one_or_none()
    return None if row is None else _known(row)


def list_principals(rows: sa.Connection) -> Sequence[Known]:
    """Return all principals by name."""
    return [_known(row) for row in rows.execute(sa.select(principal).order_by(principal.c.name))]


def set_password(transaction: Transaction, principal_id: str, hashed: str) -> None:
    """Keep the hash of a principal's new password."""
    kept = {"password": hashed}
    transaction.rows.execute(principal.update().where(principal.c.id == principal_id).values(kept))


def set_person(transaction: Transaction, principal_id: str, person_id: str) -> None:
    """Give a service another owner: it carries his `person_id` from now on."""
    transaction.rows.execute(principal.update().where(principal.c.id == principal_id).values(person_id=person_id))
    touch(transaction)


def disable(transaction: Transaction, principal_id: str) -> None:
    """Disable a principal from now on; his bindings count for nothing from the next decision on."""
    gone = {"disabled_at": to_micros(transaction.now)}
    transaction.rows.execute(principal.update().where(principal.c.id == principal_id).values(gone))
    touch(transaction)


def _known(row: Any) -> Known:
    return Known(
        id=row.id,
        name=row.name,
        kind=row.kind,
        person_id=row.person_id,
        created_at=of_micros(row.created_at),
        disabled_at=None if row.disabled_at is None else of_micros(row.disabled_at),
        password=row.password,
    )
