"""Artifacts of runs and logged models: a path is a text in the records, its bytes are an object of the workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

import sqlalchemy as sa

from bucle import errors
from bucle.core.manifest import why_no_path
from bucle.store.instants import to_micros
from bucle.store.objects import Stored
from bucle.store.records import Transaction
from bucle.store.tables.tracking import artifact
from bucle.tracking.rows import writing

DEEPEST_ENCODING = 5
"""Rounds of percent-decoding that a path is looked at through; what still changes then is no honest name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an artifact lies: whose it is, and its path below that (empty: all of it)."""

    workspace: str
    experiment: str
    kind: Literal["run", "model"]
    owner: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file: its path below its owner, the digest of its bytes, their number."""

    path: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of a folder: the name, and the size of a file (None: a folder)."""

    name: str
    size: int | None


def address(text: str) -> Address:
    """Read `<workspace>/<experiment>/<run>/artifacts/…` or `…/models/<model>/artifacts/…`; BadRequest for all else."""
    why = _why_no_path(text)
    if why is not None:
        raise errors.BadRequest("tracking.bad_artifact_path", path=ascii(text)[:200], why=why)
    match text.split("/"):
        case [workspace, experiment, "models", model, "artifacts", *rest]:
            kind: Literal["run", "model"] = "model"
            owner = model
        case [workspace, experiment, run, "artifacts", *rest]:
            kind, owner = "run", run
        case _:
            raise errors.BadRequest(
                "tracking.bad_artifact_path", path=ascii(text)[:200], why="it lies in no run and in no model"
            )
    return Address(workspace=workspace, experiment=experiment, kind=kind, owner=owner, path="/".join(rest))


def place(transaction: Transaction, owner: str, path: str, stored: Stored) -> None:
    """Write that `path` holds these bytes from now on; BadRequest where a folder is, or below a file."""
    rows = transaction.rows
    parts = path.split("/")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    taken = sa.or_(artifact.c.path.in_(above), _below(path))
    if rows.execute(sa.select(artifact.c.path).where(artifact.c.owner == owner, taken).limit(1)).first():
        raise errors.BadRequest("tracking.bad_artifact_path", path=path, why="it is a folder, or lies below a file")
    held = {"digest": stored.digest, "size": stored.size, "placed_at": to_micros(transaction.now)}
    rows.execute(
        writing(rows, artifact)
        .values(owner=owner, path=path, **held)
        .on_conflict_do_update(index_elements=["owner", "path"], set_=held)
    )


def find(rows: sa.Connection, owner: str, path: str) -> Artifact:
    """Return a file; NotFound for a folder too."""
    row = rows.execute(sa.select(artifact).where(artifact.c.owner == owner, artifact.c.path == path)).one_or_none()
    if row is None:
        raise errors.NotFound("tracking.no_artifact", path=path[:200])
    return Artifact(path=row.path, digest=row.digest, size=row.size)


def listed(rows: sa.Connection, owner: str, folder: str) -> Sequence[Listed]:
    """Return the files and folders right below `folder` (empty: the owner's root), by name."""
    query = sa.select(artifact.c.path, artifact.c.size).where(artifact.c.owner == owner)
    if folder:
        query = query.where(_below(folder))
    sizes: dict[str, int | None] = {}
    for row in rows.execute(query):
        name, deeper, _ = row.path[len(folder) + 1 if folder else 0 :].partition("/")
        sizes[name] = None if deeper else row.size
    return [Listed(name=name, size=sizes[name]) for name in sorted(sizes)]


def delete(transaction: Transaction, owner: str, path: str) -> None:
    """Take away a file, or a folder with all below it; what is not there is no fault, as in MLflow."""
    below = sa.true() if not path else sa.or_(artifact.c.path == path, _below(path))
    transaction.rows.execute(artifact.delete().where(artifact.c.owner == owner, below))


def _below(folder: str) -> sa.ColumnElement[bool]:
    # Neither LIKE (SQLite's does not mind case) nor a range (PostgreSQL's depends on the collation).
    start = folder + "/"
    return sa.func.substr(artifact.c.path, 1, len(start)) == start


def _why_no_path(text: str) -> str | None:
    """Return why the path is none, as written and as anybody might decode it once more."""
    if "\ufffd" in text:
        return "it is not UTF-8"
    for _ in range(DEEPEST_ENCODING):
        why = why_no_path(text)
        decoded = unquote(text, errors="surrogateescape")
        if why is not None or decoded == text:
            return why
        text = decoded
    return "it is percent-encoded over and over"
