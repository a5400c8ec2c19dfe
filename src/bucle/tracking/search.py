"""Search over runs: the filter and the order as SQL, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bucle.store.tables.tracking import dataset_input, latest_metric, parameter, run, run_tag
from bucle.tracking.comparing import compare
from bucle.tracking.experiments import View
from bucle.tracking.grammar import RUNS, Clause, Order, parse_filter, parse_order
from bucle.tracking.rows import MOST_VALUES
from bucle.tracking.runs import Run, of_row

_ATTRIBUTES: Mapping[str, Any] = {
    "run_id": run.c.id,
    "run_name": run.c.name,
    "user_id": run.c.user_id,
    "status": run.c.status,
    "start_time": run.c.started_at,
    "end_time": run.c.ended_at,
    "artifact_uri": sa.literal("mlflow-artifacts:/") + run.c.artifact_root,
}
_KEYED: Mapping[str, sa.Table] = {"metric": latest_metric, "parameter": parameter, "tag": run_tag}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for: in which experiments, by which filter and order; `job`: only runs of this job."""

    experiments: Sequence[int]
    filter: str | None = None
    order_by: Sequence[str] = ()
    view: View = "ACTIVE_ONLY"
    job: str | None = None
    limit: int = 1000
    offset: int = 0


def search(rows: sa.Connection, stage: str, asked: Search) -> Sequence[Run]:
    """Return the runs that pass, in the order asked for, then newest first, then by id."""
    query = sa.select(run).where(run.c.stage == stage, run.c.experiment_id.in_(asked.experiments[:MOST_VALUES]))
    if asked.view != "ALL":
        query = query.where(run.c.lifecycle == ("active" if asked.view == "ACTIVE_ONLY" else "deleted"))
    if asked.job is not None:
        query = query.where(run.c.job == asked.job)
    for clause in parse_filter(asked.filter, RUNS):
        query = query.where(_condition(rows, clause))
    for order in parse_order(asked.order_by, RUNS):
        query = _ordered(query, order)
    query = query.order_by(run.c.started_at.desc(), run.c.id)
    return [of_row(row) for row in rows.execute(query.limit(asked.limit).offset(asked.offset))]


def _condition(rows: sa.Connection, clause: Clause) -> sa.ColumnElement[bool]:
    if clause.entity == "attribute":
        value = clause.value * 1000 if isinstance(clause.value, float) else clause.value
        return compare(rows, _ATTRIBUTES[clause.key], clause.operator, value)
    if clause.entity == "dataset":
        query = sa.select(dataset_input.c.run_id).where(dataset_input.c.run_id == run.c.id)
        return query.where(compare(rows, dataset_input.c[clause.key], clause.operator, clause.value)).exists()
    table = _KEYED[clause.entity]
    keyed = sa.select(table.c.run_id).where(table.c.run_id == run.c.id, table.c.key == clause.key)
    if clause.value is None:
        return keyed.exists() if clause.operator == "IS NOT NULL" else ~keyed.exists()
    holds = compare(rows, table.c.value, clause.operator, clause.value)
    if clause.entity == "metric":  # NaN is unequal to every number, and nothing else of it is true
        holds = sa.or_(holds, table.c.is_nan) if clause.operator == "!=" else sa.and_(holds, ~table.c.is_nan)
    return keyed.where(holds).exists()


def _ordered(query: sa.Select[Any], order: Order) -> sa.Select[Any]:
    """Add one key of the order; runs without a value come last, NaN just before them."""
    if order.entity == "attribute":
        column = _ATTRIBUTES[order.key]
    else:
        table = _KEYED[order.entity].alias()
        query = query.outerjoin(table, sa.and_(table.c.run_id == run.c.id, table.c.key == order.key))
        column = table.c.value
        if order.entity == "metric":
            query = query.order_by(sa.case((table.c.is_nan, 1), (column.is_(None), 2), else_=0))
    return query.order_by(column.is_(None), column.asc() if order.ascending else column.desc())
