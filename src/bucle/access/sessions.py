"""Login sessions of people: opened by a password, kept on the server, ended after idle hours or a day, revocable."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from bucle import errors
from bucle.access.credentials import is_of, make_credential, read_credential
from bucle.access.keys import Keys
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.access import principal, session

IDLE = timedelta(hours=8)
LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new session: its id, its text (told once, to the person who signed in), its latest end."""

    id: str
    text: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A session that was recognised: whose it is, when it was last seen, when it ends if it is left alone from now."""

    id: str
    principal_id: str
    seen_at: datetime
    ends_at: datetime


def open_session(transaction: Transaction, keys: Keys, principal_id: str) -> Opened:
    """Open a session of `principal_id` with a fresh id, and forget those of his that are over."""
    over = session.c.created_at <= to_micros(transaction.now - LONGEST)
    transaction.rows.execute(session.delete().where(session.c.principal_id == principal_id, over))
    made = make_credential("bcs")
    transaction.rows.execute(
        session.insert().values(
            id=made.id,
            principal_id=principal_id,
            secret_hmac=keys.hmac(made.secret),
            created_at=to_micros(transaction.now),
            seen_at=to_micros(transaction.now),
        )
    )
    return Opened(id=made.id, text=made.text, expires_at=transaction.now + LONGEST)


def recognise(rows: sa.Connection, keys: Keys, text: str, now: datetime) -> Seen:
    """Return whose session `text` is; NotSignedIn says whether it is unknown or over."""
    presented = read_credential("bcs", text)
    if presented is None:
        raise errors.NotSignedIn("sign_in.not_a_token")
    row = rows.execute(
        sa.select(session, principal.c.disabled_at)
        .join(principal, principal.c.id == session.c.principal_id)
        .where(session.c.id == presented.id)
    ).one_or_none()
    if not is_of(keys, presented, row.secret_hmac if row else None) or row is None:
        raise errors.NotSignedIn("sign_in.unknown_session")
    if row.revoked_at is not None or row.disabled_at is not None:
        raise errors.NotSignedIn("sign_in.ended_session")
    if row.seen_at <= to_micros(now - IDLE) or row.created_at <= to_micros(now - LONGEST):
        raise errors.NotSignedIn("sign_in.expired_session")
    return Seen(
        id=row.id,
        principal_id=row.principal_id,
        seen_at=of_micros(row.seen_at),
        ends_at=min(now + IDLE, of_micros(row.created_at) + LONGEST),
    )


def touch(transaction: Transaction, session_id: str) -> None:
    """Write that the session was used now: its idle hours begin again."""
    seen = {"seen_at": to_micros(transaction.now)}
    transaction.rows.execute(session.update().where(session.c.id == session_id).values(seen))


def end(transaction: Transaction, session_id: str) -> bool:
    """End a session from now on; return whether it was alive."""
    done = transaction.rows.execute(
        session.update()
        .where(session.c.id == session_id, session.c.revoked_at.is_(None))
        .values(revoked_at=to_micros(transaction.now))
    )
    return done.rowcount == 1


def end_all(transaction: Transaction, principal_id: str) -> int:
    """End every session of a principal; return how many were alive."""
    done = transaction.rows.execute(
        session.update()
        .where(session.c.principal_id == principal_id, session.c.revoked_at.is_(None))
        .values(revoked_at=to_micros(transaction.now))
    )
    return int(done.rowcount)
