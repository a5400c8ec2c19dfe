"""An upgrade of the records: snapshot, migrate, verify; on any fault they are as they were.

The migration is one transaction, verified before it commits, so a kill leaves the old records or the new ones. The
snapshot is for what a transaction cannot mend: a file found damaged after the commit, and people who go back to the
older bucle. A mark in the state folder tells the next start what was under way.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from bucle import errors
from bucle.config import Home
from bucle.store import engines
from bucle.store.instants import to_text
from bucle.store.migrate import Revision, Standing, script_folder, standing_of
from bucle.store.objects import write_file
from bucle.store.records import Records
from bucle.store.upgrading import Verified, copy_as_it_is, count, migrate_verified, sound

COPIED_BYTES_A_SECOND = 50e6
SEEN_ROWS_A_SECOND = 60e3
"""Of a slow disk, and of one slow processor, which reads every row before and after."""
DRAFT = ".partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an upgrade would do: from where to where, by which revisions; what it copies, where to, and how long."""

    found: str | None
    known: str
    revisions: Sequence[Revision]
    size: int
    rows: int
    snapshot: str
    about_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """An upgrade that was done: the schema before and now, where the snapshot lies, what was verified."""

    found: str
    known: str
    snapshot: str
    verified: Verified


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is under way: an upgrade, or the way back from one to the snapshot."""

    doing: Literal["upgrade", "return"]
    found: str
    snapshot: str


def plan(home: Home, url: str, now: datetime, history: str | None = None) -> Plan:
    """Return what the newest schema would change; the records are only read, so a server may be running on them."""
    with closing(Records(url)) as records, records.read() as rows:
        standing = standing_of(rows, history or script_folder())
        held = count(rows)
    size = _size(home, records)
    pending = standing.found is not None and standing.pending
    return Plan(
        found=standing.found,
        known=standing.known,
        revisions=standing.pending,
        size=size,
        rows=held,
        snapshot=str(_place(home, standing.found, now)) if pending else "",
        about_s=round(size / COPIED_BYTES_A_SECOND + 2 * held / SEEN_ROWS_A_SECOND, 1) if pending else 0.0,
    )


def finish_return(home: Home) -> None:
    """Bring a return to the snapshot to its end, where one was under way when its process was killed."""
    mark = read_mark(home)
    if mark is not None and mark.doing == "return":
        _put_back(home, mark)


def upgrade(home: Home, records: Records, now: datetime, history: str | None = None) -> Upgraded | None:
    """Bring the records of a home whose lock is held to the newest schema; None when there was nothing to do.

    PlatformFault says why it was not done: the records are as they were then. Conflict when they are newer.
    """
    scripts = history or script_folder()
    with records.read() as rows:
        standing = standing_of(rows, scripts)
    _drop_drafts(home, standing)
    if standing.found is None or not standing.pending:
        home.upgrade_mark.unlink(missing_ok=True)
        return None
    snapshot = _place(home, standing.found, now)
    mark = Mark(doing="upgrade", found=standing.found, snapshot=str(snapshot))
    try:
        home.upgrades.mkdir(exist_ok=True, mode=0o700)
        _refuse_without_room(home, records)
        _write_mark(home, mark)
        _take_snapshot(records, snapshot, standing.found, scripts)
        verified = migrate_verified(records, scripts)
    except (errors.PlatformFault, errors.Unavailable) as fault:
        raise _not_done(home, standing, fault.detail) from fault
    except Exception as fault:  # whatever a revision may raise: the transaction is rolled back
        raise _not_done(home, standing, f"{type(fault).__name__}: {fault}".splitlines()[0]) from fault
    _refuse_damage(home, records, mark, standing)
    home.upgrade_mark.unlink()
    return Upgraded(found=standing.found, known=standing.known, snapshot=str(snapshot), verified=verified)


def go_back(home: Home) -> Mark:
    """Put the records back as they were before the last upgrade, into the state folder's file; for an older bucle.

    What was written since is no longer there: the newer file is kept beside the snapshot. NotFound without a snapshot.
    """
    kept = sorted(home.upgrades.glob("records-*.db"), key=lambda file: file.stat().st_mtime_ns)
    kept = [file for file in kept if not file.stem.endswith("-left")]
    if not kept:
        raise errors.NotFound("upgrade.no_snapshot", home=home.root)
    mark = Mark(doing="return", found=_schema_of(kept[-1]), snapshot=str(kept[-1]))
    if home.records.exists():
        _copy_sqlite(home.records, kept[-1].with_name(f"{kept[-1].stem}-left.db"))
    _put_back(home, mark)
    return mark


def read_mark(home: Home) -> Mark | None:
    """Return what was under way, or None."""
    try:
        return Mark(**json.loads(home.upgrade_mark.read_bytes()))
    except FileNotFoundError:
        return None


def _not_done(home: Home, standing: Standing, why: str) -> errors.PlatformFault:
    home.upgrade_mark.unlink(missing_ok=True)
    return errors.PlatformFault("upgrade.not_done", found=standing.found, known=standing.known, why=why)


def _refuse_damage(home: Home, records: Records, mark: Mark, standing: Standing) -> None:
    """Look at the file as another process would; put the snapshot back when it is damaged."""
    if not records.url.startswith("sqlite"):
        return
    try:
        sound(records.url)
    except (errors.PlatformFault, errors.Unavailable, sa.exc.DatabaseError) as fault:
        records.close()
        _put_back(home, Mark(doing="return", found=mark.found, snapshot=mark.snapshot))
        raise errors.PlatformFault(
            "upgrade.returned", found=standing.found, why=str(fault).splitlines()[0], snapshot=mark.snapshot
        ) from fault


def _put_back(home: Home, mark: Mark) -> None:
    """Make the snapshot the records of the folder. Whatever kills this, the mark has it begun again."""
    home.upgrades.mkdir(exist_ok=True, mode=0o700)
    _write_mark(home, mark)
    draft = home.records.with_name(f".{home.records.name}{DRAFT}")
    shutil.copyfile(mark.snapshot, draft)
    _settle(draft)
    for side in ("-wal", "-shm"):
        home.records.with_name(home.records.name + side).unlink(missing_ok=True)
    draft.replace(home.records)
    home.records_address.unlink(missing_ok=True)
    _settle(home.root)
    home.upgrade_mark.unlink()


def _take_snapshot(records: Records, snapshot: Path, found: str, history: str) -> None:
    draft = snapshot.with_name(snapshot.name + DRAFT)
    if records.url.startswith("sqlite"):
        _copy_sqlite(Path(sa.make_url(records.url).database or ""), draft)
    else:
        with closing(Records(f"sqlite:///{draft}")) as target:
            copy_as_it_is(records, target, found, history)
        with closing(sqlite3.connect(draft)) as rows:  # one file, without a log beside it
            rows.execute("PRAGMA journal_mode=DELETE")
    if _schema_of(draft) != found:
        raise errors.PlatformFault("upgrade.differs", what="the snapshot", why=f"it is not at schema {found}")
    draft.chmod(0o600)
    _settle(draft)
    draft.replace(snapshot)
    _settle(snapshot.parent)


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database as one reader sees it, by SQLite's own online backup (https://sqlite.org/backup.html)."""
    try:
        with closing(sqlite3.connect(source)) as rows, closing(sqlite3.connect(target)) as copied:
            rows.backup(copied)
            copied.execute("PRAGMA journal_mode=DELETE")
        target.chmod(0o600)
    except sqlite3.Error as fault:
        raise errors.PlatformFault("upgrade.differs", what="the snapshot", why=str(fault)) from fault


