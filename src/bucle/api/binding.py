"""Operations on bindings: who holds which role where."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Body, Query

from bucle.api.door import Called, Door, TheWorld
from bucle.ops import binding

DOOR = Door()
LONGEST_S = 10 * 365 * 86_400
Seconds = Annotated[int | None, Body(ge=1, le=LONGEST_S)]


@DOOR.operation("POST", "/bindings", name="binding.create", permission="assignments/write", status=201)
def create(
    world: TheWorld,
    call: Called,
    principal: Annotated[str, Body()],
    role: Annotated[str, Body()],
    scope: Annotated[str, Body()],
    expires_in_s: Seconds = None,
) -> dict[str, Any]:
    """Grant a role to a principal at a scope, for good or for some seconds."""
    lifetime = None if expires_in_s is None else timedelta(seconds=expires_in_s)
    return binding.create(world, call, principal, role, scope, lifetime)


@DOOR.operation("GET", "/bindings", name="binding.list", permission="assignments/read")
def listed(
    world: TheWorld,
    call: Called,
    principal: Annotated[str | None, Query()] = None,
    scope: Annotated[str | None, Query()] = None,
) -> dict[str, Any]:
    """List who holds which role where."""
    rows = binding.listed(world, call, principal=principal, scope=scope)
    return {"value": rows, "next_page_token": None}


@DOOR.operation("GET", "/bindings:idle", name="binding.idle", permission="assignments/read")
def idle(
    world: TheWorld, call: Called, days: Annotated[int, Query(ge=1, le=LONGEST_S // 86_400)] = 90
) -> dict[str, Any]:
    """List bindings with which nothing was done for some days."""
    return {"value": binding.idle(world, call, timedelta(days=days)), "next_page_token": None}


@DOOR.operation("DELETE", "/bindings/{binding_id}", name="binding.delete", permission="assignments/write")
def delete(world: TheWorld, call: Called, binding_id: str) -> dict[str, Any]:
    """Revoke a binding; the holder's next request is decided without it."""
    return binding.delete(world, call, binding_id)
