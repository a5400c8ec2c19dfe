"""API tokens: minted, recognised, listed, revoked; the text is shown once, its HMAC is kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.access.credentials import is_of, make_credential, read_credential
from bucle.access.keys import Keys
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.access import principal, token

Purpose = Literal["api", "job", "bootstrap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A new token: its id, its text (shown once), its end."""

    id: str
    text: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A token that was recognised: whose it is, what it was made for, what it is limited to (None: nothing)."""

    id: str
    principal_id: str
    purpose: Purpose
    scopes: Mapping[str, Any] | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as its row tells of it; of its secret nothing."""

    id: str
    principal_id: str
    purpose: Purpose
    scopes: Mapping[str, Any] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def mint(
    transaction: Transaction,
    keys: Keys,
    principal_id: str,
    *,
    purpose: Purpose,
    lifetime: timedelta,
    scopes: Mapping[str, Any] | None = None,
) -> Minted:
    """Make a token of `principal_id`; only its HMAC is kept."""
    made = make_credential("bcl")
    expires_at = transaction.now + lifetime
    transaction.rows.execute(
        token.insert().values(
            id=made.id,
            principal_id=principal_id,
            purpose=purpose,
            secret_hmac=keys.hmac(made.secret),
            scopes=None if scopes is None else dict(scopes),
            created_at=to_micros(transaction.now),
            expires_at=to_micros(expires_at),
        )
    )
    return Minted(id=made.id, text=made.text, expires_at=expires_at)


def recognise(rows: sa.Connection, keys: Keys, text: str, now: datetime) -> Presented:
    """Return what `text` stands for; NotSignedIn says whether it is no token, unknown, expired or revoked."""
    presented = read_credential("bcl", text)
    if presented is None:
        raise errors.NotSignedIn("sign_in.not_a_token")
    row = rows.execute(
        sa.select(token, principal.c.disabled_at)
        .join(principal, principal.c.id == token.c.principal_id)
        .where(token.c.id == presented.id)
    ).one_or_none()
    if not is_of(keys, presented, row.secret_hmac if row else None) or row is None:
        raise errors.NotSignedIn("sign_in.unknown_token")
    if row.revoked_at is not None or row.disabled_at is not None:
        raise errors.NotSignedIn("sign_in.revoked_token", token=row.id)
    if row.expires_at <= to_micros(now):
        raise errors.NotSignedIn("sign_in.expired_token", token=row.id, at=of_micros(row.expires_at).isoformat())
    return Presented(
        id=row.id,
        principal_id=row.principal_id,
        purpose=row.purpose,
        scopes=row.scopes,
        seen_at=_instant(row.last_used_at),
    )


def find(rows: sa.Connection, token_id: str) -> Token | None:
    """Return a token by its id, or None."""
    row = rows.execute(sa.select(token).where(token.c.id == token_id)).one_or_none()
    return None if row is None else _token(row)


def list_tokens(rows: sa.Connection, principal_ids: Collection[str], now: datetime) -> Sequence[Token]:
    """Return the tokens of these principals that still open something, newest first."""
    alive = sa.and_(token.c.revoked_at.is_(None), token.c.expires_at > to_micros(now))
    query = sa.select(token).where(token.c.principal_id.in_(principal_ids), alive)
    return [_token(row) for row in rows.execute(query.order_by(token.c.created_at.desc(), token.c.id))]


def touch(transaction: Transaction, token_id: str) -> None:
    """Write that the token was used now."""
    used = {"last_used_at": to_micros(transaction.now)}
    transaction.rows.execute(token.update().where(token.c.id == token_id).values(used))


def revoke(transaction: Transaction, token_id: str) -> bool:
    """Revoke a token from now on; return whether it was alive."""
    done = transaction.rows.execute(
        token.update()
        .where(token.c.id == token_id, token.c.revoked_at.is_(None))
        .values(revoked_at=to_micros(transaction.now))
    )
    return done.rowcount == 1


def revoke_all(transaction: Transaction, principal_id: str) -> int:
    """Revoke every token of a principal; return how many were alive."""
    done = transaction.rows.execute(
        token.update()
        .where(token.c.principal_id == principal_id, token.c.revoked_at.is_(None))
        .values(revoked_at=to_micros(transaction.now))
    )
    return int(done.rowcount)


def _token(row: Any) -> Token:
    return Token(
        id=row.id,
        principal_id=row.principal_id,
        purpose=row.purpose,
        scopes=row.scopes,
        created_at=of_micros(row.created_at),
        expires_at=of_micros(row.expires_at),
        last_used_at=_instant(row.last_used_at),
        revoked_at=_instant(row.revoked_at),
    )


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else of_micros(micros)
