"""Traffic as the records hold it: scored rows by event time, their labels, and how far time has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from bucle.core.windows import Window
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.monitoring import label, scored, segment, watermark

Outcome = Literal["accepted", "known", "contradiction", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One row that was scored, with its label where it has one."""

    stage: str
    endpoint: str
    correlation_id: str
    request_id: str
    deployment: str
    release: str
    accepted_at: datetime
    event_at: datetime | None
    columns: Mapping[str, Any]
    prediction: Any
    label: Any = None


def is_folded(rows: sa.Connection, name: str) -> bool:
    """Return whether the rows of a segment are in the records."""
    return rows.execute(sa.select(segment.c.name).where(segment.c.name == name)).first() is not None


def keep(transaction: Transaction, name: str, found: Sequence[Scored]) -> None:
    """Write the rows of a segment, once; a correlation id that is known already keeps its first row."""
    kept = 0
    for one in found:
        if find(transaction.rows, one.stage, one.endpoint, one.correlation_id) is None:
            transaction.rows.execute(
                scored.insert().values(
                    stage=one.stage, endpoint=one.endpoint, correlation_id=one.correlation_id,
                    request_id=one.request_id, deployment=one.deployment, release=one.release,
                    accepted_at=to_micros(one.accepted_at),
                    event_at=None if one.event_at is None else to_micros(one.event_at),
                    columns=dict(one.columns), prediction=one.prediction,
                )
            )  # fmt: skip
            kept += 1
    transaction.rows.execute(segment.insert().values(name=name, folded_at=to_micros(transaction.now), rows=kept))


def find(rows: sa.Connection, stage: str, endpoint: str, correlation_id: str) -> Scored | None:
    """Return a scored row, or None."""
    query = _joined().where(
        scored.c.stage == stage, scored.c.endpoint == endpoint, scored.c.correlation_id == correlation_id
    )
    row = rows.execute(query).one_or_none()
    return None if row is None else _scored(row)


def of_request(rows: sa.Connection, request_id: str) -> Sequence[Scored]:
    """Return the rows of a request, whichever endpoint answered it."""
    query = _joined().where(scored.c.request_id == request_id).order_by(scored.c.correlation_id)
    return [_scored(row) for row in rows.execute(query)]


def forget_before(transaction: Transaction, instant: datetime) -> int:
    """Remove the rows that were scored before an instant, with their labels; return how many rows there were."""
    old = scored.c.accepted_at < to_micros(instant)
    theirs = sa.exists().where(
        old,
        scored.c.stage == label.c.stage,
        scored.c.endpoint == label.c.endpoint,
        scored.c.correlation_id == label.c.correlation_id,
    )
    transaction.rows.execute(label.delete().where(theirs))
    return transaction.rows.execute(scored.delete().where(old)).rowcount


def in_window(rows: sa.Connection, stage: str, endpoint: str, window: Window) -> Sequence[Scored]:
    """Return the rows of a window by event time, then by correlation id: the order in which they came says nothing."""
    query = _joined().where(
        scored.c.stage == stage,
        scored.c.endpoint == endpoint,
        scored.c.event_at >= to_micros(window.start),
        scored.c.event_at < to_micros(window.end),
    )
    found = rows.execute(query.order_by(scored.c.event_at, scored.c.correlation_id))
    return [_scored(row) for row in found]


def labelled_since(rows: sa.Connection, stage: str, endpoint: str, since: datetime, *, most: int) -> Sequence[Scored]:
    """Return the `most` rows whose labels came last, after `since`, by event time and correlation id."""
    query = (
        _joined()
        .where(*_labelled(stage, endpoint, since))
        .order_by(label.c.received_at.desc(), scored.c.correlation_id)
        .limit(most)
    )
    found = [_scored(row) for row in rows.execute(query)]
    return sorted(found, key=lambda one: (one.event_at or one.accepted_at, one.correlation_id))


def count_labelled_since(rows: sa.Connection, stage: str, endpoint: str, since: datetime) -> int:
    """Return how many rows were labelled after `since`."""
    query = sa.select(sa.func.count()).select_from(_joined().where(*_labelled(stage, endpoint, since)).subquery())
    return int(rows.execute(query).scalar_one())


def span(rows: sa.Connection, stage: str, endpoint: str) -> tuple[datetime, datetime] | None:
    """Return the oldest and the newest event time, or None when nothing was scored."""
    row = rows.execute(
        sa.select(sa.func.min(scored.c.event_at).label("first"), sa.func.max(scored.c.event_at).label("last")).where(
            scored.c.stage == stage, scored.c.endpoint == endpoint
        )
    ).one()
    return None if row.first is None else (of_micros(row.first), of_micros(row.last))


def put_label(
    transaction: Transaction, stage: str, endpoint: str, correlation_id: str, value: Any, labelled_at: datetime | None
) -> Outcome:
    """Write a label; the first one wins, and a later one that says otherwise is counted as a contradiction."""
    rows = transaction.rows
    if find(rows, stage, endpoint, correlation_id) is None:
        return "unknown"
    mine = sa.and_(label.c.stage == stage, label.c.endpoint == endpoint, label.c.correlation_id == correlation_id)
    known = rows.execute(sa.select(label.c.value).where(mine)).one_or_none()
    if known is None:
        rows.execute(
            label.insert().values(
                stage=stage,
                endpoint=endpoint,
                correlation_id=correlation_id,
                value=value,
                labelled_at=None if labelled_at is None else to_micros(labelled_at),
                received_at=to_micros(transaction.now),
                contradictions=0,
            )
        )
        return "accepted"
    if known.value == value:
        return "known"
    rows.execute(label.update().where(mine).values(contradictions=label.c.contradictions + 1))
    return "contradiction"


def state_watermark(transaction: Transaction, stage: str, endpoint: str, at: datetime, *, by: str) -> None:
    """Write that every event before `at` has been sent; it never goes back."""
    before = stated_watermark(transaction.rows, stage, endpoint)
    if before is not None and before >= at:
        return
    mine = sa.and_(watermark.c.stage == stage, watermark.c.endpoint == endpoint)
    values = {"stated_at": to_micros(at), "stated_by": by}
    changed = transaction.rows.execute(watermark.update().where(mine).values(values))
    if changed.rowcount == 0:
        transaction.rows.execute(watermark.insert().values(stage=stage, endpoint=endpoint, **values))


def stated_watermark(rows: sa.Connection, stage: str, endpoint: str) -> datetime | None:
    """Return the instant before which all events were said to have been sent, or None."""
    mine = sa.and_(watermark.c.stage == stage, watermark.c.endpoint == endpoint)
    found = rows.execute(sa.select(watermark.c.stated_at).where(mine)).scalar_one_or_none()
    return None if found is None else of_micros(found)


def _labelled(stage: str, endpoint: str, since: datetime) -> Sequence[sa.ColumnElement[bool]]:
    return (scored.c.stage == stage, scored.c.endpoint == endpoint, label.c.received_at > to_micros(since))


def _joined() -> sa.Select[Any]:
    same = sa.and_(
        label.c.stage == scored.c.stage,
        label.c.endpoint == scored.c.endpoint,
        label.c.correlation_id == scored.c.correlation_id,
    )
    return sa.select(scored, label.c.value.label("label")).outerjoin(label, same)


def _scored(row: sa.Row[Any]) -> Scored:
    fields = row._asdict()
    event_at = fields["event_at"]
    times = {
        "accepted_at": of_micros(fields["accepted_at"]),
        "event_at": None if event_at is None else of_micros(event_at),
    }
    return Scored(**{**fields, **times})
