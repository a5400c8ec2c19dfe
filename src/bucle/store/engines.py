"""Engines of the records: how SQLite and PostgreSQL are opened so that both give the same promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from bucle import errors

WRITER_LOCK = 0x6275636C65
"""The advisory lock of the one writer, as a number of PostgreSQL: `bucle` in ASCII."""
OPTIONS = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
"""A server that is stopped within a transaction holds up the others for that long, then its transaction is gone."""
BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_BUSY_SNAPSHOT"})


def normal(url: str) -> str:
    """Return an address of records with its driver named; BadRequest when it is neither SQLite's nor PostgreSQL's."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    if url.startswith(("sqlite:///", "postgresql+psycopg://")):
        return url
    raise errors.BadRequest("store.not_an_address", url=url.partition("://")[0] + "://…")


def shown(url: str) -> str:
    """Return an address without its password."""
    return sa.make_url(url).render_as_string(hide_password=True)


def connect(url: str) -> tuple[sa.Engine, sa.Engine]:
    """Return the engine that writes, one transaction at a time, and the engine that reads snapshots."""
    return _sqlite(url) if url.startswith("sqlite") else _postgresql(url)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Tell a database that is away, busy or out of space as an error of ours; any other fault stays what it is."""
    try:
        yield
    except (OperationalError, InterfaceError) as fault:
        ours = _as_ours(fault)
        if ours is None:
            raise
        raise ours from fault


def _as_ours(fault: DBAPIError) -> errors.BucleError | None:
    why = str(fault.orig).strip().splitlines()[0] if str(fault.orig).strip() else type(fault.orig).__name__
    name = getattr(fault.orig, "sqlite_errorname", None)
    if name in BUSY or type(fault.orig).__name__ == "LockNotAvailable":
        return errors.Unavailable("store.busy")
    if name is None and not type(fault.orig).__module__.startswith("sqlite3"):
        return errors.Unavailable("store.unreachable", why=why)
    if name is not None and (name == "SQLITE_FULL" or name.startswith("SQLITE_IOERR")):
        return errors.Unavailable("store.failing", why=why)
    return None


def _sqlite(url: str) -> tuple[sa.Engine, sa.Engine]:
    writer = sa.create_engine(url, pool_size=1, max_overflow=0)
    reader = sa.create_engine(url, pool_size=8, max_overflow=24)
    for engine, begin in ((writer, "BEGIN IMMEDIATE"), (reader, "BEGIN")):
        sa.event.listen(engine, "connect", _prepare_sqlite)
        _begin_with(engine, begin)
    return writer, reader


def _postgresql(url: str) -> tuple[sa.Engine, sa.Engine]:
    settings: dict[str, Any] = {"pool_pre_ping": True, "connect_args": {"options": OPTIONS, "connect_timeout": 5}}
    try:
        writer = sa.create_engine(url, pool_size=1, max_overflow=1, **settings)
        reader = sa.create_engine(url, pool_size=8, max_overflow=24, isolation_level="REPEATABLE READ", **settings)
    except ModuleNotFoundError as fault:
        raise errors.BadRequest("store.no_driver") from fault
    _begin_with(writer, f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
    return writer, reader


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # None: the driver opens no transaction of its own, the listeners do (SQLAlchemy's pysqlite notes).
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_with(engine: sa.Engine, statement: str) -> None:
    def begin(rows: sa.Connection) -> None:
        rows.exec_driver_sql(statement)

    sa.event.listen(engine, "begin", begin)
