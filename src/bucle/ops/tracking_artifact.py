"""Artifacts of a workspace: list, send, read, delete."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import sqlalchemy as sa

from bucle import errors
from bucle.ops.tracking_place import Place, authorise_content, authorise_on, find_place
from bucle.ops.world import Call, World
from bucle.tracking import artifacts, models, runs
from bucle.tracking.artifacts import Address, Listed
from bucle.tracking.models import LoggedModel
from bucle.tracking.runs import Run


def listed(world: World, call: Call, workspace: str, path: str) -> Sequence[Listed]:
    """Return what lies right below a path."""
    with world.read() as rows:
        place, where, owner = _find(world, rows, call, workspace, path)
        authorise_on(world, rows, call, "experiments/read", place, owner)
        return artifacts.listed(rows, owner.id, where.path)


def may_send(world: World, call: Call, workspace: str, path: str) -> None:
    """Refuse a file before its first byte is read."""
    with world.read() as rows:
        _writable(world, rows, call, workspace, path)


def send(world: World, call: Call, workspace: str, path: str, chunks: Iterable[bytes]) -> None:
    """Keep a file's bytes in the workspace, and write that the path holds them."""
    may_send(world, call, workspace, path)
    stored = world.objects.put(workspace, chunks)
    with world.write(call) as transaction:
        where, owner = _writable(world, transaction.rows, call, workspace, path)
        artifacts.place(transaction, owner.id, where.path, stored)


def read(world: World, call: Call, workspace: str, path: str) -> Path:
    """Return where the bytes of a file lie."""
    with world.read() as rows:
        place, where, owner = _find(world, rows, call, workspace, path)
        authorise_content(world, rows, call, place, owner)
        found = artifacts.find(rows, owner.id, where.path)
    return world.objects.path(workspace, found.digest)


def delete(world: World, call: Call, workspace: str, path: str) -> None:
    """Take a file or a folder out of the records; its bytes stay until nothing names them."""
    with world.write(call) as transaction:
        place, where, owner = _find(world, transaction.rows, call, workspace, path)
        authorise_on(world, transaction.rows, call, "experiments/write", place, owner)
        artifacts.delete(transaction, owner.id, where.path)
        transaction.record(call.event(place.stage, "artifacts/delete", f"artifacts/{path}"))


def _writable(
    world: World, rows: sa.Connection, call: Call, workspace: str, path: str
) -> tuple[Address, Run | LoggedModel]:
    place, where, owner = _find(world, rows, call, workspace, path)
    authorise_on(world, rows, call, "experiments/write", place, owner)
    if not where.path:
        raise errors.BadRequest("tracking.bad_artifact_path", path=path, why="it names no file")
    if isinstance(owner, Run):
        runs.writable(owner)
    return where, owner


def _find(
    world: World, rows: sa.Connection, call: Call, workspace: str, path: str
) -> tuple[Place, Address, Run | LoggedModel]:
    """Return where an artifact lies and whose it is; the path must be one that its owner was given."""
    where = artifacts.address(path)
    if where.workspace != workspace:
        raise errors.BadRequest("tracking.bad_artifact_path", path=path, why=f"it lies outside {workspace}")
    place = find_place(world, rows, call, workspace)
    owner: Run | LoggedModel
    if where.kind == "run":
        owner = runs.find(rows, place.stage, where.owner)
    else:
        owner = models.find(rows, place.stage, where.owner)
    if str(owner.experiment_id) != where.experiment:
        raise errors.NotFound("tracking.no_artifact", path=path[:200])
    return place, where, owner
