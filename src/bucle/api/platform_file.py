"""Operations on the platform as a file: plan it, apply it."""

from typing import Annotated, Any

from fastapi import Body, Query

from bucle.api.door import SIGNED_IN, Called, Door, TheWorld
from bucle.ops import platform
from bucle.spec.loading import load_body
from bucle.spec.platform import Platform

DOOR = Door()
File = Annotated[dict[str, Any], Body()]
Prune = Annotated[bool, Query()]


@DOOR.operation("POST", "/platform:plan", name="platform.plan", permission=SIGNED_IN)
def plan(world: TheWorld, call: Called, body: File, *, prune: Prune = False) -> dict[str, Any]:
    """Show each step from what stands to what platform.yml names, and whether the caller may do it."""
    return platform.plan(world, call, _read(body), prune=prune)


@DOOR.operation("POST", "/platform:apply", name="platform.apply", permission=SIGNED_IN)
def apply(world: TheWorld, call: Called, body: File, *, prune: Prune = False) -> dict[str, Any]:
    """Do the steps that the caller may do, each under its own permission; name who can do the rest."""
    return platform.apply(world, call, _read(body), prune=prune)


def _read(body: dict[str, Any]) -> Platform:
    file = load_body(body, "platform").value
    assert isinstance(file, Platform)
    return file
