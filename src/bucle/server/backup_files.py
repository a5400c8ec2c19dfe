"""The files of a backup: each one linked or copied, and digested; the manifest, written last and checked first."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from bucle import errors
from bucle.config import Home
from bucle.store.objects import CHUNK, write_file

MANIFEST = "backup.json"
FORMAT = 1
PLACED = frozenset({"arrived", "uploads"})
"""The folders of a datastore whose files never change; `jobs` holds what user code writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One file of a backup: its mode, its size in bytes, the SHA-256 of its bytes in hexadecimal."""

    mode: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds: when and of which folder it was taken, the schema of its records, its files by name."""

    taken_at: str
    version: str
    home: str
    schema: str
    rows: int
    files: Mapping[str, Kept]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(kept.size for kept in self.files.values())


@dataclass(slots=True, kw_only=True)
class Copying:
    """Takes files into a new folder; what may never change is linked where the file system can."""

    target: Path
    link: bool = True
    files: dict[str, Kept] = field(default_factory=dict)
    _linked: dict[tuple[int, int], str] = field(default_factory=dict)

    def take(self, source: Path, name: str) -> None:
        """Keep `source` as `name`; what is no plain file, or has gone meanwhile, is left out."""
        try:
            seen = source.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISREG(seen.st_mode):
            return
        place = self.target / name
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        inode = (seen.st_dev, seen.st_ino)
        if is_unchanging(name):
            twin = self._linked.get(inode)
            if twin is not None and _linked(self.target / twin, place):
                self.files[name] = self.files[twin]
                return
            self._linked[inode] = name
            if self.link and _linked(source, place):
                self.files[name] = Kept(mode=_mode(seen), size=seen.st_size, sha256=sha256_of(place))
                return
        try:
            self.files[name] = _copy(source, place, _mode(seen))
        except FileNotFoundError:
            self._linked.pop(inode, None)

    def settle(self) -> None:
        """Have every folder reach the disk; the files did when they were written."""
        for here, _, _ in os.walk(self.target):
            descriptor = os.open(here, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def is_unchanging(name: str) -> bool:
    """Return whether a file of this name in a state folder is written once, under the digest of its bytes."""
    match PurePosixPath(name).parts:
        case ["objects" | "models", *_]:
            return True
        case ["datastores", _, _, kind, *_]:
            return kind in PLACED
        case _:
            return False


def files_below(root: Path) -> Iterator[str]:
    """Yield the paths of the files below `root`, relative to it; none when there is no such folder."""
    for here, _, names in os.walk(root):
        for name in names:
            yield Path(here, name).relative_to(root).as_posix()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(folder: Path, made: Backup) -> str:
    """Write the manifest, whole or not at all: from now on the folder is a backup. Return its digest."""
    document = {
        "format": FORMAT,
        "taken_at": made.taken_at,
        "bucle": made.version,
        "home": made.home,
        "schema": made.schema,
        "rows": made.rows,
        "files": {name: [oct(kept.mode), kept.size, kept.sha256] for name, kept in sorted(made.files.items())},
    }
    content = json.dumps(document, indent=1).encode()
    write_file(folder / MANIFEST, content)
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def verified(folder: Path) -> Backup:
    """Return what a backup holds, every file compared with its digest.

    BadRequest when the folder is no whole backup, or names the first file that is not what was backed up.
    """
    made = _read(folder)
    wrong = [(name, why) for name, kept in made.files.items() if (why := _why_wrong(folder / name, kept))]
    if wrong:
        name, why = wrong[0]
        raise errors.BadRequest("backup.damaged", count=len(wrong), total=len(made.files), file=name, why=why)
    return made


def refuse_used(folder: Path, code: Literal["backup.not_empty", "backup.used_home"]) -> None:
    """Conflict when `folder` is there and holds anything."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise errors.Conflict(code, folder=folder)


def records_of(folder: Path) -> str:
    """Return the address of the records of a folder that is laid out as a state folder is."""
    return f"sqlite:///{Home(root=folder).records}"


def _read(folder: Path) -> Backup:
    file = folder / MANIFEST
    try:
        document = json.loads(file.read_bytes())
        return _backup(document)
    except FileNotFoundError as missing:
        raise errors.BadRequest("backup.incomplete", folder=folder, manifest=MANIFEST) from missing
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise errors.BadRequest("backup.manifest_damaged", manifest=file, why=fault) from fault


def _backup(document: dict[str, Any]) -> Backup:
    if document["format"] != FORMAT:
        raise ValueError(f"format {document['format']}; this bucle reads {FORMAT}")
    files = {}
    for name, (mode, size, sha256) in document["files"].items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name} leads out of the backup")
        files[name] = Kept(mode=int(mode, 8) & 0o700, size=size, sha256=sha256)
    return Backup(
        taken_at=document["taken_at"],
        version=document["bucle"],
        home=document["home"],
        schema=document["schema"],
        rows=document["rows"],
        files=files,
    )


def _why_wrong(path: Path, kept: Kept) -> str | None:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return "it is no plain file"
        if path.stat().st_size != kept.size:
            return f"{path.stat().st_size} bytes instead of {kept.size}"
        return None if sha256_of(path) == kept.sha256 else "its bytes have another digest"
    except FileNotFoundError:
        return "it is missing"


def _linked(source: Path, place: Path) -> bool:
    try:
        os.link(source, place, follow_symlinks=False)
    except OSError:  # another file system, one without links, too many of them: a copy says what is wrong
        return False
    return True


def _copy(source: Path, place: Path, mode: int) -> Kept:
    sha, size = hashlib.sha256(), 0
    with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as reader:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as writer:
            while chunk := reader.read(CHUNK):
                writer.write(chunk)
                sha.update(chunk)
                size += len(chunk)
            writer.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
    return Kept(mode=mode, size=size, sha256=sha.hexdigest())


def _mode(seen: os.stat_result) -> int:
    return stat.S_IMODE(seen.st_mode) & 0o700
