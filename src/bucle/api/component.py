"""Operations on components."""

from typing import Annotated, Any

from fastapi import Body, Query

from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops import asset
from bucle.spec.loading import load_body

DOOR = Door()


@DOOR.operation(
    "POST", "/stages/{stage}/components", name="component.create", permission="components/write", status=201
)
def create(world: TheWorld, call: Called, stage: str, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Make a version of a component; the body is the YAML document as JSON."""
    loaded = load_body(body, "component")
    return asset.COMPONENT.create(world, call, stage, loaded.document)


@DOOR.operation("GET", "/stages/{stage}/components", name="component.list", permission="components/read")
def listed(
    world: TheWorld, call: Called, stage: str, page: AskedPage, name: Annotated[str | None, Query()] = None
) -> dict[str, Any]:
    """List versions of components, newest first."""
    rows, last = asset.COMPONENT.listed(world, call, stage, name=name, limit=page.limit, after=page.after)
    return page_of(world, rows, last)


@DOOR.operation(
    "GET",
    "/stages/{stage}/components/{name}/versions/{version}",
    name="component.show",
    permission="components/read",
)
def show(world: TheWorld, call: Called, stage: str, name: str, version: str) -> dict[str, Any]:
    """Show one version of a component; `latest` is the newest."""
    return asset.COMPONENT.show(world, call, stage, name, version)
