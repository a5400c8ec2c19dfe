"""Garbage of a state folder: bytes that no row names and that have not been asked for within the grace time.

It may be collected beside a running server. Bytes reach their place before the row that names them, and whoever is
told that they are there makes them young again: the grace time covers both. A row cannot be committed while things are
removed, for the collection holds the writer's place, a few at a time; and what became young in that instant is put
back.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import list_stages
from bucle.config import Home
from bucle.core.manifest import read_manifest
from bucle.server.disk import size_of
from bucle.store import engines
from bucle.store.migrate import current, script_folder, standing_of
from bucle.store.objects import hex_of
from bucle.store.records import Records
from bucle.store.references import digests_said, models_served, stages_of_attempts

Kind = Literal["objects", "environments", "models", "data", "attempts", "drafts"]
BATCH = 200
GONE = ".gone-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something in a state folder that may be named: its kind, and the workspace, stage or tier that it lies under."""

    path: Path
    kind: Kind
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """An entry that no row names: of which workspace it is ("": of all), its bytes."""

    entry: Entry
    workspace: str
    size: int

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.entry.path

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.entry.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What rows name: digests in hexadecimal, those within named manifests too; models by stage; attempts."""

    digests: frozenset[str]
    models: frozenset[tuple[str, str]]
    attempts: frozenset[str]

    def holds(self, entry: Entry) -> bool:
        """Return whether a row names an entry."""
        match entry.kind:
            case "objects" | "data":
                return entry.path.name in self.digests
            case "environments":
                return entry.path.name in {digest[: len(entry.path.name)] for digest in self.digests}
            case "models":
                return (entry.place, entry.path.name) in self.models
            case "attempts":
                return entry.path.name in self.attempts
            case "drafts":
                return False


def find(home: Home, url: str, now: datetime, grace: timedelta) -> Sequence[Garbage]:
    """Return what may be collected; nothing is touched."""
    before = _nanoseconds(now - grace)
    with closing(Records(url)) as records, records.read() as rows:
        _refuse_other_schema(rows)
        named = named_in(rows, home)
        workspaces = {stage.name: stage.workspace for stage in list_stages(rows)}
    seen: set[tuple[int, int]] = set()
    return [
        Garbage(
            entry=entry,
            workspace=workspaces.get(entry.place, entry.place),
            size=size_of(entry.path, seen),
        )
        for entry in entries_of(home)
        if _older(entry.path, before) and not named.holds(entry)
    ]


def collect(home: Home, url: str, now: datetime, grace: timedelta) -> Sequence[Garbage]:
    """Remove what no row names and what is older than `grace`; return what was removed."""
    before, removed = _nanoseconds(now - grace), []
    found = find(home, url, now, grace)
    with closing(Records(url)) as records:
        for start in range(0, len(found), BATCH):
            with engines.told_plainly(), records.engine.begin() as rows:  # nobody commits a row meanwhile
                named = named_in(rows, home)
                batch = found[start : start + BATCH]
                removed += [one for one in batch if not named.holds(one.entry) and _removed(one.path, before)]
    return removed


def named_in(rows: sa.Connection, home: Home) -> Named:
    """Return what the records name."""
    said = digests_said(rows)
    within = {digest for place in home.objects.glob("*/*/*") if place.name in said for digest in _listed(place)}
    return Named(
        digests=said | within,
        models=frozenset((one.stage, hex_of(one.digest)) for one in models_served(rows)),
        attempts=frozenset(stages_of_attempts(rows)),
    )


def entries_of(home: Home) -> Iterator[Entry]:
    """Yield everything in a state folder that something may name, and drafts, which nothing does."""
    shapes: Mapping[str, Kind] = {
        "objects/*/*/*": "objects",
        "environments/*/*": "environments",
        "models/*/*": "models",
        "datastores/*/*/uploads/*": "data",
        "datastores/*/*/arrived/*": "data",
    }
    for shape, kind in shapes.items():
        for path in home.root.glob(shape):
            place = path.relative_to(home.root).parts[1]
            if path.name != "cache" and not path.is_symlink():
                yield Entry(path=path, kind="drafts" if path.name.startswith(".") else kind, place=place)
    for path in (*home.objects.glob(".arriving-*"), *home.objects.glob("*/.*")):
        yield Entry(path=path, kind="drafts", place="" if path.parent == home.objects else path.parent.name)
    for path in home.attempts.glob("*"):
        yield Entry(path=path, kind="attempts", place="")


def _removed(path: Path, before: int) -> bool:
    gone = path.with_name(f"{GONE}{path.name.lstrip('.')}")
    try:
        path.rename(gone)
    except OSError:  # it went by itself
        return False
    if not _older(gone, before):  # asked for in this instant: whoever asked was told that it is there
        gone.replace(path)
        return False
    if gone.is_dir() and not gone.is_symlink():
        shutil.rmtree(gone, ignore_errors=True)
    else:
        gone.unlink(missing_ok=True)
    return True


def _older(path: Path, before: int) -> bool:
    try:
        return path.lstat().st_mtime_ns < before
    except FileNotFoundError:
        return False


def _listed(place: Path) -> Iterator[str]:
    """Yield the digests that an object lists, where it is a manifest."""
    with place.open("rb") as stream:
        if stream.read(1) != b"[":
            return
        stream.seek(0)
        content = stream.read()
    try:
        entries = read_manifest(json.loads(content)).entries
    except (ValueError, TypeError, errors.BadRequest):  # a file that only begins like one
        return
    for entry in entries:
        yield hex_of(entry.sha256)


def _refuse_other_schema(rows: sa.Connection) -> None:
    """Raise Conflict at an older or newer schema: which rows name something is known of this one only."""
    standing = standing_of(rows, script_folder())
    if standing.pending:
        raise errors.Conflict("backup.other_schema", found=current(rows), known=standing.known)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e9)
