"""Promotions, approvals and the ledger as the records hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from bucle.core.promotion import ENDED, State
from bucle.core.view import View
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.release import approval, ledger, promotion
from bucle.store.visibility import Columns, condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A release on its way into a stage. `revision` rises with each change: two racing steps cannot both take."""

    name: str
    release_id: str
    source: str
    stage: str
    endpoint: str
    deployment: str
    state: State
    reason: str | None
    plan: Mapping[str, Any]
    plan_digest: str
    entry: Sequence[Mapping[str, Any]]
    entry_digest: str
    standing: Sequence[Mapping[str, Any]] | None
    rollout: Mapping[str, Any]
    requester_id: str
    executor_id: str | None
    revision: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's word on a promotion, over the digests that it was given for."""

    id: str
    promotion: str
    verdict: Literal["approved", "rejected"]
    approver_id: str
    person_id: str
    release_digest: str
    plan_digest: str
    entry_digest: str
    acknowledged: tuple[str, ...]
    comment: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    statement: str | None = None
    """The envelope of what is signed of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One line of the ledger: from `from_at` on this release served the endpoint."""

    seq: int
    stage: str
    endpoint: str
    release_id: str
    deployment: str
    promotion: str
    why: str
    from_at: datetime


def add(transaction: Transaction, begun: Promotion) -> None:
    """Write a new promotion."""
    transaction.rows.execute(
        promotion.insert().values(
            name=begun.name, release_id=begun.release_id, source=begun.source, stage=begun.stage,
            endpoint=begun.endpoint, deployment=begun.deployment, state=begun.state, reason=begun.reason,
            plan=dict(begun.plan), plan_digest=begun.plan_digest, entry=[dict(row) for row in begun.entry],
            entry_digest=begun.entry_digest, rollout=dict(begun.rollout), requester_id=begun.requester_id,
            executor_id=begun.executor_id, revision=0, created_at=to_micros(begun.created_at),
            ended_at=to_micros(begun.created_at) if begun.state in ENDED else None,
        )
    )  # fmt: skip


def change(transaction: Transaction, found: Promotion, **values: Any) -> bool:
    """Change a promotion when nobody else did since it was read; return whether it was changed."""
    if values.get("state") in ENDED:
        values["ended_at"] = to_micros(transaction.now)
    done = transaction.rows.execute(
        promotion.update()
        .where(promotion.c.name == found.name, promotion.c.revision == found.revision)
        .values(revision=found.revision + 1, **values)
    )
    return done.rowcount == 1


def find(rows: sa.Connection, name: str) -> Promotion | None:
    """Return a promotion, or None."""
    row = rows.execute(sa.select(promotion).where(promotion.c.name == name)).one_or_none()
    return None if row is None else _promotion(row)


def active(rows: sa.Connection, view: View | None = None) -> Sequence[Promotion]:
    """Return the promotions that have not ended, oldest first: all, or those into stages that a view shows."""
    query = sa.select(promotion).where(promotion.c.ended_at.is_(None)).order_by(promotion.c.created_at)
    if view is not None:
        query = query.where(condition(view, Columns(stage=promotion.c.stage)))
    return [_promotion(row) for row in rows.execute(query)]


def of_stage(rows: sa.Connection, stage: str, *, limit: int) -> Sequence[Promotion]:
    """Return the newest promotions into a stage."""
    query = sa.select(promotion).where(promotion.c.stage == stage)
    return [_promotion(row) for row in rows.execute(query.order_by(promotion.c.created_at.desc()).limit(limit))]


def of_release(rows: sa.Connection, release_id: str) -> Sequence[Promotion]:
    """Return the promotions of a release, oldest first."""
    query = sa.select(promotion).where(promotion.c.release_id == release_id).order_by(promotion.c.created_at)
    return [_promotion(row) for row in rows.execute(query)]