def _schema_of(file: Path) -> str:
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as rows:
        found = rows.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0])


def _drop_drafts(home: Home, standing: Standing) -> None:
    """Remove what a killed upgrade left; its whole snapshot too when the records never left that schema."""
    mark = read_mark(home)
    if mark is not None and mark.found == standing.found:
        Path(mark.snapshot).unlink(missing_ok=True)
    for draft in home.upgrades.glob(f"*{DRAFT}*"):
        draft.unlink()


def _refuse_without_room(home: Home, records: Records) -> None:
    size, free = _size(home, records), shutil.disk_usage(home.upgrades).free
    if free < 2 * size:  # the snapshot, and what the transaction writes beside the records
        raise errors.PlatformFault("upgrade.no_room", needed=2 * size, free=free, where=home.upgrades)


def _size(home: Home, records: Records) -> int:
    """Return the bytes of the records."""
    if records.url.startswith("sqlite"):
        beside = (home.records, home.records.with_name(f"{home.records.name}-wal"))
        return sum(file.stat().st_size for file in beside if file.exists())
    with engines.told_plainly(), records.read() as rows:
        return int(rows.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def _place(home: Home, found: str | None, now: datetime) -> Path:
    return home.upgrades / f"records-{found}-{to_text(now).replace(':', '')}.db"


def _write_mark(home: Home, mark: Mark) -> None:
    write_file(home.upgrade_mark, json.dumps(asdict(mark)).encode())


def _settle(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
