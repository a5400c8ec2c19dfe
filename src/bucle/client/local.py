"""The caller's machine as a document reaches it: files read and digested, and sent when the platform lacks them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.client.content import LocalFile, collect
from bucle.client.http import Session
from bucle.spec.digest import FolderEntry, folder_digest
from bucle.spec.loading import Loaded, load
from bucle.spec.resolving import Snapshot

DEFAULT_DATASTORE = "workspaceblobstore"
"""Azure's name of a workspace's default datastore."""


@dataclass(slots=True, kw_only=True)
class Local:
    """Files by the paths that a document's own place was joined to; remembers each snapshot until it is sent."""

    snapshots: dict[str, Sequence[LocalFile]] = field(default_factory=dict)

    def load(self, file: str | Path, kind: str, assignments: Sequence[str]) -> Loaded:
        """Return a document whose files are read and digested on the way, for `send`."""
        return load(_content(file), str(file), kind, sources=self, assignments=tuple(assignments))

    def read(self, path: str) -> bytes:
        """Return the bytes of a file."""
        return Path(path).read_bytes()

    def snapshot(self, path: str) -> Snapshot:
        """Digest a file or a folder, and remember it for `send`."""
        place = Path(path)
        files = collect(place)
        entries = [
            FolderEntry(path=file.path, executable=file.executable, size=file.size, sha256=file.digest)
            for file in files
        ]
        digest = folder_digest(entries)
        self.snapshots[digest] = files
        return Snapshot(digest=digest, kind="file" if place.is_file() else "folder")

    def send(self, session: Session, where: str, digests: Collection[str] | None = None) -> None:
        """Announce the remembered snapshots (those of `digests`) at `where`, and send what the platform lacks."""
        for digest, files in self.snapshots.items():
            if digests is None or digest in digests:
                told = session.post(f"{where}:announce", {"files": [file.row() for file in files]})
                by_digest = {file.digest: file for file in files}
                for missing in told["missing"]:
                    session.put_file(f"{where}/{missing}", by_digest[missing].chunks)

    def send_for_job(self, session: Session, stage: str, document: object) -> None:
        """Send what a job document names: its codes to `stage` (its address), its data to that's default datastore."""
        codes = set(codes_in(document))
        self.send(session, f"{stage}/code", codes)
        data = set(self.snapshots) - codes
        self.send(session, f"{stage}/datastores/{DEFAULT_DATASTORE}/files", data)


def load_plain(file: str | Path, kind: str, assignments: Sequence[str] = ()) -> dict[str, Any]:
    """Return a document that names no files to send."""
    return load(_content(file), str(file), kind, assignments=tuple(assignments)).document


def codes_in(document: object) -> Iterator[str]:
    """Yield the digest of every uploaded `code` of a job document, those of its nodes and components too."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "code" and isinstance(value, dict):
                yield value["digest"]
            else:
                yield from codes_in(value)


def _content(file: str | Path) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as fault:
        raise errors.BadRequest("content.unreadable", path=Path(file), why=fault.strerror) from fault
