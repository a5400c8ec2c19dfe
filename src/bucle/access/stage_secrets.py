"""Secrets of stages as the records hold them: sealed, one version each; a deleted one keeps its number only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from bucle.access.sealing import Envelope, KeyRing, seal, unseal, wrap_again
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.access import secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret: where it belongs, its newest version, who set it when. What it holds takes the key ring."""

    stage: str
    name: str
    version: int
    set_by: str
    set_at: datetime
    envelope: Envelope = field(repr=False)

    def value(self, ring: KeyRing) -> str:
        """Return what it holds; PlatformFault when it cannot be opened, or was sealed as another one."""
        return unseal(ring, self.envelope, _about(self.stage, self.name, self.version)).decode()


def put(transaction: Transaction, ring: KeyRing, place: tuple[str, str], value: str, *, by: str) -> Secret:
    """Write a new version of the secret at `place`, a stage and a name; the one before is gone."""
    stage, name = place
    where = sa.and_(secret.c.stage == stage, secret.c.name == name)
    before = transaction.rows.execute(sa.select(secret.c.version).where(where)).scalar_one_or_none()
    version = (before or 0) + 1  # counts on over a deletion: what was sealed as one version never opens as another
    envelope = seal(ring, value.encode(), _about(stage, name, version))
    written = {"version": version, "set_by": by, "set_at": to_micros(transaction.now), **_columns(envelope)}
    if before is None:
        transaction.rows.execute(secret.insert().values(stage=stage, name=name, **written))
    else:
        transaction.rows.execute(secret.update().where(where).values(written))
    return Secret(stage=stage, name=name, version=version, set_by=by, set_at=transaction.now, envelope=envelope)


def find(rows: sa.Connection, stage: str, name: str) -> Secret | None:
    """Return a secret, or None."""
    query = _alive().where(secret.c.stage == stage, secret.c.name == name)
    row = rows.execute(query).one_or_none()
    return None if row is None else _of_row(row)


def of_stage(rows: sa.Connection, stage: str) -> Sequence[Secret]:
    """Return the secrets of a stage by name."""
    return [_of_row(row) for row in rows.execute(_alive().where(secret.c.stage == stage))]


def every(rows: sa.Connection) -> Sequence[Secret]:
    """Return all secrets."""
    return [_of_row(row) for row in rows.execute(_alive())]


def forget(transaction: Transaction, found: Secret) -> None:
    """Delete what a secret holds."""
    gone = {"key_id": None, "wrapped_key": None, "sealed": None}
    transaction.rows.execute(_row_of(found).values(gone))


def rewrap(transaction: Transaction, ring: KeyRing) -> int:
    """Put every secret under the key that seals now; return how many were under another."""
    moved = [one for one in every(transaction.rows) if one.envelope.key_id != ring.sealing]
    for one in moved:
        envelope = wrap_again(ring, one.envelope, _about(one.stage, one.name, one.version))
        transaction.rows.execute(_row_of(one).values(_columns(envelope)))
    return len(moved)


def _alive() -> sa.Select[tuple[object, ...]]:
    return sa.select(secret).where(secret.c.sealed.is_not(None)).order_by(secret.c.stage, secret.c.name)


def _row_of(found: Secret) -> sa.Update:
    return secret.update().where(secret.c.stage == found.stage, secret.c.name == found.name)


def _about(stage: str, name: str, version: int) -> Mapping[str, str]:
    return {"stage": stage, "name": name, "version": str(version)}


def _columns(envelope: Envelope) -> dict[str, str]:
    return {"key_id": envelope.key_id, "wrapped_key": envelope.wrapped_key, "sealed": envelope.sealed}


def _of_row(row: sa.Row[tuple[object, ...]]) -> Secret:
    return Secret(
        stage=row.stage,
        name=row.name,
        version=row.version,
        set_by=row.set_by,
        set_at=of_micros(row.set_at),
        envelope=Envelope(key_id=row.key_id, wrapped_key=row.wrapped_key, sealed=row.sealed),
    )
