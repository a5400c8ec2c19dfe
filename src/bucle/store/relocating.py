"""Paths in the records that follow the state folder when it is restored elsewhere; digested documents keep theirs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from bucle.store.tables.assets import datastore
from bucle.store.tables.execution import step
from bucle.store.tables.release import packaging

PLACES: Sequence[sa.Column[Any]] = (datastore.c.path, step.c.plan, step.c.outputs, packaging.c.ground)
"""Where files are looked for. What else tells of a path (events, documents of jobs) is history under a digest."""


def relocate(rows: sa.Connection, old: str, new: str) -> int:
    """Give every path that lay in the folder `old` its place in `new`; return how many rows changed."""
    within = re.compile(rf"(?<![\w./-]){re.escape(old)}(?=[/\s\"']|$)")
    changed = 0
    for column in PLACES:
        keys = tuple(column.table.primary_key.columns)
        for row in rows.execute(sa.select(*keys, column)).all():
            moved = _moved(row[-1], within, new)
            if moved != row[-1]:
                which = [key == value for key, value in zip(keys, row, strict=False)]
                rows.execute(column.table.update().where(*which).values({column.name: moved}))
                changed += 1
    return changed


def outside(rows: sa.Connection, home: str) -> Iterator[str]:
    """Yield the folders of datastores that lie outside the state folder `home`."""
    for path in rows.execute(sa.select(datastore.c.path).order_by(datastore.c.path)).scalars():
        if not path.startswith(f"{home}/"):
            yield path


def _moved(value: Any, within: re.Pattern[str], new: str) -> Any:
    if isinstance(value, str):
        return within.sub(lambda _: new, value)
    if isinstance(value, Mapping):
        return {name: _moved(one, within, new) for name, one in value.items()}
    if isinstance(value, list):
        return [_moved(one, within, new) for one in value]
    return value
