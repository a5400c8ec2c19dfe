"""The operation that follows one answer back to its people."""

from typing import Any

from bucle.api.door import SIGNED_IN, Called, Door, TheWorld
from bucle.ops import trace

DOOR = Door()


@DOOR.operation("GET", "/trace/{request}", name="platform.trace", permission=SIGNED_IN)
def follow(world: TheWorld, call: Called, request: str) -> dict[str, Any]:
    """Follow a request to its deployment, release, approval, job, commit, data and people."""
    return trace.trace(world, call, request)