def add_approval(transaction: Transaction, given: Approval) -> None:
    """Write what somebody said; a person speaks once of a promotion."""
    transaction.rows.execute(
        approval.insert().values(
            id=given.id, promotion=given.promotion, verdict=given.verdict, approver_id=given.approver_id,
            person_id=given.person_id, release_digest=given.release_digest, plan_digest=given.plan_digest,
            entry_digest=given.entry_digest, acknowledged=list(given.acknowledged), comment=given.comment,
            created_at=to_micros(given.created_at), expires_at=to_micros(given.expires_at),
            statement=given.statement,
        )
    )  # fmt: skip


def approvals_of(rows: sa.Connection, name: str) -> Sequence[Approval]:
    """Return what was said of a promotion, oldest first."""
    query = sa.select(approval).where(approval.c.promotion == name).order_by(approval.c.created_at)
    return [_approval(row) for row in rows.execute(query)]


def unsigned_approvals(rows: sa.Connection) -> Sequence[Approval]:
    """Return the approvals that have no statement."""
    return [_approval(row) for row in rows.execute(sa.select(approval).where(approval.c.statement.is_(None)))]


def sign_approval(transaction: Transaction, given: Approval, statement: str) -> None:
    """Write the statement of an approval that has none."""
    unsigned = approval.update().where(approval.c.id == given.id, approval.c.statement.is_(None))
    transaction.rows.execute(unsigned.values(statement=statement))


def has_stale_approval(transaction: Transaction, name: str) -> bool:
    """Return whether an approval of a promotion has expired or was used before."""
    stale = sa.or_(approval.c.used_at.is_not(None), approval.c.expires_at <= to_micros(transaction.now))
    return transaction.rows.execute(sa.select(approval.c.id).where(_given(name), stale)).first() is not None


def use_approvals(transaction: Transaction, name: str) -> None:
    """Use the approvals of a promotion; whoever takes its next step first has seen that none is stale."""
    used = approval.update().where(_given(name)).values(used_at=to_micros(transaction.now))
    transaction.rows.execute(used)


def serve(transaction: Transaction, line: Served) -> None:
    """Append a line to the ledger; its number is given here."""
    transaction.rows.execute(
        ledger.insert().values(
            stage=line.stage,
            endpoint=line.endpoint,
            release_id=line.release_id,
            deployment=line.deployment,
            promotion=line.promotion,
            why=line.why,
            from_at=to_micros(line.from_at),
        )
    )


def serving(rows: sa.Connection, stage: str, endpoint: str, *, at: datetime | None = None) -> Served | None:
    """Return what serves an endpoint, or served it at an instant; None before the first release."""
    query = sa.select(ledger).where(ledger.c.stage == stage, ledger.c.endpoint == endpoint)
    if at is not None:
        query = query.where(ledger.c.from_at <= to_micros(at))
    row = rows.execute(query.order_by(ledger.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else _served(row)


def history(rows: sa.Connection, stage: str, endpoint: str) -> Sequence[Served]:
    """Return the ledger of an endpoint, newest first."""
    query = sa.select(ledger).where(ledger.c.stage == stage, ledger.c.endpoint == endpoint)
    return [_served(row) for row in rows.execute(query.order_by(ledger.c.seq.desc()))]


def _given(name: str) -> sa.ColumnElement[bool]:
    return sa.and_(approval.c.promotion == name, approval.c.verdict == "approved")


def _promotion(row: sa.Row[Any]) -> Promotion:
    fields = row._asdict()
    ended = fields["ended_at"]
    times = {"created_at": of_micros(fields["created_at"]), "ended_at": None if ended is None else of_micros(ended)}
    return Promotion(**{**fields, **times})


def _approval(row: sa.Row[Any]) -> Approval:
    fields = row._asdict()
    for name in ("created_at", "expires_at", "used_at"):
        fields[name] = None if fields[name] is None else of_micros(fields[name])
    return Approval(**{**fields, "acknowledged": tuple(fields["acknowledged"])})


def _served(row: sa.Row[Any]) -> Served:
    fields = row._asdict()
    return Served(**{**fields, "from_at": of_micros(fields["from_at"])})
