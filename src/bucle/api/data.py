"""Operations on data assets."""

from typing import Annotated, Any

from fastapi import Body, Query

from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops import data
from bucle.spec.data import Data
from bucle.spec.loading import load_body

DOOR = Door()


@DOOR.operation("POST", "/stages/{stage}/data", name="data.create", permission="datasets/write", status=201)
def create(world: TheWorld, call: Called, stage: str, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Make a version of a data asset from bytes that were uploaded; the body is the YAML document as JSON."""
    asked = load_body(body, "data").value
    assert isinstance(asked, Data)
    return data.create(world, call, stage, asked)


@DOOR.operation("GET", "/stages/{stage}/data", name="data.list", permission="datasets/read")
def listed(
    world: TheWorld, call: Called, stage: str, page: AskedPage, name: Annotated[str | None, Query()] = None
) -> dict[str, Any]:
    """List versions of data assets, newest first."""
    rows, last = data.listed(world, call, stage, name=name, limit=page.limit, after=page.after)
    return page_of(world, rows, last)


@DOOR.operation("GET", "/stages/{stage}/data/{name}/versions/{version}", name="data.show", permission="datasets/read")
def show(world: TheWorld, call: Called, stage: str, name: str, version: str) -> dict[str, Any]:
    """Show one version of a data asset; `latest` is the newest."""
    return data.show(world, call, stage, name, version)
