"""Migrations: one Alembic history; a server brings older records to the newest schema and refuses newer ones."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from bucle import errors
from bucle.store.records import Records


def script_folder() -> str:
    """Return where the history lies."""
    return str(files("bucle.store") / "migrations")


def migrate(records: Records) -> str:
    """Bring the records to the newest schema in one transaction; return its revision.

    Raises Conflict when they were written by a newer bucle.
    """
    config = Config()
    config.set_main_option("script_location", script_folder().replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    assert head is not None, "the history is never empty"
    known = {script.revision for script in scripts.walk_revisions()}
    with records.engine.begin() as rows:
        found = current(rows)
        if found is not None and found not in known:
            raise errors.Conflict("store.newer_schema", where=records.url, found=found, known=head)
        if found != head:
            config.attributes["connection"] = rows
            command.upgrade(config, "head")
    return head


def current(rows: sa.Connection) -> str | None:
    """Return the revision that the records are at, or None when they are empty."""
    if not sa.inspect(rows).has_table("alembic_version"):
        return None
    found: str | None = rows.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found
