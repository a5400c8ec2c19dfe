"""Where the bytes of a state folder are: by workspace and kind, each file once however often it is linked."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bucle.access.stages import list_stages
from bucle.config import Home
from bucle.store.records import Records
from bucle.store.references import stages_of_attempts

KINDS: Mapping[str, str] = {
    "objects": "objects",
    "datastores": "data",
    "environments": "environments",
    "attempts": "attempts",
    "models": "models",
    "gateway": "collected",
    "log": "logs",
    "upgrades": "snapshots",
}


def use_of(home: Home, url: str) -> Sequence[Mapping[str, Any]]:
    """Return the bytes and files of a state folder by workspace and kind; environments by tier, "-" for all.

    Records in a database elsewhere are not counted, nor datastores with a path of their own.
    """
    with closing(Records(url)) as records, records.read() as rows:
        workspaces = {stage.name: stage.workspace for stage in list_stages(rows)}
        ran = {attempt: workspaces.get(stage, stage) for attempt, stage in stages_of_attempts(rows).items()}
    sizes: Counter[tuple[str, str]] = Counter()
    files: Counter[tuple[str, str]] = Counter()
    seen: set[tuple[int, int]] = set()
    for path, size in _files(home.root, seen):
        which = _which(path.relative_to(home.root).parts, workspaces, ran)
        sizes[which] += size
        files[which] += 1
    return [
        {"workspace": workspace, "kind": kind, "files": files[workspace, kind], "bytes": size}
        for (workspace, kind), size in sorted(sizes.items())
    ]


def size_of(path: Path, seen: set[tuple[int, int]]) -> int:
    """Return the bytes of a file or folder that were not `seen` before under another name."""
    if path.is_symlink() or not path.is_dir():
        return _size(path, seen)
    return sum(size for _, size in _files(path, seen))


def _files(root: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[Path, int]]:
    for here, _, names in os.walk(root):
        for name in names:
            path = Path(here, name)
            yield path, _size(path, seen)


def _size(path: Path, seen: set[tuple[int, int]]) -> int:
    try:
        found = path.lstat()
    except FileNotFoundError:  # it went meanwhile
        return 0
    inode = (found.st_dev, found.st_ino)
    if inode in seen:
        return 0
    seen.add(inode)
    return found.st_size


def _which(parts: Sequence[str], workspaces: Mapping[str, str], ran: Mapping[str, str]) -> tuple[str, str]:
    if len(parts) == 1:
        return "-", "records" if parts[0].startswith("records.db") else "other"
    kind = KINDS.get(parts[0], "other")
    match parts[0]:
        case "attempts":
            return ran.get(parts[1], "-"), "logs" if parts[-1] == "out.log" else "attempts"
        case "objects" | "environments":
            return parts[1], kind
        case "datastores" | "models":
            return workspaces.get(parts[1], parts[1]), kind
        case _:
            return "-", kind
