"""Upgrades: stored databases of every earlier schema come up whole; a fault or a kill leaves the old records."""

import json
import lzma
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bucle import errors
from bucle.access import policy, tokens
from bucle.access.keys import read_or_make_keys
from bucle.config import Home
from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Binding, Principal
from bucle.server.life import make_home
from bucle.server.records import hold
from bucle.server.upgrade import Mark, go_back, plan, read_mark, upgrade
from bucle.store.events import chains, verify_chain
from bucle.store.migrate import migrate_within, script_folder
from bucle.store.records import Records
from bucle.store.relocating import relocate
from bucle.store.upgrading import copy_as_it_is, count
from tests.conftest import Installation
from tests.postgresql import cluster

STORED = Path(__file__).parent / "stored"
SCHEMAS = sorted(file.name.partition(".")[0] for file in STORED.glob("*.sql.xz"))
NEWEST = max(file.name[1:5] for file in Path(script_folder(), "versions").glob("m*.py"))
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def stored(schema: str, home: Home) -> Mapping[str, Any]:
    """Make a state folder of a stored database; return what the older bucle said of it."""
    make_home(home)
    with closing(sqlite3.connect(home.records)) as rows:
        rows.executescript(lzma.decompress((STORED / f"{schema}.sql.xz").read_bytes()).decode())
    read_or_make_keys(home.keys)
    told: dict[str, Any] = json.loads((STORED / f"{schema}.json").read_bytes())
    return told


def held(file: Path) -> dict[str, list[Any]]:
    """Return every row of a database by its table, as SQLite itself reads it; machinery's tables left out."""
    with closing(sqlite3.connect(file)) as rows:
        names = [name for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: rows.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()
            for name in names
            if name not in {"alembic_version", "lease"}
        }


