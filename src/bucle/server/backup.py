"""A backup of a state folder, taken while a server works on it: its records in one snapshot, then what they may name.

Bytes reach their place before the row that names them is committed, so what is copied after the snapshot holds
everything that the snapshot names.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bucle import __version__, errors
from bucle.config import Home
from bucle.server.backup_files import (
    Backup,
    Copying,
    Kept,
    files_below,
    records_of,
    refuse_used,
    sha256_of,
    write_manifest,
)
from bucle.server.compose import now
from bucle.server.records import address
from bucle.store.instants import to_text
from bucle.store.migrate import current, migrate
from bucle.store.moving import Moved, copy
from bucle.store.records import Records
from bucle.store.relocating import outside

ENDS = ("exit.json", "claim", "lock")
"""What says how an attempt stands; taken before what it made, so that an end never comes without its outputs."""
LOCKS = frozenset({"ask.json", "requirements.in", "lock.txt", "environment.json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A finished backup, the digest of its manifest, and the datastores' folders that lie elsewhere: not in it."""

    backup: Backup
    digest: str
    outside: Sequence[str]


def take(home: Home, folder: Path, *, secret_keys: bool = False) -> Taken:
    """Back up a state folder into a new folder; what is used goes on meanwhile.

    The keys of secrets and the private signing keys are taken with `secret_keys` only.

    Conflict when the folder holds something, PlatformFault when it cannot be written to the end: it has no manifest
    then, and is no backup.
    """
    if folder.is_relative_to(home.root):
        raise errors.BadRequest("backup.inside", folder=folder, home=home.root)
    refuse_used(folder, "backup.not_empty")
    url = address(home, None)
    if url.startswith("sqlite") and not home.records.exists():
        raise errors.NotFound("backup.no_records", home=home.root)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        return _take(home, url, folder, (home.secret_keys.name, home.signing_keys.name) if secret_keys else ())
    except OSError as fault:
        raise errors.PlatformFault("backup.failed", folder=folder, why=fault.strerror or fault) from fault
    except errors.Unavailable as fault:
        raise errors.PlatformFault("backup.failed", folder=folder, why=fault.detail) from fault


def _take(home: Home, url: str, folder: Path, more: Sequence[str]) -> Taken:
    taken_at = to_text(now())
    schema, tables, elsewhere = _take_records(home, url, folder)
    copying = Copying(target=folder)
    for name in (*_names(home), *more):
        copying.take(home.root / name, name)
    _take_segments(home, copying)
    copying.settle()
    records = Home(root=folder).records
    kept = Kept(mode=0o600, size=records.stat().st_size, sha256=sha256_of(records))
    made = Backup(
        taken_at=taken_at,
        version=__version__,
        home=str(home.root),
        schema=schema,
        rows=sum(table.rows for table in tables),
        files={records.name: kept, **copying.files},
    )
    return Taken(backup=made, digest=write_manifest(folder, made), outside=elsewhere)


def _take_records(home: Home, url: str, folder: Path) -> tuple[str, Sequence[Moved], Sequence[str]]:
    """Copy the records in one snapshot, through a connection that only reads: the server's lease is not asked for."""
    with closing(Records(url)) as source, closing(Records(records_of(folder))) as target:
        known = migrate(target)
        with source.read() as rows:
            found = current(rows)
        if found != known:
            raise errors.Conflict("backup.other_schema", found=found, known=known)
        tables = copy(source, target)
        with target.read() as rows:
            elsewhere = list(outside(rows, str(home.root)))
    file = Home(root=folder).records
    file.chmod(0o600)
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
    return known, tables, elsewhere


def _names(home: Home) -> Iterator[str]:
    """Yield the names of the files to take, in the order in which they are safe to take.

    Built environments are left out: they are built again, from their locks. So are the orders of attempts, which
    hold the tokens of their jobs, and the keys of secrets and signatures: a backup that is lost gives none away.
    """
    attempts = sorted(place.name for place in home.attempts.iterdir()) if home.attempts.is_dir() else []
    for attempt in attempts:
        yield from (f"attempts/{attempt}/{name}" for name in ENDS)
    for attempt in attempts:
        yield f"attempts/{attempt}/out.log"
        yield from _below(home, f"attempts/{attempt}/work/outputs")
    for folder in ("objects", "datastores", "models"):
        yield from (name for name in _below(home, folder) if not _is_draft(name))
    yield from _environments(home)
    yield from (home.keys.name, home.admin_token.name, home.trusted_keys.name)


def _environments(home: Home) -> Iterator[str]:
    for place in home.environments.glob("*/*"):
        if place.is_dir() and place.name != "cache":
            yield from (f"environments/{place.parent.name}/{place.name}/{name}" for name in sorted(LOCKS))


def _below(home: Home, folder: str) -> Iterator[str]:
    return (f"{folder}/{name}" for name in files_below(home.root / folder))


def _is_draft(name: str) -> bool:
    """Return whether a file is still arriving: the names of the people's own files begin further down."""
    match PurePosixPath(name).parts:
        case ["objects", *inner]:
            own = inner
        case ["models", _, entry, *_]:
            own = [entry]
        case ["datastores", _, _, _, entry, *_]:
            own = [entry]
        case _:
            return False
    return any(part.startswith(".") for part in own)


def _take_segments(home: Home, copying: Copying) -> None:
    """Take what the gateway collected, each segment once: an open one may be sealed under our hands."""
    taken: set[str] = set()
    for _ in range(2):
        for name in sorted(files_below(home.gateway / "segments")):
            stem = PurePosixPath(name).stem
            if stem not in taken:
                place = f"gateway/segments/{name}"
                copying.take(home.root / place, place)
                taken |= {stem} if place in copying.files else set()
