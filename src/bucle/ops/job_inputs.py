"""The inputs of a job: where each one lies, what it is, and whether its submitter may read it."""

from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage
from bucle.assets import datastores
from bucle.assets.versions import Version
from bucle.core.job import Found
from bucle.core.job_node import Source
from bucle.core.job_plan import Mount
from bucle.ops.authority import authorise
from bucle.ops.data import find_version
from bucle.ops.uploads import manifest_in
from bucle.ops.world import Call, World
from bucle.spec import references
from bucle.spec.references import Asset
from bucle.spec.section import Uploaded


def find_source(world: World, rows: sa.Connection, call: Call, stage: Stage, source: Source) -> Found:
    """Return where an input lies; the caller must hold `data/read` on its class in this stage."""
    if source.uploaded is not None:
        return _uploaded(world, rows, call, stage, source, source.uploaded)
    match references.parse(source.reference):
        case Asset(name=name, version=version, label=label):
            return _asset(world, rows, call, stage, name, version or label or "latest")
        case _:
            raise errors.BadRequest("job.input_unreadable", reference=source.reference)


def _asset(world: World, rows: sa.Connection, call: Call, stage: Stage, name: str, version: str) -> Found:
    authorise(world, rows, call, "datasets/read", stage.name)
    found = find_version(rows, stage.name, name, version)
    authorise(world, rows, call, "data/read", stage.name, data_class=found.data_class)
    return Found(mount=mount_of(rows, stage.name, found), data_class=found.data_class)


def mount_of(rows: sa.Connection, stage: str, found: Version) -> Mount:
    """Return where a version of a data asset lies."""
    folder = datastores.find(rows, stage, found.document["datastore"]).folder_of(found.digest)
    form: Literal["file", "folder"] = found.document["form"]
    path = folder / Path(found.document["path"]).name if form == "file" else folder
    reference = f"azureml:{found.name}:{found.version}"
    return Mount(name=found.name, path=str(path), form=form, digest=found.digest, reference=reference)


def _uploaded(world: World, rows: sa.Connection, call: Call, stage: Stage, source: Source, uploaded: Uploaded) -> Found:
    store = datastores.find(rows, stage.name, datastores.DEFAULT)
    authorise(world, rows, call, "data/read", stage.name, data_class=store.data_class)
    files = manifest_in(world, stage.workspace, uploaded.digest)
    missing = (uploaded.digest,) if files is None else store.missing(files)
    if files is None or missing:
        raise errors.BadRequest(
            "data.bytes_missing",
            count=len(missing),
            digest=missing[0],
            stage=stage.name,
            datastore=store.name,
        )
    folder = store.place(files)
    path = folder / files.entries[0].path if uploaded.kind == "file" else folder
    mount = Mount(
        name=uploaded.origin,
        path=str(path),
        form=uploaded.kind,
        digest=files.digest,
        reference=source.reference,
    )
    return Found(mount=mount, data_class=store.data_class)
