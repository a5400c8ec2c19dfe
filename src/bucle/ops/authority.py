"""The one place where a verb asks whether its caller may: the decision, and its refusal in words."""

from typing import assert_never

import sqlalchemy as sa

from bucle import errors
from bucle.core.access import Allow, Decision, Deny, decide, error_of
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
    return _allowed(decision, None)


def authorise_found(
    world: World, rows: sa.Connection, call: Call, action: Action, stage: str, missing: errors.NotFound
) -> Allow:
    """Return the binding that allows `action` at the stage of an object that was looked up by its name alone.

    Whoever may not know of the stage, or holds nothing anywhere, is told what he would be told of an unknown name:
    `missing`. Who sees the stage is Refused.
    """
    place = stage_scope(stage)
    return _allowed(decide(world.policy.snapshot(rows), call.caller, action, place, now=world.clock()), missing)


def _allowed(decision: Decision, missing: errors.NotFound | None) -> Allow:
    match decision:
        case Allow():
            return decision
        case Deny() if missing is not None and (not decision.visible or decision.why in {"no_grants", "nobody"}):
            raise missing
        case Deny():
            raise error_of(decision)
        case _:
            assert_never(decision)
