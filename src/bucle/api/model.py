"""Operations on models."""

from typing import Annotated, Any

from fastapi import Body, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict

from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops import model, model_bundle
from bucle.spec.scalars import Name

DOOR = Door()


class FromJob(BaseModel):
    """A model is made of what this job left; without a name it is the one of the job's release.yml."""

    model_config = ConfigDict(extra="forbid")

    job: Name
    name: Name | None = None
    version: Name | None = None


class Target(BaseModel):
    """Where a version is shared to."""

    model_config = ConfigDict(extra="forbid")

    registry: Name


@DOOR.operation("POST", "/stages/{stage}/models", name="model.create", permission="models/register", status=202)
def create(world: TheWorld, call: Called, stage: str, body: Annotated[FromJob, Body()]) -> dict[str, Any]:
    """Begin to package the model that a job made; version and release are born when it is done."""
    return model.create(world, call, stage, body.job, name=body.name, version=body.version)


@DOOR.operation("GET", "/stages/{stage}/models", name="model.list", permission="models/read")
def listed(
    world: TheWorld, call: Called, stage: str, page: AskedPage, name: Annotated[str | None, Query()] = None
) -> dict[str, Any]:
    """List model versions, newest first."""
    rows, last = model.listed(world, call, stage, name=name, limit=page.limit, after=page.after)
    return page_of(world, rows, last)


@DOOR.operation("GET", "/stages/{stage}/models/{name}/versions/{version}", name="model.show", permission="models/read")
def show(world: TheWorld, call: Called, stage: str, name: str, version: str) -> dict[str, Any]:
    """Show a model version with its release, or how far its packaging is."""
    return model.show(world, call, stage, name, version)


@DOOR.operation(
    "GET", "/stages/{stage}/models/{name}/versions/{version}/lineage", name="model.lineage", permission="models/read"
)
def lineage(world: TheWorld, call: Called, stage: str, name: str, version: str) -> dict[str, Any]:
    """Show where a model version comes from: job, commit, environment, data, people."""
    return model.lineage(world, call, stage, name, version)


@DOOR.operation(
    "POST", "/stages/{stage}/models/{name}/versions/{version}:share", name="model.share", permission="models/share"
)
def share(
    world: TheWorld, call: Called, stage: str, name: str, version: str, body: Annotated[Target, Body()]
) -> dict[str, Any]:
    """Share a model version to a registry."""
    return model.share(world, call, stage, name, version, body.registry)


@DOOR.operation(
    "GET",
    "/stages/{stage}/models/{name}/versions/{version}/bundle",
    name="model.download",
    permission="models/content/read",
)
def bundle(world: TheWorld, call: Called, stage: str, name: str, version: str) -> dict[str, Any]:
    """Return what verifies a release offline: the list of its files, its statements, the model's signature, keys."""
    return model_bundle.bundle(world, call, stage, name, version)


@DOOR.operation(
    "GET",
    "/stages/{stage}/models/{name}/versions/{version}/files/{digest}",
    name="model.file",
    permission="models/content/read",
)
def file(world: TheWorld, call: Called, stage: str, name: str, version: str, digest: str) -> FileResponse:
    """Send the bytes of one file of a model."""
    found = model_bundle.file_of(world, call, stage, (name, version), digest)
    return FileResponse(found, media_type="application/octet-stream")
