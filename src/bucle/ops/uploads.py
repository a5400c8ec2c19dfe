"""Uploads: manifests announced, bytes sent by digest; only who may write to a workspace learns what it has."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import find_stage
from bucle.assets import datastores
from bucle.assets.datastores import Datastore
from bucle.core.manifest import Manifest, read_manifest
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.spec.digest import canonical


def announce_data(world: World, call: Call, stage: str, store: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Keep the manifest of data to come; return its digest and which bytes the datastore lacks."""
    with world.read() as seen:
        target = _writable(world, seen, call, stage, store)
        workspace = find_stage(seen, stage).workspace
    manifest = _keep(world, workspace, rows)
    return {"digest": manifest.digest, "missing": list(target.missing(manifest))}


def may_send_data(world: World, call: Call, stage: str, store: str) -> None:
    """Refuse bytes of data before the first of them is read."""
    with world.read() as seen:
        _writable(world, seen, call, stage, store)


def send_data(world: World, call: Call, stage: str, store: str, digest: str, chunks: Iterable[bytes]) -> dict[str, Any]:
    """Take the bytes of one file into a datastore."""
    with world.read() as seen:
        target = _writable(world, seen, call, stage, store)
    target.receive(digest, chunks)
    return {"digest": digest}


def announce_code(world: World, call: Call, stage: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Keep the manifest of code to come; return its digest and which bytes the workspace lacks."""
    workspace = _submits(world, call, stage)
    manifest = _keep(world, workspace, rows)
    return {"digest": manifest.digest, "missing": list(_missing_code(world, workspace, manifest))}


def may_send_code(world: World, call: Call, stage: str) -> None:
    """Refuse bytes of code before the first of them is read."""
    _submits(world, call, stage)


def send_code(world: World, call: Call, stage: str, digest: str, chunks: Iterable[bytes]) -> dict[str, Any]:
    """Take the bytes of one file of code into the workspace."""
    workspace = _submits(world, call, stage)
    world.objects.put(workspace, chunks, named=digest)
    return {"digest": digest}


def code_manifest(world: World, stage: str, workspace: str, digest: str) -> Manifest:
    """Return the manifest of a code snapshot whose every file is in the workspace; NotFound or BadRequest otherwise."""
    manifest = manifest_in(world, workspace, digest)
    if manifest is None:
        raise errors.NotFound("code.not_found", digest=digest, stage=stage)
    missing = _missing_code(world, workspace, manifest)
    if missing:
        raise errors.BadRequest("code.bytes_missing", count=len(missing), digest=missing[0], stage=stage)
    return manifest


def manifest_in(world: World, workspace: str, digest: str) -> Manifest | None:
    """Return the manifest with this digest that was announced in the workspace, or None; a file of code is none."""
    if not world.objects.has(workspace, digest):
        return None
    try:
        document = json.loads(world.objects.read(workspace, digest))
    except ValueError:
        return None
    return read_manifest(document) if isinstance(document, list) else None


def _keep(world: World, workspace: str, rows: Sequence[Sequence[Any]]) -> Manifest:
    # A manifest's canonical bytes have the digest that is the folder's identity: it is kept as an object under it.
    manifest = read_manifest(rows)
    world.objects.put(workspace, (canonical(manifest.document()),), named=manifest.digest)
    return manifest


def _writable(world: World, rows: sa.Connection, call: Call, stage: str, name: str) -> Datastore:
    authorise(world, rows, call, "datastores/read", stage)
    found = datastores.find(rows, stage, name)
    authorise(world, rows, call, "data/write", stage, data_class=found.data_class)
    return found


def _submits(world: World, call: Call, stage: str) -> str:
    with world.read() as rows:
        authorise(world, rows, call, "jobs/submit", stage)
        return find_stage(rows, stage).workspace


def _missing_code(world: World, workspace: str, manifest: Manifest) -> tuple[str, ...]:
    wanted = {entry.sha256 for entry in manifest.entries}
    return tuple(sorted(digest for digest in wanted if not world.objects.has(workspace, digest)))
