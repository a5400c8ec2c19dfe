"""Tags of runs: set, changed, taken away."""

from collections.abc import Mapping

from bucle import errors
from bucle.store.records import Transaction
from bucle.store.tables.tracking import run_tag
from bucle.tracking.rows import writing


def set_all(transaction: Transaction, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags, new or changed."""
    if not tags:
        return
    statement = writing(transaction.rows, run_tag)
    transaction.rows.execute(
        statement.on_conflict_do_update(index_elements=["run_id", "key"], set_={"value": statement.excluded.value}),
        [{"run_id": run_id, "key": key, "value": value} for key, value in tags.items()],
    )


def delete(transaction: Transaction, run_id: str, key: str) -> None:
    """Take a tag away; NotFound when there is none."""
    gone = transaction.rows.execute(run_tag.delete().where(run_tag.c.run_id == run_id, run_tag.c.key == key))
    if gone.rowcount == 0:
        raise errors.NotFound("tracking.no_tag", what="run", id=run_id, key=key)
