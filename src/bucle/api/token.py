"""Operations on API tokens."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import BaseModel, ConfigDict

from bucle.api.door import SIGNED_IN, Called, Door, TheWorld
from bucle.ops import token
from bucle.ops.token import AskedWindow

DOOR = Door()
LONGEST_S = 10 * 365 * 86_400


class WindowBody(BaseModel):
    """What a token lets through: these actions (null: any) at this scope and below."""

    model_config = ConfigDict(extra="forbid")

    scope: str
    actions: list[str] | None = None


@DOOR.operation("POST", "/tokens", name="token.create", permission=SIGNED_IN, status=201)
def create(
    world: TheWorld,
    call: Called,
    owner: Annotated[str | None, Body()] = None,
    windows: Annotated[list[WindowBody] | None, Body(max_length=100)] = None,
    expires_in_s: Annotated[int | None, Body(ge=1, le=LONGEST_S)] = None,
) -> dict[str, Any]:
    """Make a token: one's own in a login session; a service's as its owner, or under `tokens/write`."""
    asked = [AskedWindow(scope=window.scope, actions=window.actions) for window in windows or ()]
    lifetime = None if expires_in_s is None else timedelta(seconds=expires_in_s)
    return token.create(world, call, owner=owner, asked=asked, lifetime=lifetime)


@DOOR.operation("GET", "/tokens", name="token.list", permission=SIGNED_IN)
def listed(world: TheWorld, call: Called, owner: Annotated[str | None, Query()] = None) -> dict[str, Any]:
    """List one's own live tokens and those of one's services; another's under `principals/read`."""
    return {"value": token.listed(world, call, owner=owner), "next_page_token": None}


@DOOR.operation("POST", "/tokens/{token_id}:revoke", name="token.revoke", permission=SIGNED_IN)
def revoke(world: TheWorld, call: Called, token_id: str) -> dict[str, Any]:
    """Revoke a token from the next request on: one's own, or another's under `tokens/revoke`."""
    return token.revoke(world, call, token_id)
