"""Local content: what of a file or folder travels, its manifest, and the bytes by digest."""

import hashlib
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bucle import errors
from bucle.spec.ignore import Ignored, read_ignored

CHUNK = 1 << 20
ALWAYS_IGNORED = (".git/", "__pycache__/", ".bucle/")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file to send: its path inside what is sent, where it lies, and what it is."""

    path: str
    source: Path
    executable: bool
    size: int
    digest: str

    def row(self) -> list[object]:
        """Return the row of a manifest: [path, executable, size, digest]."""
        return [self.path, self.executable, self.size, self.digest]

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        with self.source.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk


def collect(place: Path) -> Sequence[LocalFile]:
    """Return the files of a file or folder that travel, sorted by path; symbolic links are refused.

    `.amlignore` decides what stays behind, where there is none `.gitignore` (Azure's rule).
    """
    if place.is_symlink():
        raise errors.BadRequest("content.symlink", path=place)
    if place.is_file():
        return [_local(place, place.name)]
    if not place.is_dir():
        raise errors.BadRequest("content.missing", path=place)
    ignored = _ignored(place)
    found = [_local(source, inside) for source, inside in _walk(place, ignored)]
    return sorted(found, key=lambda file: file.path.encode())


def _ignored(folder: Path) -> Ignored:
    for name in (".amlignore", ".gitignore"):
        if (folder / name).is_file():
            lines = (folder / name).read_text(encoding="utf-8").splitlines()
            return read_ignored([*ALWAYS_IGNORED, *lines])
    return read_ignored(ALWAYS_IGNORED)


def _walk(folder: Path, ignored: Ignored) -> Iterator[tuple[Path, str]]:
    for here, folders, files in os.walk(folder):
        place = Path(here)
        inside = PurePosixPath(place.relative_to(folder).as_posix())
        folders[:] = sorted(name for name in folders if not ignored.matches(f"{inside / name}", folder=True))
        for name in [*folders, *files]:
            if (place / name).is_symlink() and not ignored.matches(f"{inside / name}", folder=False):
                raise errors.BadRequest("content.symlink", path=place / name)
        for name in files:
            if not ignored.matches(f"{inside / name}", folder=False):
                yield place / name, f"{inside / name}"


def _local(source: Path, inside: str) -> LocalFile:
    try:
        size, mode = source.stat().st_size, source.stat().st_mode
        with source.open("rb") as stream:
            sha = hashlib.file_digest(stream, "sha256")
    except OSError as fault:
        raise errors.BadRequest("content.unreadable", path=source, why=fault.strerror) from fault
    return LocalFile(
        path=unicodedata.normalize("NFC", inside),
        source=source,
        executable=bool(mode & 0o100),
        size=size,
        digest=f"sha256:{sha.hexdigest()}",
    )
