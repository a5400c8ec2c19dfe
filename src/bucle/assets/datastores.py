"""Folder datastores: bytes arrive by digest, and are placed under the digest of the manifest that lists them."""

import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa

from bucle import errors
from bucle.core.classes import DataClass
from bucle.core.manifest import Manifest
from bucle.spec.digest import FolderEntry
from bucle.store.instants import to_micros
from bucle.store.objects import hex_of, sync_folder, take_file, told_plainly, touched
from bucle.store.records import Transaction
from bucle.store.tables.assets import asset, datastore

DEFAULT = "workspaceblobstore"
"""Azure's name of a workspace's default datastore, so that its URIs carry over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datastore:
    """A folder of one stage, with the class of the data that it may hold."""

    stage: str
    name: str
    root: Path
    data_class: DataClass
    default: bool = False

    def has(self, digest: str) -> bool:
        """Return whether bytes of `digest` have arrived."""
        return touched(self._arrived(digest))

    def receive(self, named: str, chunks: Iterable[bytes]) -> None:
        """Take bytes in under the digest they are said to have; BadRequest when they have another."""
        take_file(self._arrived(named), chunks, named=named)

    def missing(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the digests of `manifest` whose bytes have not arrived."""
        return tuple(sorted({entry.sha256 for entry in manifest.entries if not self.has(entry.sha256)}))

    def folder_of(self, digest: str) -> Path:
        """Return where the files of a manifest with this digest lie."""
        return self.root / "uploads" / hex_of(digest)

    def inside(self, path: str) -> Path:
        """Return where a path of this datastore lies (spec.references has made it relative, without `..`).

        BadRequest when a link on the way leads out of the datastore.
        """
        place = self.root / path
        if not place.resolve().is_relative_to(self.root.resolve()):
            raise errors.BadRequest("datastore.outside", path=path, name=self.name)
        return place

    def place(self, manifest: Manifest) -> Path:
        """Lay out the files of `manifest`, read-only, complete or not at all; return their folder. Idempotent."""
        folder = self.folder_of(manifest.digest)
        if touched(folder):
            return folder
        draft = folder.with_name(f".{secrets.token_hex(8)}")
        try:
            with told_plainly(folder.parent):
                draft.mkdir(parents=True, mode=0o700)
                for entry in manifest.entries:
                    self._lay(draft, entry)
                for made in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
                    sync_folder(made)
        except errors.PlatformFault:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        try:
            draft.rename(folder)
        except OSError:  # another request placed the same manifest meanwhile: its files are these files
            if not folder.is_dir():
                raise
        with told_plainly(folder.parent):
            sync_folder(folder.parent)
        return folder

    def _lay(self, draft: Path, entry: FolderEntry) -> None:
        # `entry.path` passed core.manifest's rule: relative, no dot segments, no separators of another system.
        target = draft / entry.path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        source = self._arrived(entry.sha256)
        source.chmod(0o400)
        os.link(source, target, follow_symlinks=False)

    def _arrived(self, digest: str) -> Path:
        return self.root / "arrived" / hex_of(digest)


def attach(transaction: Transaction, store: Datastore, datastore_id: str) -> None:
    """Make a datastore known to its stage; BadRequest when its folder cannot be made."""
    _make(store.root)
    transaction.rows.execute(
        datastore.insert().values(
            id=datastore_id,
            stage=store.stage,
            name=store.name,
            type="folder",
            path=str(store.root),
            data_class=store.data_class,
            is_default=store.default,
            created_at=to_micros(transaction.now),
        )
    )


def change(transaction: Transaction, store: Datastore) -> None:
    """Give a datastore, under its name, another folder or class, or make it its stage's default."""
    _make(store.root)
    changed = {"path": str(store.root), "data_class": store.data_class, "is_default": store.default}
    transaction.rows.execute(datastore.update().where(*_named(store.stage, store.name)).values(changed))


def detach(transaction: Transaction, stage: str, name: str | None = None) -> None:
    """Forget a datastore of a stage, or all of them; the bytes in their folders stay."""
    which = _named(stage, name) if name is not None else (datastore.c.stage == stage,)
    transaction.rows.execute(datastore.delete().where(*which))


def every(rows: sa.Connection) -> Sequence[Datastore]:
    """Return the datastores of all stages, in the order in which they were made."""
    query = sa.select(datastore).order_by(datastore.c.created_at, datastore.c.stage, datastore.c.name)
    return [_of_row(row) for row in rows.execute(query)]


def is_used(rows: sa.Connection, stage: str, name: str | None = None) -> bool:
    """Return whether a version of an asset of the stage stands on this datastore, or on any."""
    query = sa.select(asset.c.id).where(asset.c.scope == stage)
    if name is not None:
        query = query.where(asset.c.document["datastore"].as_string() == name)
    return rows.execute(query.limit(1)).first() is not None


def is_makeable(root: Path) -> bool:
    """Return whether a datastore can have its folder there: one of ours, or one that we can make."""
    standing = next(folder for folder in (root, *root.parents) if folder.exists())
    return standing.is_dir() and os.access(standing, os.W_OK | os.X_OK)


def find(rows: sa.Connection, stage: str, name: str) -> Datastore:
    """Return a datastore of `stage`; NotFound when it has none of that name.

    `DEFAULT` is the name of every stage's default datastore, also where a platform file gave it another.
    """
    row = rows.execute(sa.select(datastore).where(*_named(stage, name))).one_or_none()
    if row is None and name == DEFAULT:
        row = rows.execute(sa.select(datastore).where(datastore.c.stage == stage, datastore.c.is_default)).one_or_none()
    if row is None:
        raise errors.NotFound("datastore.not_found", name=name, stage=stage)
    return _of_row(row)


def listed(rows: sa.Connection, stage: str) -> Sequence[Datastore]:
    """Return the datastores of `stage` by name."""
    query = sa.select(datastore).where(datastore.c.stage == stage).order_by(datastore.c.name)
    return [_of_row(row) for row in rows.execute(query)]


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes."""
    with path.open("rb") as stream:
        sha = sha256()
        while chunk := stream.read(1 << 20):
            sha.update(chunk)
    return f"sha256:{sha.hexdigest()}"


def _of_row(row: sa.Row[tuple[object, ...]]) -> Datastore:
    return Datastore(
        stage=row.stage,
        name=row.name,
        root=Path(row.path),
        data_class=row.data_class,
        default=row.is_default,
    )


def _named(stage: str, name: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return datastore.c.stage == stage, datastore.c.name == name


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        raise errors.BadRequest("platform.datastore_folder", path=root, why=fault.strerror) from fault
