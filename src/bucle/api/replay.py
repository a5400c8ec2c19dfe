"""Operations that compute a past prediction again."""

from typing import Any

from bucle.api.door import Called, Door, TheWorld
from bucle.ops import replay

DOOR = Door()


@DOOR.operation("POST", "/replay/{request}", name="replay.create", permission="jobs/submit", status=202)
def begin(world: TheWorld, call: Called, request: str) -> dict[str, Any]:
    """Begin to compute a request's predictions again with the release's own bytes."""
    return replay.begin(world, call, request)


@DOOR.operation("GET", "/replay/{request}", name="replay.show", permission="jobs/read")
def show(world: TheWorld, call: Called, request: str) -> dict[str, Any]:
    """Show whether the predictions computed again equal those that were answered."""
    return replay.show(world, call, request)
