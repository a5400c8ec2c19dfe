"""What somebody may do: one question, why an act is refused and who can mend that, and the matrix of a stage."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, assert_never

import sqlalchemy as sa

from bucle import errors
from bucle.core.access import Allow, Decision, Deny, decide, error_of
from bucle.core.actions import ACTIONS, CLASSED, Action
from bucle.core.classes import DEFAULT_CLASS, ORDER, DataClass, Tier
from bucle.core.scopes import PLATFORM, Scope, parse_scope, stage_scope
from bucle.core.snapshot import Binding, Caller, Snapshot
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.store.instants import to_text

DATA_COLUMNS: Mapping[str, Action] = MappingProxyType({"read-data": "data/read", "write-data": "data/write"})
VERB_COLUMNS: Mapping[str, tuple[Action, ...]] = MappingProxyType(
    {
        "look": ("workspaces/read", "jobs/read", "models/read", "endpoints/read", "metrics/read"),
        "run": ("jobs/submit", "jobs/cancel"),
        "build": ("pipelines/write", "components/write", "environments/write", "experiments/write"),
        "register": ("models/register", "models/write"),
        "share": ("models/share",),
        "deploy": ("endpoints/deploy", "endpoints/traffic/write"),
        "score": ("endpoints/score",),
        "request": ("promotions/request",),
        "approve": ("promotions/approve",),
        "execute": ("promotions/execute",),
        "rollback": ("promotions/rollback",),
        "classify": ("datastores/classify",),
        "set-up": ("workspaces/write", "computes/write", "quotas/write"),
        "grant": ("assignments/write",),
    }
)
"""The columns of the matrix, each with the actions that belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether `principal` (None: the caller) may do `action` at `scope`, on data of a class where it touches rows."""

    principal: str | None
    action: str
    scope: str
    data_class: DataClass | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    principal: str
    action: Action
    scope: Scope
    data_class: DataClass | None
    decision: Decision


def check(world: World, call: Call, question: Question) -> dict[str, Any]:
    """Answer a question with the role that allows the act, or with the words of the refusal."""
    with world.read() as rows:
        return _document(_answer(world, rows, call, question))


def why_denied(world: World, call: Call, question: Question) -> dict[str, Any]:
    """Answer a question, and for a refusal the nearest binding, the roles that would do and who can grant them."""
    with world.read() as rows:
        answer = _answer(world, rows, call, question)
    document = _document(answer)
    match answer.decision:
        case Allow():
            return document
        case Deny(visible=False):
            return {**document, "nearest": None, "roles": [], "granters": []}
        case Deny(nearest=nearest, roles=roles, granters=granters):
            nearest_row = None if nearest is None else _held(nearest)
            return {**document, "nearest": nearest_row, "roles": list(roles), "granters": list(granters)}
        case _:
            assert_never(answer.decision)


def matrix(world: World, call: Call, stage: str) -> dict[str, Any]:
    """Return who may do what in a stage: a row for everybody who holds something there, a cell for each column.

    A cell is `yes`, `some` (not every action of its column) or `no`; those of data hold the highest class reached.
    """
    with world.read() as rows:
        authorise(world, rows, call, "assignments/read", stage)
        snapshot = world.policy.snapshot(rows)
    return matrix_of(snapshot, stage, world.clock())


def matrix_of(snapshot: Snapshot, stage: str, now: datetime) -> dict[str, Any]:
    """Return the matrix of a stage that a policy gives at `now`."""
    place = stage_scope(stage)
    lines = []
    for known in sorted(snapshot.principals, key=lambda principal: principal.name):
        roles = _roles_at(snapshot, known.id, place, now)
        if roles:
            cells = _cells(snapshot, known.id, place, now)
            lines.append({"principal": known.name, "kind": known.kind, "roles": roles, "cells": cells})
    columns = [*DATA_COLUMNS, *VERB_COLUMNS]
    return {"stage": stage, "tier": snapshot.stages[stage], "columns": columns, "rows": lines}


def _answer(world: World, rows: sa.Connection, call: Call, question: Question) -> _Answer:
    """Decide a question; one about somebody else takes `assignments/read`, whose holder sees every place."""
    snapshot = world.policy.snapshot(rows)
    another = question.principal not in {None, call.principal.name}
    caller = call.caller
    if another:
        authorise(world, rows, call, "assignments/read", PLATFORM)
        caller = _caller_of(snapshot, question.principal or "")
    action, scope = _action(question.action), parse_scope(question.scope)
    data_class = question.data_class or _usual_class(snapshot, action, scope)
    decision = decide(snapshot, caller, action, scope, now=world.clock(), data_class=data_class)
    if another and isinstance(decision, Deny):
        decision = replace(decision, visible=True)
    return _Answer(
        principal=question.principal or call.principal.name,
        action=action,
        scope=scope,
        data_class=data_class,
        decision=decision,
    )


def _caller_of(snapshot: Snapshot, name: str) -> Caller:
    for principal in snapshot.principals:
        if principal.name == name:
            return Caller(principal_id=principal.id)
    raise errors.NotFound("principal.not_found", name=name)


def _action(text: str) -> Action:
    for action in ACTIONS:
        if action == text:
            return action
    raise errors.BadRequest("can.unknown_action", action=text)


def _usual_class(snapshot: Snapshot, action: Action, scope: Scope) -> DataClass | None:
    """Return the class of data that lies at a place by default, for an action that asks for one."""
    tier: Tier | None = snapshot.stages.get(scope.stage or "")
    return DEFAULT_CLASS[tier] if tier is not None and action in CLASSED else None


def _document(answer: _Answer) -> dict[str, Any]:
    asked = {
        "principal": answer.principal,
        "action": answer.action,
        "scope": str(answer.scope),
        "class": answer.data_class,
    }
    decision = answer.decision
    if isinstance(decision, Allow):
        return {**asked, "allowed": True, "by": _held(decision.binding)}
    error = error_of(decision)
    why = decision.why if decision.visible else "not_found"
    return {**asked, "allowed": False, "why": why, "detail": error.detail, "hint": error.hint}


def _held(binding: Binding) -> dict[str, Any]:
    expires_at = None if binding.expires_at is None else to_text(binding.expires_at)
    return {"role": binding.role, "scope": str(binding.scope), "expires_at": expires_at}


def _roles_at(snapshot: Snapshot, principal_id: str, place: Scope, now: datetime) -> list[str]:
    """Return the roles that count at a stage: held there or above it, and live."""
    held = (holding.binding for holding in snapshot.holdings(principal_id))
    return sorted({binding.role for binding in held if binding.scope.covers(place) and binding.live(now)})


def _cells(snapshot: Snapshot, principal_id: str, place: Scope, now: datetime) -> dict[str, str]:
    caller = Caller(principal_id=principal_id)

    def may(action: Action, data_class: DataClass | None = None) -> bool:
        return isinstance(decide(snapshot, caller, action, place, now=now, data_class=data_class), Allow)

    cells: dict[str, str] = {}
    for column, action in DATA_COLUMNS.items():
        cells[column] = next((reached for reached in reversed(ORDER) if may(action, reached)), "no")
    for column, actions in VERB_COLUMNS.items():
        allowed = sum(may(action) for action in actions)
        cells[column] = "no" if not allowed else "yes" if allowed == len(actions) else "some"
    return cells
