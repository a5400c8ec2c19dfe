"""Metrics of runs: every value once, and the last one of each key apart, for search."""

from collections.abc import Sequence

import sqlalchemy as sa

from bucle.store.records import Transaction
from bucle.store.tables.tracking import latest_metric, metric
from bucle.tracking.rows import writing
from bucle.tracking.rules import Metric


def log(transaction: Transaction, run_id: str, given: Sequence[Metric]) -> None:
    """Write measurements; one that is there already, to its value, is not written twice."""
    if not given:
        return
    rows = transaction.rows
    statement = writing(rows, metric)
    rows.execute(statement.on_conflict_do_nothing(), [_row(run_id, one) for one in given])
    last: dict[str, Metric] = {}
    for one in given:
        if one.key not in last or _place(one) >= _place(last[one.key]):
            last[one.key] = one
    statement = writing(rows, latest_metric)
    new, old = statement.excluded, latest_metric.c
    names = ("step", "logged_at", "value")
    later = sa.tuple_(*(new[name] for name in names)) >= sa.tuple_(*(old[name] for name in names))
    rows.execute(
        statement.on_conflict_do_update(
            index_elements=["run_id", "key"], set_={name: new[name] for name in (*names, "is_nan")}, where=later
        ),
        [_row(run_id, one) for one in last.values()],
    )


def history(rows: sa.Connection, run_id: str, key: str, *, limit: int, offset: int) -> Sequence[Metric]:
    """Return the values of a key by time, then step, then value."""
    query = (
        sa.select(metric)
        .where(metric.c.run_id == run_id, metric.c.key == key)
        .order_by(metric.c.logged_at, metric.c.step, metric.c.value)
        .limit(limit)
        .offset(offset)
    )
    return [
        Metric(key=row.key, value=row.value, is_nan=row.is_nan, step=row.step, logged_at=row.logged_at)
        for row in rows.execute(query)
    ]


def _row(run_id: str, one: Metric) -> dict[str, object]:
    return {
        "run_id": run_id,
        "key": one.key,
        "value": one.value,
        "is_nan": one.is_nan,
        "step": one.step,
        "logged_at": one.logged_at,
    }


def _place(one: Metric) -> tuple[int, int, float]:
    return one.step, one.logged_at, one.value
