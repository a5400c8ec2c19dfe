"""Who the platform acts as when no person asks: the service that holds MonitorAgent in the stage."""

import sqlalchemy as sa

from bucle import errors
from bucle.core.scopes import stage_scope
from bucle.core.snapshot import Caller
from bucle.ops.world import Call, World

ROLE = "MonitorAgent"


def monitor_agent(world: World, rows: sa.Connection, stage: str) -> Call:
    """Return a call of the service that holds MonitorAgent in a stage: nothing runs as a person who may have left."""
    snapshot = world.policy.snapshot(rows)
    scope = stage_scope(stage)
    for principal in snapshot.principals:
        for held in snapshot.holdings(principal.id):
            if held.role.name == ROLE and held.binding.scope.covers(scope) and principal.active:
                caller = Caller(principal_id=principal.id, session="workload")
                return Call(caller=caller, principal=principal, via="clock", request_id=world.new_id())
    raise errors.Refused("retrain.no_principal", stage=stage)
