"""Releases and packagings as the records hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.release import packaging, release

PackagingState = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release: born with its model version in `stage`, its bytes in `workspace`."""

    id: str
    alias: str
    digest: str
    stage: str
    name: str
    version: str
    workspace: str
    manifest: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    profile: Mapping[str, Any]
    sample: Mapping[str, Any]
    author_id: str
    created_at: datetime
    statement: str | None = None
    """The envelope of what is signed of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaging:
    """A model version on its way: the job that looks at it, and what its release will stand on."""

    id: str
    stage: str
    name: str
    version: str
    state: PackagingState
    reason: str | None
    ground: Mapping[str, Any]
    job: str
    principal_id: str
    principal_name: str
    created_at: datetime


def add_release(transaction: Transaction, made: Release) -> None:
    """Write a release."""
    transaction.rows.execute(
        release.insert().values(
            id=made.id, alias=made.alias, digest=made.digest, stage=made.stage, name=made.name, version=made.version,
            workspace=made.workspace, manifest=dict(made.manifest), evaluation=dict(made.evaluation),
            profile=dict(made.profile), sample=dict(made.sample), author_id=made.author_id,
            created_at=to_micros(made.created_at), statement=made.statement,
        )
    )  # fmt: skip


def sign(transaction: Transaction, found: Release, statement: str) -> None:
    """Write the statement of a release that has none."""
    unsigned = release.update().where(release.c.id == found.id, release.c.statement.is_(None))
    transaction.rows.execute(unsigned.values(statement=statement))


def of_version(rows: sa.Connection, stage: str, name: str, version: str) -> Release | None:
    """Return the release of a model version that was born in a stage, or None: another stage may have one alike."""
    asked = (release.c.stage == stage, release.c.name == name, release.c.version == version)
    row = rows.execute(sa.select(release).where(*asked)).one_or_none()
    return None if row is None else _release(row)


def all_of_version(rows: sa.Connection, name: str, version: str) -> Sequence[Release]:
    """Return the releases of a model version, one for each stage that one was born in, newest first."""
    query = sa.select(release).where(release.c.name == name, release.c.version == version)
    return [_release(row) for row in rows.execute(query.order_by(release.c.created_at.desc()))]


def of_digest(rows: sa.Connection, digest: str) -> Release | None:
    """Return the release of a digest, or None."""
    row = rows.execute(sa.select(release).where(release.c.digest == digest)).one_or_none()
    return None if row is None else _release(row)


def of_alias(rows: sa.Connection, alias: str) -> Release | None:
    """Return the release of an alias, or None."""
    row = rows.execute(sa.select(release).where(release.c.alias == alias)).one_or_none()
    return None if row is None else _release(row)


def of_id(rows: sa.Connection, release_id: str) -> Release:
    """Return the release of an internal id."""
    return _release(rows.execute(sa.select(release).where(release.c.id == release_id)).one())


def every(rows: sa.Connection) -> Sequence[Release]:
    """Return all releases, oldest first."""
    return [_release(row) for row in rows.execute(sa.select(release).order_by(release.c.created_at))]


def versions_of(rows: sa.Connection, name: str) -> tuple[str, ...]:
    """Return the versions of a model that have a release, in whatever stage they were born."""
    return tuple(rows.execute(sa.select(release.c.version).where(release.c.name == name)).scalars())


def aliases(rows: sa.Connection) -> frozenset[str]:
    """Return every alias that is taken."""
    return frozenset(rows.execute(sa.select(release.c.alias)).scalars())


def add_packaging(transaction: Transaction, started: Packaging) -> None:
    """Write a packaging that has begun."""
    transaction.rows.execute(
        packaging.insert().values(
            id=started.id, stage=started.stage, name=started.name, version=started.version, state=started.state,
            ground=dict(started.ground), job=started.job, principal_id=started.principal_id,
            principal_name=started.principal_name, created_at=to_micros(started.created_at),
        )
    )  # fmt: skip


def end_packaging(transaction: Transaction, packaging_id: str, state: PackagingState, reason: str | None) -> bool:
    """Record how a packaging ended; return whether it was still running."""
    ended = transaction.rows.execute(
        packaging.update()
        .where(packaging.c.id == packaging_id, packaging.c.state == "running")
        .values(state=state, reason=reason)
    )
    return ended.rowcount == 1


def running_packagings(rows: sa.Connection) -> Sequence[Packaging]:
    """Return the packagings that have not ended."""
    return [_packaging(row) for row in rows.execute(sa.select(packaging).where(packaging.c.state == "running"))]


def find_packaging(rows: sa.Connection, stage: str, name: str, version: str) -> Packaging | None:
    """Return the packaging of a model version, or None."""
    row = rows.execute(
        sa.select(packaging).where(packaging.c.stage == stage, packaging.c.name == name, packaging.c.version == version)
    ).one_or_none()
    return None if row is None else _packaging(row)


def packaged_versions(rows: sa.Connection, stage: str, name: str) -> tuple[str, ...]:
    """Return the versions that were ever begun: a number is never given twice."""
    query = sa.select(packaging.c.version).where(packaging.c.stage == stage, packaging.c.name == name)
    return tuple(rows.execute(query).scalars())


def _release(row: sa.Row[Any]) -> Release:
    fields = row._asdict()
    return Release(**{**fields, "created_at": of_micros(fields["created_at"])})


def _packaging(row: sa.Row[Any]) -> Packaging:
    fields = row._asdict()
    return Packaging(**{**fields, "created_at": of_micros(fields["created_at"])})
