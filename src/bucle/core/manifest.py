"""Manifests: the list of files whose digest is a folder's identity, and the rule for the names it may hold."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bucle import errors
from bucle.spec.digest import FolderEntry, folder_digest

LONGEST_PATH = 1024
LONGEST_NAME = 255
MOST_FILES = 100_000
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]|[\ud800-\udfff]|[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of a folder, sorted by the bytes of their paths; `digest` is the folder's identity."""

    entries: tuple[FolderEntry, ...]
    digest: str

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.entries)

    def document(self) -> list[list[Any]]:
        """Return the canonical list `[path, executable, size, digest]` that is digested."""
        return [[entry.path, entry.executable, entry.size, entry.sha256] for entry in self.entries]


def manifest_of(entries: Iterable[FolderEntry]) -> Manifest:
    """Return the manifest of `entries`; BadRequest names the first that no folder may hold."""
    ordered = tuple(sorted(entries, key=lambda entry: entry.path.encode("utf-8", "surrogatepass")))
    if len(ordered) > MOST_FILES:
        raise errors.BadRequest("manifest.too_many", count=len(ordered), most=MOST_FILES)
    _refuse_bad_names(ordered)
    return Manifest(entries=ordered, digest=folder_digest(ordered))


def read_manifest(document: Sequence[Sequence[Any]]) -> Manifest:
    """Return the manifest of a list as it travels; BadRequest when its shape or a name is at fault."""
    entries = []
    for row in document:
        match row:
            case [str(path), bool(executable), int(size), str(digest)] if size >= 0 and _SHA256.fullmatch(digest):
                entries.append(FolderEntry(path=path, executable=executable, size=size, sha256=digest))
            case _:
                raise errors.BadRequest("manifest.bad_row", row=str(row)[:200])
    return manifest_of(entries)


def why_no_path(path: str) -> str | None:
    """Return why `path` may not name a file of a folder, or None when it may."""
    if not path or len(path) > LONGEST_PATH:
        return "it is empty or too long"
    if _FORBIDDEN.search(path):
        return "it holds a control character, a backslash, a surrogate or a direction mark"
    if unicodedata.normalize("NFC", path) != path:
        return "it is not in Unicode's normal form C"
    for name in path.split("/"):
        if name in {"", ".", ".."} or len(name.encode()) > LONGEST_NAME:
            return "it has an empty, dot or too long segment"
    if unicodedata.normalize("NFKC", path).count("..") != path.count(".."):
        return "it holds look-alike dots"
    return None


def _refuse_bad_names(ordered: Sequence[FolderEntry]) -> None:
    seen: set[str] = set()
    folders: set[str] = set()
    for entry in ordered:
        why = why_no_path(entry.path)
        if why is None and (entry.path in seen or entry.path in folders):
            why = "it stands twice, or is a folder too"
        parts = entry.path.split("/")
        parents = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if why is None and parents & seen:
            why = "a folder above it is a file"
        if why is not None:
            raise errors.BadRequest("manifest.bad_path", path=ascii(entry.path)[:200], why=why)
        seen.add(entry.path)
        folders |= parents


def summary(manifest: Manifest) -> Mapping[str, Any]:
    """Return what people are told of a manifest: digest, number of files, bytes."""
    return {"digest": manifest.digest, "files": len(manifest.entries), "size": manifest.size}
