"""Parameters of runs: written once, never changed."""

from collections.abc import Mapping

import sqlalchemy as sa

from bucle import errors
from bucle.store.records import Transaction
from bucle.store.tables.tracking import parameter


def log(transaction: Transaction, run_id: str, given: Mapping[str, str]) -> None:
    """Write parameters; the same value again changes nothing, another value is BadRequest."""
    rows = transaction.rows
    query = sa.select(parameter.c.key, parameter.c.value)
    there = rows.execute(query.where(parameter.c.run_id == run_id, parameter.c.key.in_(given))).all()
    known = {row.key: row.value for row in there}
    for key, before in known.items():
        if before != given[key]:
            raise errors.BadRequest(
                "tracking.parameter_changed", key=key, run=run_id, before=before[:200], after=given[key][:200]
            )
    fresh = [{"run_id": run_id, "key": key, "value": value} for key, value in given.items() if key not in known]
    if fresh:
        rows.execute(parameter.insert(), fresh)
