"""Operations on online endpoints."""

from typing import Annotated, Any

from fastapi import Body, Query, Response

from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops import endpoint
from bucle.spec.loading import load_body
from bucle.spec.online_endpoint import OnlineEndpoint

DOOR = Door()


@DOOR.operation(
    "POST", "/stages/{stage}/online-endpoints", name="online_endpoint.create", permission="endpoints/write", status=201
)
def create(world: TheWorld, call: Called, stage: str, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Make an endpoint; the body is the YAML document as JSON."""
    loaded = load_body(body, "online_endpoint")
    assert isinstance(loaded.value, OnlineEndpoint), "the kind was given"
    return endpoint.create(world, call, stage, loaded.value, loaded.document)


@DOOR.operation(
    "POST",
    "/stages/{stage}/online-endpoints/{name}:update",
    name="online_endpoint.update",
    permission="endpoints/traffic/write",
)
def update(
    world: TheWorld, call: Called, stage: str, name: str, body: Annotated[dict[str, Any], Body()]
) -> dict[str, Any]:
    """Change an endpoint or move its traffic; fields that are left out stay as they are."""
    loaded = load_body({**body, "name": name}, "online_endpoint")
    assert isinstance(loaded.value, OnlineEndpoint), "the kind was given"
    return endpoint.update(world, call, stage, loaded.value, loaded.document)


@DOOR.operation(
    "POST",
    "/stages/{stage}/online-endpoints/{name}:invoke",
    name="online_endpoint.invoke",
    permission="endpoints/score",
)
def invoke(
    world: TheWorld,
    call: Called,
    stage: str,
    name: str,
    body: Annotated[Any, Body()],
    deployment: Annotated[str | None, Query()] = None,
) -> Response:
    """Send a request to an endpoint, or to one of its deployments; the answer is the gateway's."""
    found = endpoint.invoke(world, call, stage, name, body, deployment)
    return Response(found.content, status_code=found.status_code, media_type="application/json")


@DOOR.operation(
    "DELETE", "/stages/{stage}/online-endpoints/{name}", name="online_endpoint.delete", permission="endpoints/delete"
)
def delete(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Remove an endpoint without deployments."""
    return endpoint.delete(world, call, stage, name)


@DOOR.operation("GET", "/stages/{stage}/online-endpoints", name="online_endpoint.list", permission="endpoints/read")
def listed(world: TheWorld, call: Called, stage: str, page: AskedPage) -> dict[str, Any]:
    """List endpoints by name."""
    after = str(page.after[0]) if page.after else None
    rows, last = endpoint.listed(world, call, stage, limit=page.limit, after=after)
    return page_of(world, rows, last)


@DOOR.operation(
    "GET", "/stages/{stage}/online-endpoints/{name}", name="online_endpoint.show", permission="endpoints/read"
)
def show(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Show an endpoint with what each deployment answers and uses."""
    return endpoint.show(world, call, stage, name)


@DOOR.operation(
    "POST",
    "/stages/{stage}/online-endpoints/{name}:get-credentials",
    name="online_endpoint.get_credentials",
    permission="endpoints/keys/read",
)
def credentials(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Read the keys of an endpoint."""
    return endpoint.credentials(world, call, stage, name)
