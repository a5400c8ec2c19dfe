"""Operations on environments."""

from typing import Annotated, Any

from fastapi import Body, Query

from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops import asset
from bucle.spec.loading import load_body

DOOR = Door()


@DOOR.operation(
    "POST", "/stages/{stage}/environments", name="environment.create", permission="environments/write", status=201
)
def create(world: TheWorld, call: Called, stage: str, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Make a version of an environment; the body is the YAML document as JSON."""
    loaded = load_body(body, "environment")
    return asset.ENVIRONMENT.create(world, call, stage, loaded.document)


@DOOR.operation("GET", "/stages/{stage}/environments", name="environment.list", permission="environments/read")
def listed(
    world: TheWorld, call: Called, stage: str, page: AskedPage, name: Annotated[str | None, Query()] = None
) -> dict[str, Any]:
    """List versions of environments, newest first."""
    rows, last = asset.ENVIRONMENT.listed(world, call, stage, name=name, limit=page.limit, after=page.after)
    return page_of(world, rows, last)


@DOOR.operation(
    "GET",
    "/stages/{stage}/environments/{name}/versions/{version}",
    name="environment.show",
    permission="environments/read",
)
def show(world: TheWorld, call: Called, stage: str, name: str, version: str) -> dict[str, Any]:
    """Show one version of an environment; `latest` is the newest."""
    return asset.ENVIRONMENT.show(world, call, stage, name, version)
