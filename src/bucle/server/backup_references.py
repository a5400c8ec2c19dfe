"""What the records of a backup name, looked for among its files: each by the digest that it must have."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from bucle.core.manifest import read_manifest
from bucle.server.backup_files import Backup, Kept
from bucle.spec.digest import FolderEntry, folder_digest
from bucle.store.objects import hex_of
from bucle.store.references import FolderNamed, ObjectNamed, folders_named, models_served, objects_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How many things were looked for, and a sentence for each that is not there."""

    looked_at: int
    wrong: Sequence[str]


@dataclass(slots=True)
class _Shelf:
    """The verified files of a backup that lies in `folder`, by folder too."""

    folder: Path
    files: Mapping[str, Kept]
    _within: dict[str, list[str]] = field(default_factory=dict)

    def entries(self, folder: str) -> Iterator[FolderEntry]:
        if not self._within:
            for name in self.files:
                self._file_under(name)
        for name in self._within.get(folder, ()):
            kept = self.files[name]
            yield FolderEntry(
                path=name.removeprefix(f"{folder}/"),
                executable=bool(kept.mode & 0o100),
                size=kept.size,
                sha256=f"sha256:{kept.sha256}",
            )

    def _file_under(self, name: str) -> None:
        above = name.rpartition("/")[0]
        while above:
            self._within.setdefault(above, []).append(name)
            above = above.rpartition("/")[0]


def find_named(rows: sa.Connection, folder: Path, made: Backup) -> Found:
    """Look for every object and every folder that a row names; folders outside the state folder are not in a backup."""
    shelf = _Shelf(folder, made.files)
    objects = list({(one.workspace, one.digest, one.tree): one for one in objects_named(rows)}.values())
    folders = [one for one in folders_named(rows) if one.path.startswith(f"{made.home}/")]
    wrong = [why for one in objects for why in _wrong_object(shelf, one)]
    wrong += [why for one in folders for why in _wrong_folder(shelf, made.home, one)]
    return Found(looked_at=len(objects) + len(folders), wrong=wrong)


def find_models(rows: sa.Connection, folder: Path, made: Backup) -> Found:
    """Look for the model of every deployment, laid out for its workers."""
    shelf = _Shelf(folder, made.files)
    served = list(models_served(rows))
    wrong = [
        f"the model {one.digest[:19]}… of {one.by} is not there as it was released"
        for one in served
        if folder_digest(shelf.entries(f"models/{one.stage}/{hex_of(one.digest)}")) != one.digest
    ]
    return Found(looked_at=len(served), wrong=wrong)


def _wrong_object(shelf: _Shelf, one: ObjectNamed) -> Iterator[str]:
    place = _place(one.workspace, one.digest)
    kept = shelf.files.get(place)
    if kept is None or kept.sha256 != hex_of(one.digest):
        yield f"{place}, named by {one.by}, is {'not there' if kept is None else 'not what its name says'}"
        return
    if one.tree:
        for entry in read_manifest(json.loads((shelf.folder / place).read_bytes())).entries:
            inner = ObjectNamed(
                workspace=one.workspace, digest=entry.sha256, tree=False, by=f"{entry.path} of {one.by}"
            )
            yield from _wrong_object(shelf, inner)


def _wrong_folder(shelf: _Shelf, home: str, one: FolderNamed) -> Iterator[str]:
    place = one.path.removeprefix(f"{home}/")
    if folder_digest(shelf.entries(place)) != one.digest:
        yield f"{place}, named by {one.by}, is not there with the digest that it had"


def _place(workspace: str, digest: str) -> str:
    hexadecimal = hex_of(digest)
    return f"objects/{workspace}/{hexadecimal[:2]}/{hexadecimal}"
