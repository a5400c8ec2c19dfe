"""Code check: what lies at a path just before user code starts, as the digest that names it."""

import hashlib
import json
import os
import stat
import unicodedata
from pathlib import Path


def digest_of(path: str) -> str:
    """Return `sha256:…` of a file's bytes, or of a folder's manifest; ValueError for what has none.

    A folder's manifest is the canonical JSON list of `[path (NFC, /), executable, size, digest]` of
    every file in it, sorted by the bytes of the paths. No file is left out, whatever its name.
    """
    root = Path(path)
    kind = root.lstat().st_mode
    if stat.S_ISREG(kind):
        return _file_digest(root)
    if not stat.S_ISDIR(kind):
        raise ValueError(f"{root} is neither a file nor a folder")
    rows = sorted(_rows(root), key=lambda row: row[0].encode())
    # For text, booleans and whole numbers this is RFC 8785.
    document = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(document.encode()).hexdigest()}"


def _rows(root: Path) -> list[tuple[str, bool, int, str]]:
    rows = []
    for folder, folders, files in os.walk(root, onerror=_refuse):
        for name in (*folders, *files):
            file = Path(folder, name)
            found = file.lstat()
            if stat.S_ISDIR(found.st_mode):
                continue
            if not stat.S_ISREG(found.st_mode):
                raise ValueError(f"{file} is neither a file nor a folder")
            relative = unicodedata.normalize("NFC", file.relative_to(root).as_posix())
            rows.append((relative, bool(found.st_mode & stat.S_IXUSR), found.st_size, _file_digest(file)))
    return rows


def _refuse(fault: OSError) -> None:
    raise fault


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
