"""Operations on secrets; a value comes as the body, raw, and goes nowhere but into its envelope."""

from typing import Annotated, Any

from fastapi import Depends, Request

from bucle import errors
from bucle.api.door import Called, Door, Streamed, TheWorld
from bucle.core.secret import LONGEST_BYTES
from bucle.ops import secret
from bucle.ops.world import Call

DOOR = Door()


def setter(world: TheWorld, call: Streamed, stage: str, name: str) -> Call:
    """Return who sets a secret, once he may.

    Such a request has no idempotency key: a digest of its body would be one of the secret.
    """
    secret.may_set(world, call, stage, name)
    return call


async def short_body(request: Request) -> bytes:
    """Return the body as sent; BadRequest when it is too long for a secret."""
    taken = b""
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > LONGEST_BYTES:
            raise errors.BadRequest("secret.too_long", longest=LONGEST_BYTES)
    return taken


Setter = Annotated[Call, Depends(setter)]
Value = Annotated[bytes, Depends(short_body)]
"""Stands behind the setter among a verb's arguments: FastAPI asks for them in their order."""


@DOOR.operation("GET", "/stages/{stage}/secrets", name="secret.list", permission="secrets/list")
def listed(world: TheWorld, call: Called, stage: str) -> dict[str, Any]:
    """List the secrets of a stage by name; what they hold is never shown."""
    return {"value": secret.listed(world, call, stage), "next_page_token": None}


@DOOR.operation("PUT", "/stages/{stage}/secrets/{name}", name="secret.set", permission="secrets/write")
def put(world: TheWorld, call: Setter, stage: str, name: str, value: Value) -> dict[str, Any]:
    """Set a secret to the body: UTF-8 text; one line end after it is not a part of it."""
    return secret.put(world, call, stage, name, value)


@DOOR.operation("DELETE", "/stages/{stage}/secrets/{name}", name="secret.delete", permission="secrets/write")
def delete(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Delete a secret."""
    return secret.delete(world, call, stage, name)


@DOOR.operation("POST", "/secrets:rotate-key", name="secret.rotate_key", permission="secrets/write")
def rotate_key(world: TheWorld, call: Called) -> dict[str, Any]:
    """Seal every secret under a new key."""
    return secret.rotate_key(world, call)
