"""Operations on principals."""

from typing import Annotated, Any, Literal

from fastapi import Body

from bucle.api.door import Called, Door, TheWorld
from bucle.ops import principal
from bucle.spec.scalars import Name

DOOR = Door()


@DOOR.operation("POST", "/principals", name="principal.create", permission="principals/write", status=201)
def create(
    world: TheWorld,
    call: Called,
    name: Annotated[Name, Body()],
    kind: Annotated[Literal["person", "service"], Body()],
    owner: Annotated[Name | None, Body()] = None,
) -> dict[str, Any]:
    """Make a person, or a service that acts for its owner."""
    return principal.create(world, call, name, kind, owner)


@DOOR.operation("GET", "/principals", name="principal.list", permission="principals/read")
def listed(world: TheWorld, call: Called) -> dict[str, Any]:
    """List all principals by name."""
    return {"value": principal.listed(world, call), "next_page_token": None}


@DOOR.operation("GET", "/principals/{name}", name="principal.show", permission="principals/read")
def show(world: TheWorld, call: Called, name: str) -> dict[str, Any]:
    """Show a principal and the roles he holds."""
    return principal.show(world, call, name)


@DOOR.operation("POST", "/principals/{name}:invite", name="principal.invite", permission="principals/write")
def invite(
    world: TheWorld,
    call: Called,
    name: Name,
    kind: Annotated[Literal["person"] | None, Body(embed=True)] = None,
) -> dict[str, Any]:
    """Make a one-use code with which a person sets his password; with a kind, create him first."""
    return principal.invite(world, call, name, kind)


@DOOR.operation("POST", "/principals/{name}:disable", name="principal.disable", permission="principals/write")
def disable(world: TheWorld, call: Called, name: str) -> dict[str, Any]:
    """Shut a principal out from the next request on."""
    return principal.disable(world, call, name)
