"""Data assets: create from uploaded bytes, list, show."""

from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import find_stage
from bucle.assets import datastores, versions
from bucle.assets.versions import Version
from bucle.core.ids import next_version
from bucle.ops.authority import authorise
from bucle.ops.uploads import manifest_in
from bucle.ops.world import Call, World
from bucle.spec.data import Data
from bucle.spec.section import Uploaded
from bucle.store.instants import to_text


def create(world: World, call: Call, stage: str, asked: Data) -> dict[str, Any]:
    """Make a version of a data asset from bytes that were uploaded to the stage's datastore.

    The version's digest is that of its manifest. A version that exists with the same digest is answered as it is.
    """
    with world.write(call) as transaction:
        rows = transaction.rows
        authorise(world, rows, call, "datasets/write", stage)
        uploaded = asked.path
        if not isinstance(uploaded, Uploaded):
            raise errors.BadRequest("data.not_here_yet", form=uploaded)
        store = datastores.find(rows, stage, asked.datastore or datastores.DEFAULT)
        name = asked.name or f"data-{world.random(4).hex()}"
        version = asked.version or next_version(versions.versions_of(rows, stage, "data", name))
        earlier = versions.find(rows, stage, "data", name, version)
        if earlier is not None:
            if earlier.digest != uploaded.digest:
                raise errors.Conflict("data.exists", name=name, version=version, stage=stage, digest=earlier.digest)
            return transaction.answers(document_of(earlier))
        files = manifest_in(world, find_stage(rows, stage).workspace, uploaded.digest)
        missing = (uploaded.digest,) if files is None else store.missing(files)
        if files is None or missing:
            raise errors.BadRequest(
                "data.bytes_missing", count=len(missing), digest=missing[0], stage=stage, datastore=store.name
            )
        store.place(files)
        made = Version(
            id=world.new_id(),
            scope=stage,
            kind="data",
            name=name,
            version=version,
            type=asked.type or ("uri_file" if uploaded.kind == "file" else "uri_folder"),
            digest=files.digest,
            data_class=store.data_class,
            size=files.size,
            document={
                "path": path_of(store.name, files.digest, files.entries[0].path if uploaded.kind == "file" else None),
                "datastore": store.name,
                "form": uploaded.kind,
                "files": len(files.entries),
                "description": asked.description,
                "tags": dict(asked.tags or {}),
            },
            made_by=call.principal.name,
            created_at=transaction.now,
        )
        versions.add(transaction, made)
        after = {"digest": made.digest, "class": made.data_class}
        transaction.record(call.event(stage, "datasets/create", f"data/{name}:{version}", after=after))
        return transaction.answers(document_of(made))


def listed(
    world: World, call: Call, stage: str, *, name: str | None, limit: int, after: tuple[Any, ...] | None
) -> tuple[list[dict[str, Any]], tuple[Any, ...] | None]:
    """Return a page of data versions, newest first, and the key behind which more follow."""
    with world.read() as rows:
        authorise(world, rows, call, "datasets/read", stage)
        found = versions.page(rows, stage, "data", limit=limit + 1, after=after, name=name)
    shown = found[:limit]
    more = versions.page_key(shown[-1]) if len(found) > limit else None
    return [document_of(version) for version in shown], more


def show(world: World, call: Call, stage: str, name: str, version: str) -> dict[str, Any]:
    """Return one version of a data asset; `latest` is the newest."""
    with world.read() as rows:
        authorise(world, rows, call, "datasets/read", stage)
        return document_of(find_version(rows, stage, name, version))


def find_version(rows: sa.Connection, stage: str, name: str, version: str) -> Version:
    """Return a version, or the newest for `latest`; NotFound when there is none."""
    found = versions.wanted(rows, stage, "data", name, version)
    if found is None:
        raise errors.NotFound("data.not_found", name=f"{name}:{version}", stage=stage)
    return found


def path_of(store: str, digest: str, file: str | None) -> str:
    """Return the `azureml://` address of uploaded data."""
    folder = f"azureml://datastores/{store}/paths/uploads/{digest.removeprefix('sha256:')}/"
    return folder if file is None else folder + file


def document_of(version: Version) -> dict[str, Any]:
    """Return a data version as people see it."""
    return {
        "name": version.name,
        "version": version.version,
        "type": version.type,
        "digest": version.digest,
        "class": version.data_class,
        "size": version.size,
        **version.document,
        "stage": version.scope,
        "created_by": version.made_by,
        "created_at": to_text(version.created_at),
    }
