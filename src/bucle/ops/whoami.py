"""Who is calling, and what he holds where."""

from typing import Any

from bucle.ops.world import Call, World


def whoami(world: World, call: Call) -> dict[str, Any]:
    """Return the caller's name, kind and roles."""
    with world.read() as rows:
        snapshot = world.policy.snapshot(rows)
    roles = [
        {"role": held.role.name, "scope": str(held.binding.scope)}
        for held in snapshot.holdings(call.principal.id)
        if held.binding.live(world.clock())
    ]
    return {
        "name": call.principal.name,
        "kind": call.principal.kind,
        "session": call.caller.session,
        "governance": snapshot.governance,
        "roles": sorted(roles, key=lambda row: (row["scope"], row["role"])),
    }
