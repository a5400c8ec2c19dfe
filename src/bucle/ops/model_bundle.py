"""Releases taken elsewhere: their files, their statements, and a signature of the model that others can verify."""

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import find_stage
from bucle.assets import versions
from bucle.assets.versions import Version
from bucle.core.statement import model_bundle, model_statement
from bucle.ops.authority import authorise
from bucle.ops.signing import check_release
from bucle.ops.uploads import manifest_in
from bucle.ops.world import Call, World
from bucle.release import promotions, releases
from bucle.release.releases import Release


def bundle(world: World, call: Call, stage: str, name: str, version: str) -> dict[str, Any]:
    """Return what a release is, offline: the list of its files, its statements, the keys that verify them.

    `model_signature` is a bundle of OpenSSF's model signing, version 1, over every file.
    """
    with world.read() as rows:
        found, release = _find(world, rows, call, stage, name, version)
        said = [
            one for made in promotions.of_release(rows, release.id) for one in promotions.approvals_of(rows, made.name)
        ]
    check_release(world, release)
    files = manifest_in(world, release.workspace, found.digest)
    assert files is not None, "it was read a moment ago"
    keys = world.signing.public()
    payload = model_statement("model", files)
    return {
        "model": f"{found.name}:{found.version}",
        "release": release.alias,
        "digest": found.digest,
        "files": files.document(),
        "model_signature": model_bundle(payload, world.signing.sign_bundle(payload), keys.bundles.encode()),
        "release_statement": json.loads(release.statement or "null"),
        "approval_statements": [json.loads(one.statement) for one in said if one.statement is not None],
        "keys": {"id": keys.id, "statements": keys.statements, "models": keys.bundles},
    }


def file_of(world: World, call: Call, stage: str, model: tuple[str, str], digest: str) -> Path:
    """Return where the bytes of one file of a model lie; a digest of anything else is not found."""
    with world.read() as rows:
        found, _ = _find(world, rows, call, stage, *model)
        workspace = find_stage(rows, stage).workspace
    files = manifest_in(world, workspace, found.digest)
    if files is None or all(entry.sha256 != digest for entry in files.entries):
        raise errors.NotFound("store.object_missing", digest=digest[:80])
    return world.objects.path(workspace, digest)


def _find(
    world: World, rows: sa.Connection, call: Call, stage: str, name: str, version: str
) -> tuple[Version, Release]:
    """Return a model version of a stage that the caller may read, and its release."""
    found = versions.wanted(rows, stage, "model", name, version)
    data_class = "public" if found is None else found.data_class
    authorise(world, rows, call, "models/content/read", stage, data_class=data_class)
    born = None if found is None else releases.all_of_version(rows, name, found.version)
    release = next((one for one in born or () if one.stage == stage), None)
    if found is None or release is None:
        raise errors.NotFound("model.not_found", name=f"{name}:{version}", stage=stage)
    return found, release
