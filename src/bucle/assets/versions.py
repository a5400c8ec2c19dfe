"""Asset versions: named, versioned, immutable; the one table behind data, models, environments and components."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from bucle.core.classes import DataClass
from bucle.spec.references import LATEST
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.assets import asset, edge

Kind = Literal["data", "code", "model", "environment", "component"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an asset; `scope` is its stage, or `registries/<name>`."""

    id: str
    scope: str
    kind: Kind
    name: str
    version: str
    type: str
    digest: str
    data_class: DataClass
    size: int
    document: Mapping[str, Any]
    made_by: str
    created_at: datetime


def add(transaction: Transaction, version: Version) -> None:
    """Write a new version."""
    transaction.rows.execute(
        asset.insert().values(
            id=version.id,
            scope=version.scope,
            kind=version.kind,
            name=version.name,
            version=version.version,
            type=version.type,
            digest=version.digest,
            data_class=version.data_class,
            size=version.size,
            document=dict(version.document),
            made_by=version.made_by,
            created_at=to_micros(version.created_at),
        )
    )


def find(rows: sa.Connection, scope: str, kind: Kind, name: str, version: str) -> Version | None:
    """Return one version, archived or not, or None."""
    row = rows.execute(_of_name(scope, kind, name).where(asset.c.version == version)).one_or_none()
    return None if row is None else _of_row(row)


def latest(rows: sa.Connection, scope: str, kind: Kind, name: str) -> Version | None:
    """Return the newest version by creation, archived ones skipped, or None."""
    query = _of_name(scope, kind, name).where(asset.c.archived_at.is_(None))
    row = rows.execute(query.order_by(asset.c.created_at.desc(), asset.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _of_row(row)


def wanted(rows: sa.Connection, scope: str, kind: Kind, name: str, version: str) -> Version | None:
    """Return one version, or for `latest` the newest, or None."""
    return latest(rows, scope, kind, name) if version == LATEST else find(rows, scope, kind, name, version)


def versions_of(rows: sa.Connection, scope: str, kind: Kind, name: str) -> tuple[str, ...]:
    """Return every version's text, archived ones included: a number is never given twice."""
    query = sa.select(asset.c.version).where(asset.c.scope == scope, asset.c.kind == kind, asset.c.name == name)
    return tuple(rows.execute(query).scalars())


def by_id(rows: sa.Connection, asset_id: str) -> Version | None:
    """Return the version with this internal id, or None."""
    row = rows.execute(sa.select(asset).where(asset.c.id == asset_id)).one_or_none()
    return None if row is None else _of_row(row)


def page(
    rows: sa.Connection,
    scope: str,
    kind: Kind,
    *,
    limit: int,
    after: tuple[Any, ...] | None,
    name: str | None = None,
) -> Sequence[Version]:
    """Return at most `limit` versions, newest first, behind the one with the key `after` = (created_at, id)."""
    query = sa.select(asset).where(asset.c.scope == scope, asset.c.kind == kind, asset.c.archived_at.is_(None))
    if name is not None:
        query = query.where(asset.c.name == name)
    if after is not None:
        query = query.where(sa.tuple_(asset.c.created_at, asset.c.id) < sa.tuple_(*after))
    found = rows.execute(query.order_by(asset.c.created_at.desc(), asset.c.id.desc()).limit(limit))
    return [_of_row(row) for row in found]


def page_key(version: Version) -> tuple[Any, ...]:
    """Return the key of a listed version."""
    return (to_micros(version.created_at), version.id)


def connect(transaction: Transaction, upstream: str, downstream: str, relation: str) -> None:
    """Write that `downstream` came from `upstream`; both are `kind/id`. Idempotent."""
    known = sa.select(edge.c.relation).where(
        edge.c.upstream == upstream, edge.c.downstream == downstream, edge.c.relation == relation
    )
    if transaction.rows.execute(known).first() is None:
        transaction.rows.execute(
            edge.insert().values(
                upstream=upstream,
                downstream=downstream,
                relation=relation,
                created_at=to_micros(transaction.now),
            )
        )


def upstream_of(rows: sa.Connection, downstream: str) -> Sequence[tuple[str, str]]:
    """Return (upstream, relation) of everything that `downstream` came from directly."""
    query = sa.select(edge.c.upstream, edge.c.relation).where(edge.c.downstream == downstream)
    return [(row.upstream, row.relation) for row in rows.execute(query.order_by(edge.c.relation, edge.c.upstream))]


def _of_name(scope: str, kind: Kind, name: str) -> sa.Select[Any]:
    return sa.select(asset).where(asset.c.scope == scope, asset.c.kind == kind, asset.c.name == name)


def _of_row(row: sa.Row[Any]) -> Version:
    fields = {name: value for name, value in row._asdict().items() if name not in {"archived_at", "created_at"}}
    return Version(**fields, created_at=of_micros(row.created_at))
