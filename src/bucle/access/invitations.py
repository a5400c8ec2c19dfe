"""Invitations: a one-use code, valid for a day, with which a person sets his password."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from bucle import errors
from bucle.access.credentials import is_of, make_credential, read_credential
from bucle.access.keys import Keys
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables.access import invitation, principal

LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A new invitation: its code (shown once) and its end."""

    id: str
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A code that was recognised: whom it lets in, and who invited him."""

    id: str
    principal_id: str
    name: str
    inviter: str


def invite(transaction: Transaction, keys: Keys, principal_id: str, *, inviter: str) -> Invitation:
    """Invite a principal; an earlier code of his that was not used opens nothing any more."""
    unused = sa.and_(invitation.c.principal_id == principal_id, invitation.c.used_at.is_(None))
    transaction.rows.execute(invitation.delete().where(unused))
    made = make_credential("bci")
    expires_at = transaction.now + LIFETIME
    transaction.rows.execute(
        invitation.insert().values(
            id=made.id,
            principal_id=principal_id,
            inviter=inviter,
            code_hmac=keys.hmac(made.secret),
            created_at=to_micros(transaction.now),
            expires_at=to_micros(expires_at),
        )
    )
    return Invitation(id=made.id, code=made.text, expires_at=expires_at)


def recognise(rows: sa.Connection, keys: Keys, code: str, now: datetime) -> Invited:
    """Return whom a code lets in; NotSignedIn alike for one that is unknown, used or too old."""
    presented = read_credential("bci", code)
    row = None
    if presented is not None:
        row = rows.execute(
            sa.select(invitation, principal.c.name, principal.c.disabled_at)
            .join(principal, principal.c.id == invitation.c.principal_id)
            .where(invitation.c.id == presented.id)
        ).one_or_none()
    if (
        presented is None
        or not is_of(keys, presented, row.code_hmac if row else None)
        or row is None
        or row.used_at is not None
        or row.disabled_at is not None
        or row.expires_at <= to_micros(now)
    ):
        raise errors.NotSignedIn("sign_in.bad_invitation")
    return Invited(id=row.id, principal_id=row.principal_id, name=row.name, inviter=row.inviter)


def use(transaction: Transaction, invited: Invited) -> None:
    """Use the code up; NotSignedIn for whoever comes second."""
    done = transaction.rows.execute(
        invitation.update()
        .where(invitation.c.id == invited.id, invitation.c.used_at.is_(None))
        .values(used_at=to_micros(transaction.now))
    )
    if done.rowcount != 1:
        raise errors.NotSignedIn("sign_in.bad_invitation")
