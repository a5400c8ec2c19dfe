"""Migrations: one Alembic history; a server brings older records to the newest schema and refuses newer ones."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from bucle import errors
from bucle.store import engines
from bucle.store.records import Records


def script_folder() -> str:
    """Return where the history lies."""
    return str(files("bucle.store") / "migrations")


def newest() -> str:
    """Return the revision that this bucle brings records to."""
    head = _scripts().get_current_head()
    assert head is not None, "the history is never empty"
    return head


def migrate(records: Records) -> str:
    """Bring the records to the newest schema in one transaction; return its revision.

    Raises Conflict when they were written by a newer bucle.
    """
    config, head = _config(), newest()
    known = {script.revision for script in _scripts().walk_revisions()}
    with engines.told_plainly(), records.engine.begin() as rows:
        found = current(rows)
        if found is not None and found not in known:
            raise errors.Conflict("store.newer_schema", where=engines.shown(records.url), found=found, known=head)
        if found != head:
            config.attributes["connection"] = rows
            command.upgrade(config, "head")
            if rows.dialect.name == "postgresql":
                _sort_as_bytes(rows)
    return head


def current(rows: sa.Connection) -> str | None:
    """Return the revision that the records are at, or None when they are empty."""
    if not sa.inspect(rows).has_table("alembic_version"):
        return None
    found: str | None = rows.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", script_folder().replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


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
