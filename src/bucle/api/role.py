"""Operations on roles."""

from typing import Any

from bucle.api.door import Called, Door, TheWorld
from bucle.ops import role

DOOR = Door()


@DOOR.operation("GET", "/roles", name="role.list", permission="roles/read")
def listed(world: TheWorld, call: Called) -> dict[str, Any]:
    """List the built-in roles, then the platform's own."""
    return {"value": role.listed(world, call), "next_page_token": None}
