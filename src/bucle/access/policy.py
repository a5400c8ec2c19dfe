"""The policy as the records hold it: read as one immutable snapshot, kept until its revision moves."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from bucle.core.roles import Role
from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Binding, Governance, Principal, Snapshot
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables import access as tables


@dataclass(slots=True)
class Policy:
    """The newest snapshot; a changed right is seen by the next decision, since the revision is read each time."""

    _kept: tuple[int, Snapshot] | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def snapshot(self, rows: sa.Connection) -> Snapshot:
        """Return the snapshot of the policy that `rows` sees."""
        revision = rows.execute(sa.select(tables.policy.c.revision)).scalar_one()
        with self._guard:
            if self._kept is None or self._kept[0] != revision:
                self._kept = (revision, read_snapshot(rows))
            return self._kept[1]


def read_snapshot(rows: sa.Connection) -> Snapshot:
    """Read principals, bindings, stages, roles and governance."""
    settings = rows.execute(sa.select(tables.policy)).one()
    groups = _groups(rows)
    return Snapshot(
        principals=tuple(
            _principal(row, groups.get(row.id, frozenset())) for row in rows.execute(sa.select(tables.principal))
        ),
        bindings=tuple(_binding(row) for row in rows.execute(sa.select(tables.binding))),
        stages={row.name: row.tier for row in rows.execute(sa.select(tables.stage))},
        registries=frozenset(settings.registries),
        custom_roles=tuple(role_of(document) for document in settings.custom_roles),
        governance=settings.governance,
        bootstrap_id=None if settings.bootstrap_retired else settings.bootstrap_id,
    )


def has_policy(rows: sa.Connection) -> bool:
    """Return whether this installation has had its first run."""
    return rows.execute(sa.select(tables.policy.c.id)).first() is not None


def first_policy(transaction: Transaction, *, governance: Governance, bootstrap_id: str) -> None:
    """Write the policy of a new installation."""
    transaction.rows.execute(
        tables.policy.insert().values(
            id=1,
            revision=1,
            name="bucle",
            governance=governance,
            isolation="auto",
            allow_model_code="from-own-jobs",
            bootstrap_id=bootstrap_id,
            registries=[],
            custom_roles=[],
            owners={},
            prices={},
        )
    )


def touch(transaction: Transaction) -> None:
    """Move the revision: every change of the policy ends with this, in its own transaction."""
    transaction.rows.execute(tables.policy.update().values(revision=tables.policy.c.revision + 1))


def add_principal(transaction: Transaction, principal: Principal) -> None:
    """Write a new principal."""
    transaction.rows.execute(
        tables.principal.insert().values(
            id=principal.id,
            name=principal.name,
            kind=principal.kind,
            person_id=principal.person_id,
            created_at=to_micros(transaction.now),
        )
    )
    touch(transaction)


def add_binding(transaction: Transaction, binding: Binding, *, made_by: str) -> None:
    """Write a new binding; whether it may be made was decided before."""
    transaction.rows.execute(
        tables.binding.insert().values(
            id=binding.id,
            principal_id=binding.principal_id,
            role=binding.role,
            scope=str(binding.scope),
            made_by=made_by,
            created_at=to_micros(transaction.now),
            expires_at=None if binding.expires_at is None else to_micros(binding.expires_at),
        )
    )
    touch(transaction)


def remove_binding(transaction: Transaction, binding_id: str) -> None:
    """Take a binding away; the next decision no longer sees it."""
    transaction.rows.execute(tables.binding.delete().where(tables.binding.c.id == binding_id))
    touch(transaction)


def role_of(document: Mapping[str, Any]) -> Role:
    """Return the custom role that a document of the policy defines."""
    return Role(
        name=document["name"],
        purpose=document["purpose"],
        actions=frozenset(document["actions"]),
        places=frozenset(document["places"]),
        ceiling=document["ceiling"],
        holders=frozenset(document["holders"]),
    )


def _groups(rows: sa.Connection) -> dict[str, frozenset[str]]:
    """Return the groups that each principal is in."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows.execute(sa.select(tables.membership)):
        found[row.member_id].add(row.group_id)
    return {member: frozenset(groups) for member, groups in found.items()}


def _principal(row: sa.Row[tuple[object, ...]], groups: frozenset[str]) -> Principal:
    return Principal(
        id=row.id,
        name=row.name,
        person_id=row.person_id,
        kind=row.kind,
        groups=groups,
        active=row.disabled_at is None,
    )


def _binding(row: sa.Row[tuple[object, ...]]) -> Binding:
    return Binding(
        id=row.id,
        principal_id=row.principal_id,
        role=row.role,
        scope=parse_scope(row.scope),
        expires_at=None if row.expires_at is None else of_micros(row.expires_at),
    )