def schema_of(file: Path) -> str:
    """Return the schema of a database."""
    with closing(sqlite3.connect(file)) as rows:
        return str(rows.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a state folder as a server of schema 0003 left it."""
    made = Home(root=tmp_path / "home")
    stored("0003", made)
    return made


@pytest.fixture
def records(home: Home) -> Iterator[Records]:
    """Give its records."""
    with closing(Records(f"sqlite:///{home.records}")) as made:
        yield made


def history(folder: Path, body: str) -> str:
    """Return a history with one more revision, of that body, after the newest."""
    shutil.copytree(script_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    words = f'"""One more."""\nfrom alembic import op\nrevision = "9999"\ndown_revision = "{NEWEST}"\n'
    (folder / "versions" / "m9999_one_more.py").write_text(words + body)
    return str(folder)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_earlier_schema_comes_up(schema: str, installation: Installation) -> None:
    """Every row is there, the server starts, rights are what the older bucle said they were, the chains hold."""
    home = Home(root=installation.home)
    told = stored(schema, home)
    before = held(home.records)
    assert {name: len(found) for name, found in before.items()}.items() <= told["rows"].items()
    with closing(hold(home, None)) as opened:
        assert (opened.upgraded is not None) == (schema != NEWEST)
        _same_rows(before, held(home.records))
        token = _auditor(home, opened.records)
    installation.up()
    with installation.client(token) as client:
        assert client.audit.verify()["intact"]
        for stage, matrix in told["matrices"].items():
            found = client.can.matrix(stage)
            assert {**found, "rows": [row for row in found["rows"] if row["principal"] != "looks-on"]} == matrix


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("def upgrade() -> None:\n    op.execute('DELETE FROM run_tag')\n", "run_tag is not as it was"),
        ("def upgrade() -> None:\n    op.execute(\"UPDATE job SET name = name || 'x'\")\n", "a row is not what it was"),
        ("def upgrade() -> None:\n    op.drop_table('secret')\n", "secret is not as it was .* are gone"),
        ("def upgrade() -> None:\n    op.drop_table('answer')\n    raise OSError('disk')\n", "OSError: disk"),
    ],
)
def test_a_fault_leaves_the_old_records(home: Home, records: Records, tmp_path: Path, body: str, why: str) -> None:
    """A revision that loses, changes or breaks something: every row is as it was before, and it says why."""
    before = held(home.records)
    with pytest.raises(errors.PlatformFault, match=f"from schema 0003 to 9999: .*{why}.*; they are as they were"):
        upgrade(home, records, NOW, history(tmp_path / "history", body))
    assert (held(home.records), schema_of(home.records), read_mark(home)) == (before, "0003", None)
    assert upgrade(home, records, NOW) is not None
    assert schema_of(home.records) == NEWEST


def test_a_revision_may_say_what_it_changes(home: Home, records: Records, tmp_path: Path) -> None:
    """A table that the revision names is not held against what it was; all others are."""
    body = "CHANGES = {'run_tag'}\ndef upgrade() -> None:\n    op.execute('DELETE FROM run_tag')\n"
    done = upgrade(home, records, NOW, history(tmp_path / "history", body))
    assert done is not None
    assert (done.found, done.known, held(home.records)["run_tag"]) == ("0003", "9999", [])
    assert held(Path(done.snapshot))["run_tag"] != []


SPOILS = """
import sqlalchemy as sa
def upgrade() -> None:
    def spoil(rows):
        rows.exec_driver_sql("PRAGMA writable_schema=ON")
        rows.exec_driver_sql("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'answer'")
    sa.event.listen(op.get_bind().engine, "commit", spoil)
"""


def test_damage_that_shows_after_the_commit(home: Home, records: Records, tmp_path: Path) -> None:
    """A file that is found damaged when it is opened again is replaced by the snapshot; the next upgrade succeeds."""
    before = held(home.records)
    with pytest.raises(errors.PlatformFault, match=r"damaged after the upgrade .* at schema 0003 again"):
        upgrade(home, records, NOW, history(tmp_path / "history", SPOILS))
    assert (held(home.records), schema_of(home.records), read_mark(home)) == (before, "0003", None)
    with closing(hold(home, None)) as opened:
        assert opened.upgraded is not None
    assert schema_of(home.records) == NEWEST


def test_killed_within_the_migration(home: Home, tmp_path: Path) -> None:
    """The records are the old ones, whole; the next upgrade begins again and removes what the killed one left."""
    before = held(home.records)
    body = "def upgrade() -> None:\n    op.drop_table('answer')\n    print('in', flush=True)\n    time.sleep(60)\n"
    _killed_when_in(home, history(tmp_path / "history", f"import time\n{body}"))
    assert (held(home.records), schema_of(home.records)) == (before, "0003")
    mark = read_mark(home)
    assert mark is not None
    assert mark.doing == "upgrade"
    with closing(hold(home, None)) as opened:
        assert opened.upgraded is not None
    assert [str(file) for file in home.upgrades.iterdir()] == [opened.upgraded.snapshot]
    _same_rows(before, held(home.records))


def test_back_to_the_older_bucle(installation: Installation) -> None:
    """By the command line: what would change, the change, and back to records that the older bucle goes on with."""
    home = Home(root=installation.home)
    stored("0005", home)
    before = held(home.records)
    planned: Any = installation.bucle("upgrade", "--plan").json()
    assert (planned["found"], planned["revisions"][0]["number"]) == ("0005", "0006")
    assert (held(home.records), home.upgrades.exists()) == (before, False)
    done: Any = installation.bucle("upgrade").json()
    assert (done["upgraded"], schema_of(home.records)) == (True, NEWEST)
    again: Any = installation.bucle("upgrade").json()
    assert again["upgraded"] is False
    back = installation.bucle("upgrade", "--back")
    assert (back.code, schema_of(home.records), held(home.records)) == (0, "0005", before), back.err


def test_a_killed_return_goes_on(home: Home, records: Records) -> None:
    """The mark of a return has the next start bring it to its end before anything reads the records."""
    done = upgrade(home, records, NOW)
    records.close()
    assert done is not None
    mark = Mark(doing="return", found="0003", snapshot=done.snapshot)
    home.upgrade_mark.write_text(json.dumps({"doing": mark.doing, "found": mark.found, "snapshot": mark.snapshot}))
    home.records.write_bytes(b"half of a database")
    with closing(hold(home, None)) as opened:
        assert opened.upgraded is not None
        assert opened.upgraded.found == "0003"
    assert read_mark(home) is None


def test_newer_records_are_refused(home: Home, records: Records) -> None:
    """Known records are planned; those of a newer bucle are refused with what to do, untouched."""
    assert plan(home, records.url, NOW).known == NEWEST
    with closing(sqlite3.connect(home.records)) as rows:
        rows.execute("UPDATE alembic_version SET version_num = '8888'")
        rows.commit()
    with pytest.raises(errors.Conflict, match="written by a newer bucle"):
        upgrade(home, records, NOW)
    with pytest.raises(errors.NotFound, match="holds no snapshot"):
        go_back(home)
    assert schema_of(home.records) == "8888"


def test_records_in_postgresql(home: Home, records: Records) -> None:
    """The snapshot of a database at an older schema is a file that the older bucle can use; the rows are the same."""
    history_here = script_folder()
    with closing(Records(cluster().database())) as server:
        copied = copy_as_it_is(records, server, "0003", history_here)
        done = upgrade(home, server, NOW)
        assert done is not None
        assert done.verified.rows == copied
        with server.read() as rows:
            assert count(rows) == copied
            assert all(verify_chain(rows, chain) is None for chain in chains(rows))
    assert schema_of(Path(done.snapshot)) == "0003"
    assert {name: len(rows) for name, rows in held(Path(done.snapshot)).items()} == {
        name: len(rows) for name, rows in held(home.records).items()
    }


def test_every_table_of_a_stored_database_has_rows(tmp_path: Path) -> None:
    """Each earlier schema has its database, each database every table of its schema, each table a row."""
    assert {f"{number:04}" for number in range(1, int(NEWEST))} <= set(SCHEMAS)
    for schema in SCHEMAS:
        told = json.loads((STORED / f"{schema}.json").read_bytes())["rows"]
        assert all(told.values()), schema
        with closing(Records(f"sqlite:///{tmp_path / schema}.db")) as made, made.engine.begin() as rows:
            migrate_within(rows, script_folder(), schema)
            names = rows.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
            assert set(names) == set(told), schema


def _killed_when_in(home: Home, scripts: str) -> None:
    words = (
        "import sys\nfrom datetime import UTC, datetime\nfrom pathlib import Path\nfrom bucle.config import Home\n"
        "from bucle.server.upgrade import upgrade\nfrom bucle.store.records import Records\n"
        "home = Home(root=Path(sys.argv[1]))\n"
        "upgrade(home, Records(f'sqlite:///{home.records}'), datetime.now(UTC), sys.argv[2])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", words, str(home.root), scripts], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"in\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()


def _auditor(home: Home, records: Records) -> str:
    """Return a token of somebody who may read rights and chains; and let the paths follow into this folder."""
    person = Principal(id="looks-on", name="looks-on", person_id="looks-on", kind="service")
    with records.write(NOW) as transaction:
        relocate(transaction.rows, "/srv/bucle", str(home.root))
        policy.add_principal(transaction, person)
        binding = Binding(id="looks-on", principal_id=person.id, role="Auditor", scope=parse_scope("/"))
        policy.add_binding(transaction, binding, made_by="test")
        keys = read_or_make_keys(home.keys)
        return tokens.mint(transaction, keys, person.id, purpose="api", lifetime=timedelta(days=300)).text


def _same_rows(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> None:
    """Compare the rows of before with theirs now; columns are only ever added behind."""
    for name, rows in before.items():
        assert [row[: len(rows[0])] for row in after[name]] == rows, name
