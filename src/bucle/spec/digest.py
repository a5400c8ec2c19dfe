"""Owns the digests: of a document over its canonical JSON, of a folder over its list of files."""

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

from bucle import errors

_LARGEST_EXACT_INTEGER = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderEntry:
    """One file: its path from the folder's root with `/`, its size in bytes, `sha256:<hex>` of its bytes."""

    path: str
    executable: bool
    size: int
    sha256: str


def canonical(document: object) -> bytes:
    """Return canonical JSON (RFC 8785) of plain values; larger integers and non-finite numbers as text."""
    return rfc8785.dumps(_exact(document))


def digest_of(document: object) -> str:
    """Return `sha256:<hex>` of a document of plain values."""
    return f"sha256:{hashlib.sha256(canonical(document)).hexdigest()}"


def folder_digest(entries: Iterable[FolderEntry]) -> str:
    """Return the digest of a folder: `[NFC path, executable, size, sha256]` by the bytes of the paths.

    Raises `BadRequest("spec.folder_entry")` for a path not below the root, or given twice.
    """
    lines: dict[str, list[object]] = {}
    for entry in entries:
        path = unicodedata.normalize("NFC", entry.path)
        if not path or any(part in {"", ".", ".."} for part in path.split("/")) or "\0" in path:
            raise errors.BadRequest("spec.folder_entry", why=f"{entry.path!r} is not the path of a file below it")
        if path in lines:
            raise errors.BadRequest("spec.folder_entry", why=f"{path!r} stands twice")
        lines[path] = [path, entry.executable, entry.size, entry.sha256]
    return digest_of([lines[path] for path in sorted(lines, key=str.encode)])


def _exact(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exact(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_EXACT_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    raise TypeError(f"{type(value).__name__} has no canonical JSON")
