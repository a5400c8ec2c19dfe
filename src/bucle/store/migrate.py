"""Migrations: one Alembic history; a server brings older records to the newest schema and refuses newer ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from bucle import errors
from bucle.store import engines
from bucle.store.records import Records

HEAD = "head"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One step of the history: its number, what it brings in a sentence, the tables whose old rows it changes.

    A revision's module names them as `CHANGES`; of all others every row must be the same before and after.
    """

    number: str
    says: str
    changes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where records stand in the history: the revision they are at (None: empty), the newest, what lies between."""

    found: str | None
    known: str
    pending: Sequence[Revision]


def script_folder() -> str:
    """Return where the history lies."""
    return str(files("bucle.store") / "migrations")


def newest() -> str:
    """Return the revision that this bucle brings records to."""
    head = ScriptDirectory.from_config(_config(script_folder())).get_current_head()
    assert head is not None, "the history is never empty"
    return head


def migrate(records: Records) -> str:
    """Bring the records to the newest schema in one transaction; return its revision.

    Raises Conflict when they were written by a newer bucle.
    """
    with engines.told_plainly(), records.engine.begin() as rows:
        return migrate_within(rows, script_folder())


def migrate_within(rows: sa.Connection, history: str, to: str = HEAD) -> str:
    """Do the same within a transaction, by the history in a folder, up to a revision of it."""
    standing = standing_of(rows, history)
    if standing.pending:
        config = _config(history)
        config.attributes["connection"] = rows
        command.upgrade(config, to)
        if rows.dialect.name == "postgresql":
            _sort_as_bytes(rows)
    return standing.known


def standing_of(rows: sa.Connection, history: str) -> Standing:
    """Return where records stand; Conflict when they were written by a newer bucle."""
    scripts = ScriptDirectory.from_config(_config(history))
    oldest_first = [*scripts.walk_revisions()][::-1]
    assert oldest_first, "the history is never empty"
    numbers = [script.revision for script in oldest_first]
    found = current(rows)
    if found is not None and found not in numbers:
        where = engines.shown(str(rows.engine.url))
        raise errors.Conflict("store.newer_schema", where=where, found=found, known=numbers[-1])
    done = 0 if found is None else numbers.index(found) + 1
    pending = [
        Revision(
            number=script.revision,
            says=script.doc.strip(),
            changes=frozenset(getattr(script.module, "CHANGES", ())),
        )
        for script in oldest_first[done:]
    ]
    return Standing(found=found, known=numbers[-1], pending=pending)


def current(rows: sa.Connection) -> str | None:
    """Return the revision that the records are at, or None when they are empty."""
    if not sa.inspect(rows).has_table("alembic_version"):
        return None
    found: str | None = rows.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def _config(history: str) -> Config:
    config = Config()
    config.set_main_option("script_location", history.replace("%", "%%"))
    return config


def _sort_as_bytes(rows: sa.Connection) -> None:
    """Give every text column the collation "C": names sort, and pages go on, as on SQLite, whatever the database's."""
    columns = rows.exec_driver_sql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND data_type = 'text' AND collation_name IS NULL ORDER BY table_name, ordinal_position"
    )
    by_table: dict[str, list[str]] = {}
    for table, column in columns:
        by_table.setdefault(table, []).append(f'ALTER COLUMN "{column}" TYPE text COLLATE "C"')
    for table, changes in by_table.items():
        rows.exec_driver_sql(f'ALTER TABLE "{table}" {", ".join(changes)}')
