"""Groups as the records hold them: principals of their own kind, and who is a member."""

from collections.abc import Sequence

import sqlalchemy as sa

from bucle.access.policy import touch
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables.access import membership, principal


def members_of(rows: sa.Connection, group_id: str) -> Sequence[str]:
    """Return the names of a group's members, in order."""
    joined = sa.select(principal.c.name).join(membership, membership.c.member_id == principal.c.id)
    return rows.execute(joined.where(membership.c.group_id == group_id).order_by(principal.c.name)).scalars().all()


def groups_of(rows: sa.Connection, member_id: str) -> Sequence[str]:
    """Return the names of the groups that a principal is in, in order."""
    joined = sa.select(principal.c.name).join(membership, membership.c.group_id == principal.c.id)
    return rows.execute(joined.where(membership.c.member_id == member_id).order_by(principal.c.name)).scalars().all()


def add_member(transaction: Transaction, group_id: str, member_id: str, *, made_by: str) -> None:
    """Put a principal into a group; whether that may be was decided before."""
    values = {"group_id": group_id, "member_id": member_id, "made_by": made_by}
    transaction.rows.execute(membership.insert().values(**values, created_at=to_micros(transaction.now)))
    touch(transaction)


def remove_member(transaction: Transaction, group_id: str, member_id: str) -> None:
    """Take a principal out of a group; the next decision no longer sees him in it."""
    named = (membership.c.group_id == group_id, membership.c.member_id == member_id)
    transaction.rows.execute(membership.delete().where(*named))
    touch(transaction)
