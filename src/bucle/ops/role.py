"""Roles: the built-in ones and the platform's own, as whoever may read them sees them."""

from typing import Any

from bucle.access.roles import custom_roles, document_of
from bucle.core.roles import BUILT_IN
from bucle.core.scopes import PLATFORM
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World


def listed(world: World, call: Call) -> list[dict[str, Any]]:
    """Return every role: what it may do, where it may be held, by whom, and up to which class of data."""
    with world.read() as rows:
        authorise(world, rows, call, "roles/read", PLATFORM)
        own = custom_roles(rows)
    built_in = [{**document_of(role), "built_in": True} for role in BUILT_IN.values()]
    return [*built_in, *({**document_of(role), "built_in": False} for role in own)]
