"""Custom roles as the records hold them: documents in the policy, beside the built-in roles of the code."""

from typing import Any

import sqlalchemy as sa

from bucle.access.policy import role_of, touch
from bucle.core.roles import Role
from bucle.store.records import Transaction
from bucle.store.tables.access import policy


def custom_roles(rows: sa.Connection) -> tuple[Role, ...]:
    """Return the roles of the platform's own, by name."""
    kept = rows.execute(sa.select(policy.c.custom_roles)).scalar_one()
    return tuple(sorted(map(role_of, kept), key=lambda role: role.name))


def put_role(transaction: Transaction, role: Role) -> None:
    """Define a role, or give the one of its name other values."""
    others = (one for one in custom_roles(transaction.rows) if one.name != role.name)
    _keep(transaction, (*others, role))


def remove_role(transaction: Transaction, name: str) -> None:
    """Take a role away; that nobody holds it was seen before."""
    _keep(transaction, tuple(one for one in custom_roles(transaction.rows) if one.name != name))


def document_of(role: Role) -> dict[str, Any]:
    """Return a role as the records keep it and as people see it."""
    return {
        "name": role.name,
        "purpose": role.purpose,
        "actions": sorted(role.actions),
        "places": sorted(role.places),
        "ceiling": role.ceiling,
        "holders": sorted(role.holders),
    }


def _keep(transaction: Transaction, roles: tuple[Role, ...]) -> None:
    transaction.rows.execute(policy.update().values(custom_roles=[document_of(role) for role in roles]))
    touch(transaction)
