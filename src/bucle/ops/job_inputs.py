"""The inputs of a job: where each one lies, what it is, and whether its submitter may read it."""

from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage
from bucle.assets import datastores, mirror, versions
from bucle.assets.versions import Version
from bucle.core.job import KEPT_FOLDERS, Found
from bucle.core.job_node import Source
from bucle.core.job_plan import Mount
from bucle.core.manifest import manifest_of
from bucle.execution import jobs
from bucle.execution.outputs import entry_of, folder_manifest
from bucle.ops.authority import authorise
from bucle.ops.data import find_version
from bucle.ops.uploads import manifest_in
from bucle.ops.world import Call, World
from bucle.serving.model_folders import lay_model
from bucle.spec import references
from bucle.spec.references import Asset, DatastorePath, OutputOfJob, Url
from bucle.spec.section import Uploaded

MODELS = frozenset({"custom_model", "mlflow_model", "triton_model"})


def find_source(world: World, rows: sa.Connection, call: Call, stage: Stage, source: Source) -> Found:
    """Return where an input lies; the caller must hold `data/read` on its class in this stage."""
    if source.uploaded is not None:
        return _uploaded(world, rows, call, stage, source, source.uploaded)
    match references.parse(source.reference):
        case Asset():
            name, version = references.asset_named(source.reference, "an asset")
            find = _model if source.type in MODELS else _asset
            return find(world, rows, call, stage, name, version)
        case DatastorePath() as place:
            return _in_datastore(world, rows, call, stage, place)
        case OutputOfJob() as output:
            return _of_job(world, rows, call, stage, output)
        case Url(url=url):
            return _mirrored(world, rows, call, stage, url)
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


def _in_datastore(world: World, rows: sa.Connection, call: Call, stage: Stage, place: DatastorePath) -> Found:
    """Return data that lies in a datastore, read in place; its digest is that of what lies there now."""
    store = datastores.find(rows, stage.name, place.datastore)
    authorise(world, rows, call, "data/read", stage.name, data_class=store.data_class)
    written = f"azureml://datastores/{place.datastore}/paths/{place.path}"
    if place.path.split("/", 1)[0] in KEPT_FOLDERS:
        raise errors.BadRequest("job.input_kept", reference=written)
    return Found(mount=_lying(store.inside(place.path), written), data_class=store.data_class)


def _of_job(world: World, rows: sa.Connection, call: Call, stage: Stage, output: OutputOfJob) -> Found:
    """Return an output of a job that has made it, by the output's name alone where one step has it."""
    authorise(world, rows, call, "jobs/read", stage.name)
    job = jobs.find(rows, stage.name, output.job)
    if job is None:
        raise errors.NotFound("job.not_found", name=output.job, stage=stage.name)
    authorise(world, rows, call, "data/read", stage.name, data_class=job.data_class)
    made = [
        (step.outputs or {})[output.output]
        for step in jobs.steps_of(rows, job.id)
        if output.output in (step.outputs or {})
    ]
    written = f"azureml://jobs/{output.job}/outputs/{output.output}"
    if len(made) != 1:
        raise errors.NotFound("job.output_not_found", reference=written, count=len(made))
    if output.path:
        place = Path(made[0]["path"], output.path)  # spec.references has made it relative, without `..`
        return Found(mount=_lying(place, f"{written}/paths/{output.path}"), data_class=job.data_class)
    mount = Mount(
        name=output.output, path=made[0]["path"], form=made[0]["form"], digest=made[0]["digest"], reference=written
    )
    return Found(mount=mount, data_class=job.data_class)


def _model(world: World, rows: sa.Connection, call: Call, stage: Stage, name: str, version: str) -> Found:
    """Return a registered model of the stage, laid out as a folder."""
    authorise(world, rows, call, "models/read", stage.name)
    found = versions.wanted(rows, stage.name, "model", name, version)
    files = None if found is None else manifest_in(world, stage.workspace, found.digest)
    if found is None or files is None:
        raise errors.NotFound("model.not_found", name=f"{name}:{version}", stage=stage.name)
    authorise(world, rows, call, "data/read", stage.name, data_class=found.data_class)
    folder = lay_model(world.models / stage.name, files, lambda one: world.objects.path(stage.workspace, one))
    reference = f"azureml:{found.name}:{found.version}"
    mount = Mount(name=name, path=str(folder), form="folder", digest=found.digest, reference=reference)
    return Found(mount=mount, data_class=found.data_class)


def _mirrored(world: World, rows: sa.Connection, call: Call, stage: Stage, url: str) -> Found:
    """Return the copy of a file on the network that the operator of this host declared; nothing is fetched."""
    authorise(world, rows, call, "data/read", stage.name, data_class="public")
    copy = mirror.find(world.home.mirror, url)
    if copy is None:
        raise errors.BadRequest("job.input_not_mirrored", url=url, file=world.home.mirror.name)
    return Found(mount=_lying(copy, url), data_class="public")


def _lying(place: Path, reference: str) -> Mount:
    """Return a file or folder as it lies there, with the digest of its bytes."""
    if place.is_file():
        files = manifest_of([entry_of(place, place.name)])
        return Mount(name=reference, path=str(place), form="file", digest=files.digest, reference=reference)
    if not place.is_dir():
        raise errors.NotFound("job.input_missing_there", reference=reference)
    digest = folder_manifest(place).digest
    return Mount(name=reference, path=str(place), form="folder", digest=digest, reference=reference)
