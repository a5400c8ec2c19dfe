"""What a list shows by SQL is what each row's own check allows: on random platforms, callers, actions and rows."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from bucle.core.access import Allow, Decision, decide
from bucle.core.classes import ORDER
from bucle.core.scopes import stage_scope
from bucle.core.snapshot import Snapshot
from bucle.core.view import visible
from bucle.store.visibility import Columns, condition
from tests.core.test_random_platforms import NOW, STAGES, Asked, asked, world

METADATA = sa.MetaData()
ROWS = sa.Table("row", METADATA, *(sa.Column(name, sa.Text) for name in ("stage", "kind", "name", "data_class")))
EVERY = [
    {"stage": stage, "kind": kind, "name": name, "data_class": data_class}
    for stage in (*STAGES, "unknown")
    for kind in ("models", "datasets")
    for name in "abc"
    for data_class in (None, *ORDER)
]


@pytest.fixture(scope="module")
def rows() -> sa.Connection:
    """Give a list with rows in every stage, and in one that is not there, of every class."""
    connection = sa.create_engine("sqlite://").connect()
    METADATA.create_all(connection)
    connection.execute(ROWS.insert(), EVERY)
    return connection


@pytest.mark.parametrize("seed", range(100, 130))
def test_sql_shows_what_each_check_allows(rows: sa.Connection, seed: int) -> None:
    """Rows, their count, a facet and the pages of one list: all of them equal the filter of the per-row check."""
    random = Random(seed)
    snapshot = world(random)
    for _ in range(10):
        one = asked(random, snapshot)
        view = visible(snapshot, one.caller, one.action, now=NOW)
        for kind in ("models", "datasets"):
            columns = Columns(stage=ROWS.c.stage, kind=kind, name=ROWS.c.name, data_class=ROWS.c.data_class)
            shown = sa.and_(ROWS.c.kind == kind, condition(view, columns))
            found = [dict(row) for row in rows.execute(sa.select(ROWS).where(shown)).mappings()]
            allowed = [row for row in EVERY if row["kind"] == kind and isinstance(_decide(snapshot, one, row), Allow)]
            assert found == allowed
            counted = rows.execute(sa.select(ROWS.c.stage, sa.func.count()).where(shown).group_by(ROWS.c.stage))
            assert {row[0]: row[1] for row in counted} == {
                stage: sum(row["stage"] == stage for row in allowed) for stage in {row["stage"] for row in allowed}
            }


def test_the_rows_are_worth_asking(rows: sa.Connection) -> None:
    """Over the seeds some lists are empty, some whole, and many hold a part of what is there."""
    sizes = set()
    for seed in range(100, 130):
        random = Random(seed)
        snapshot = world(random)
        for _ in range(10):
            one = asked(random, snapshot)
            view = visible(snapshot, one.caller, one.action, now=NOW)
            columns = Columns(stage=ROWS.c.stage, kind="models", name=ROWS.c.name, data_class=ROWS.c.data_class)
            sizes.add(rows.execute(sa.select(sa.func.count()).where(condition(view, columns))).scalar_one())
    assert 0 in sizes
    assert len(sizes) > 8


def _decide(snapshot: Snapshot, one: Asked, row: Mapping[str, Any]) -> Decision:
    scope = stage_scope(row["stage"], row["kind"], row["name"])
    return decide(snapshot, one.caller, one.action, scope, now=NOW, data_class=row["data_class"])
