"""The one place where a verb asks whether its caller may: the decision, and its refusal in words."""

from typing import assert_never

import sqlalchemy as sa

from bucle.core.access import Allow, Deny, decide, error_of
from bucle.core.actions import Action
from bucle.core.classes import DataClass
from bucle.core.scopes import Scope, stage_scope
from bucle.ops.world import Call, World


def authorise(
    world: World,
    rows: sa.Connection,
    call: Call,
    action: Action,
    scope: Scope | str,
    *,
    data_class: DataClass | None = None,
) -> Allow:
    """Return the binding that allows `action` at `scope` (a stage's name, or a scope); Refused or NotFound otherwise.

    Outside the caller's scope the answer is NotFound: a refusal there would tell what exists.
    """
    place = stage_scope(scope) if isinstance(scope, str) else scope
    decision = decide(world.policy.snapshot(rows), call.caller, action, place, now=world.clock(), data_class=data_class)
    match decision:
        case Allow():
            return decision
        case Deny():
            raise error_of(decision)
        case _:
            assert_never(decision)
