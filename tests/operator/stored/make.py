"""Made the stored databases beside it: one a schema, each from a state folder that the bucle of that schema worked on.

Check the older bucle out, have its demo work in a folder, stop it, then run this with that bucle:
`PYTHONPATH=OLDER/src python tests/operator/stored/make.py FOLDER/.bucle OUT`. It writes `OUT/SCHEMA.sql.xz`, and
`OUT/SCHEMA.json`: how many rows each table has, and who might do what, as the older bucle said it.
"""

import json
import lzma
import re
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bucle.access.policy import read_snapshot
from bucle.access.stages import list_stages
from bucle.ops.can import matrix_of
from bucle.spec.digest import digest_of
from bucle.store.records import Records

AT = 1_767_225_600_000_000
MOST = {"answer": 12, "edge": 40, "label": 20, "scored": 20, "run_tag": 60}
"""Rows that are kept of tables to which no other refers."""
RUN, EXPERIMENT = "(SELECT min(id) FROM run)", "(SELECT min(id) FROM experiment)"
PRINCIPALS = "(SELECT min(id) FROM principal), (SELECT max(id) FROM principal)"
MORE = {
    "artifact": f"{RUN}, 'model/weights.bin', 'sha256:{'a' * 64}', 120, {AT}",
    "compute": "'two-slots', 'local', 2, NULL",
    "experiment_tag": f"{EXPERIMENT}, 'team', 'fuel'",
    "schedule": "'schedule-1', 'dev', 'nightly', '{\"name\": \"nightly\"}', '{}', 0, (SELECT min(id) FROM principal),"
    f" 'ml-engineer', {AT}, {AT}, NULL",
    "fire": f"'schedule-1', {AT}, {AT}, NULL, NULL, 'a job of it was running'",
    "logged_model": f"'m-1', {EXPERIMENT}, 'dev', NULL, 'by hand', 'sklearn', {RUN}, 'READY', 'internal',"
    f" 'dev/models/m-1', '{{}}', '{{}}', {AT}, {AT}, NULL",
    "latest_metric": f"{RUN}, 'mae', 1.5, 0, 3, {AT}",
    "metric": f"{RUN}, 'mae', {AT}, 3, 1.5, 0",
    "model_metric": f"'m-1', {RUN}, 'mae', {AT}, 3, 1.5, 0, NULL, NULL",
    "run_model": f"{RUN}, 'output', 'm-1', 0",
    "lease": f"'server', 'host:/srv/bucle', 4, {AT}",
    "secret": f"'prod', 'warehouse', 1, NULL, NULL, NULL, 'platform-admin', {AT}",
    "membership": f"{PRINCIPALS}, 'access-admin', {AT}",
}
"""Rows, in plain SQL, of the tables that the demo leaves empty."""


def main(home: Path, out: Path) -> None:
    """Store the database of a state folder."""
    with closing(sqlite3.connect(":memory:")) as rows:
        with closing(sqlite3.connect(home / "records.db")) as source:
            source.backup(rows)
        fill(rows)
        text = placed("\n".join(rows.iterdump()), home)
    with closing(sqlite3.connect(out / "draft.db")) as rows:
        rows.executescript(text)
        chain_again(rows)
        rows.commit()
        (schema,) = rows.execute("SELECT version_num FROM alembic_version").fetchone()
        (out / f"{schema}.sql.xz").write_bytes(lzma.compress("\n".join(rows.iterdump()).encode(), preset=9))
        counts = {name: rows.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables(rows)}
    told = {"rows": counts, "matrices": matrices(out / "draft.db")}
    (out / f"{schema}.json").write_text(json.dumps(told, indent=1) + "\n")
    for file in out.glob("draft.db*"):
        file.unlink()


def fill(rows: sqlite3.Connection) -> None:
    """Keep few rows of the long tables, add one to each that is empty."""
    for name, most in MOST.items():
        rows.execute(f'DELETE FROM "{name}" WHERE rowid NOT IN (SELECT rowid FROM "{name}" LIMIT {most})')
    for name, values in MORE.items():
        if name in tables(rows) and rows.execute(f'SELECT count(*) FROM "{name}"').fetchone() == (0,):
            rows.execute(f'INSERT INTO "{name}" VALUES ({values})')
    empty = [name for name in tables(rows) if not rows.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]]
    assert not empty, empty


def placed(text: str, home: Path) -> str:
    """Have the records tell of places that are nobody's."""
    text = text.replace(str(home), "/srv/bucle").replace(str(home.parent), "/srv/project")
    text = re.sub(r"[\w./-]+(?=/bucle/runtime/)", "/opt", text)
    return re.sub(rf"{re.escape(sys.prefix)}(?=[/\"'])", "/opt/bucle", text)


def chain_again(rows: sqlite3.Connection) -> None:
    """Chain the events again: some told of places."""
    rows.row_factory = sqlite3.Row
    previous: dict[str, str] = {}
    for found in rows.execute("SELECT rowid, * FROM event ORDER BY chain, seq").fetchall():
        line: dict[str, Any] = {name: found[name] for name in found.keys() if name not in {"rowid", "digest"}}  # noqa: SIM118
        line |= {name: json.loads(line[name]) for name in ("before", "after") if line[name] is not None}
        line["previous"] = previous.get(line["chain"], "sha256:" + "0" * 64)
        previous[line["chain"]] = digest_of(line)
        moved = (line["previous"], previous[line["chain"]], found["rowid"])
        rows.execute("UPDATE event SET previous = ?, digest = ? WHERE rowid = ?", moved)
    rows.executemany("UPDATE chain_head SET digest = ? WHERE chain = ?", [(d, c) for c, d in previous.items()])
    rows.row_factory = None


def tables(rows: sqlite3.Connection) -> list[str]:
    """Return the names of the tables."""
    found = rows.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in found if not name.startswith("sqlite_")]


def matrices(file: Path) -> dict[str, Any]:
    """Return who might do what in each stage, as this bucle says."""
    with closing(Records(f"sqlite:///{file}")) as records, records.read() as rows:
        snapshot, now = read_snapshot(rows), datetime(2026, 12, 1, tzinfo=UTC)
        return {stage.name: matrix_of(snapshot, stage.name, now) for stage in list_stages(rows)}


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
