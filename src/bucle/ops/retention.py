"""Retention: what the platform's file keeps for a time only is removed when that is over; records of runs stay."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from bucle.access.settings import read_settings
from bucle.core.windows import read_duration
from bucle.execution import attempts
from bucle.monitoring import traffic
from bucle.ops.world import World
from bucle.serving import segments
from bucle.store.events import PLATFORM, Event
from bucle.store.references import folders_named

LOG = "out.log"


def apply(world: World) -> dict[str, int]:
    """Remove what is older than it is to be kept; return how much went. An event tells of it where something did."""
    now = world.clock()
    with world.read() as rows:
        said = read_settings(rows)
        if (said.retention_attempts, said.retention_logs, said.retention_scored_rows) == (None, None, None):
            return dict.fromkeys(("attempts", "logs", "scored_rows", "segments"), 0)
        folders = _ended(world, attempts.ended_before(rows, _before(said.retention_attempts, now)))
        named = frozenset(one.path for one in folders_named(rows))
        logs = _ended(world, attempts.ended_before(rows, _before(said.retention_logs, now)))
    gone = {
        "attempts": sum(_emptied(folder, named) for folder in folders),
        "logs": sum(_without_log(folder) for folder in logs),
    }
    until = _before(said.retention_scored_rows, now)
    with world.records.write(now) as transaction:
        gone["scored_rows"] = traffic.forget_before(transaction, until)
        gone["segments"] = _without_segments(world, transaction.rows, until)
        if any(gone.values()):
            transaction.record(
                Event(
                    chain=PLATFORM,
                    who="platform",
                    via="clock",
                    what="retention/applied",
                    subject=said.name,
                    after=gone,
                )
            )
    return gone


def _before(span: str | None, now: datetime) -> datetime:
    """Return the instant before which things go; the beginning of time where they are kept for ever."""
    return datetime.min.replace(tzinfo=now.tzinfo) if span is None else read_duration(span).before(now)


def _without_segments(world: World, rows: sa.Connection, until: datetime) -> int:
    """Remove what the gateway collected before an instant, whose rows were in the records; return how many files."""
    folder, old = world.home.gateway / "segments", until.timestamp()
    found = [path for path in segments.sealed(folder) if traffic.is_folded(rows, path.name)]
    found = [path for path in (*found, *segments.sealed(folder, replayed=True)) if path.stat().st_mtime < old]
    for path in found:
        path.unlink()
    return len(found)


def _ended(world: World, known: frozenset[str]) -> Iterator[Path]:
    return (folder for folder in sorted(world.home.attempts.glob("*")) if folder.name in known)


def _emptied(folder: Path, named: frozenset[str]) -> bool:
    """Remove all of an attempt but its log and the outputs that a record names; return whether there was anything."""
    work = folder / "work"
    kept = {folder / LOG, *(path for path in (work / "outputs",) if str(path) in named)}
    above = {path.parent for path in kept}
    found = [path for place in above for path in place.iterdir() if path not in kept | above]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
    return bool(found)


def _without_log(folder: Path) -> bool:
    log = folder / LOG
    if not log.is_file():
        return False
    log.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
    return True
