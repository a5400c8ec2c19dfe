"""Operations on online endpoints."""

from typing import Any

from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops import endpoint

DOOR = Door()


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
