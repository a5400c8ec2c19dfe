"""Paths of a state folder follow it; what only looks like one of them, and what is digested, stays."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bucle.store.migrate import migrate
from bucle.store.records import Records
from bucle.store.relocating import outside, relocate
from bucle.store.tables.assets import datastore
from bucle.store.tables.release import packaging

OLD, NEW = "/srv/bucle", "/new place/$1"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/srv/bucle/datastores/dev/blob", "/new place/$1/datastores/dev/blob"),
        ("/srv/bucle", "/new place/$1"),
        ("/srv/bucle-2/datastores", "/srv/bucle-2/datastores"),
        ("/mnt/srv/bucle/datastores", "/mnt/srv/bucle/datastores"),
        ("/data/elsewhere", "/data/elsewhere"),
        ("train --in /srv/bucle/a --out='/srv/bucle/b'", "train --in /new place/$1/a --out='/new place/$1/b'"),
        ('tool \'{"model": "/srv/bucle/m"}\'', 'tool \'{"model": "/new place/$1/m"}\''),
    ],
)
def test_paths_follow_their_folder(tmp_path: Path, before: str, after: str) -> None:
    """A path of the folder moves, in a column of text and deep in a document; its neighbours do not."""
    with closing(Records(f"sqlite:///{tmp_path / 'records.db'}")) as records:
        migrate(records)
        _keep(records, before)
        with records.write(NOW) as transaction:
            assert relocate(transaction.rows, OLD, NEW) == (2 if before != after else 0)
        with records.read() as rows:
            assert rows.execute(sa.select(datastore.c.path)).scalar_one() == after
            ground = rows.execute(sa.select(packaging.c.ground)).scalar_one()
    assert ground == {"deep": [{"path": after, "size": 3}], "none": None}


def _keep(records: Records, path: str) -> None:
    ground: dict[str, Any] = {"deep": [{"path": path, "size": 3}], "none": None}
    with records.write(NOW) as transaction:
        transaction.rows.execute(
            datastore.insert().values(
                id="d", stage="dev", name="blob", type="folder", path=path, data_class="public", created_at=1
            )
        )
        transaction.rows.execute(
            packaging.insert().values(
                id="p", stage="dev", name="m", version="1", state="done", ground=ground, job="j", principal_id="x",
                principal_name="x", created_at=1,
            )
        )  # fmt: skip


def test_datastores_elsewhere_are_named(tmp_path: Path) -> None:
    """A datastore within the folder is a part of it; one that only begins like it lies outside."""
    with closing(Records(f"sqlite:///{tmp_path / 'records.db'}")) as records:
        migrate(records)
        for name in (f"{OLD}/datastores/a", f"{OLD}-2/b", "/data/c"):
            with records.write(NOW) as transaction:
                transaction.rows.execute(
                    datastore.insert().values(
                        id=name, stage="dev", name=name, type="folder", path=name, data_class="public", created_at=1
                    )
                )
        with records.read() as rows:
            assert list(outside(rows, OLD)) == ["/data/c", f"{OLD}-2/b"]
