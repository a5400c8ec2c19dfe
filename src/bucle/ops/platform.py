"""The platform file: planned against what stands, and applied as far as its caller may."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from bucle.access import bindings, managed, policy, principals
from bucle.core.access import Allow, decide
from bucle.core.actions import Action
from bucle.core.platform import Assignment, Compute, Datastore, Kind, Platform, Stage, Thing
from bucle.core.platform_plan import faults_of, plan_platform, unmanaged
from bucle.core.platform_steps import Create, Destroy, Step, apply_steps, permission, summarise
from bucle.core.refusal import refuse
from bucle.core.scopes import PLATFORM, Scope, stage_scope
from bucle.core.snapshot import Snapshot, access_admins
from bucle.ops.authority import authorise
from bucle.ops.platform_apply import Performing
from bucle.ops.platform_checks import refuse_not_run, refuse_unfit
from bucle.ops.platform_judge import Judge, Judged
from bucle.ops.platform_state import standing_platform, wanted_platform
from bucle.ops.world import Call, World
from bucle.spec.platform import Platform as PlatformFile
from bucle.store.records import Transaction

PLANNING: frozenset[Action] = frozenset(
    {
        "platform/configure",
        "workspaces/write",
        "quotas/write",
        "registries/write",
        "computes/write",
        "datastores/write",
        "datastores/classify",
        "roles/write",
        "principals/write",
        "assignments/write",
    }
)
"""Whoever holds one of these somewhere has a step to plan; nobody else is told what stands."""
READS: Mapping[Kind, Action] = MappingProxyType(
    {
        "stage": "workspaces/read",
        "registry": "registries/read",
        "compute": "computes/read",
        "datastore": "datastores/read",
        "role": "roles/read",
        "principal": "principals/read",
        "group": "principals/read",
        "member": "principals/read",
        "binding": "assignments/read",
    }
)
FIRST_RUN = "platform"
"""Who made the bindings of the first run, as they say themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A plan: what stands, what is wanted, and each step with its verdict."""

    snapshot: Snapshot
    current: Platform
    wanted: Platform
    steps: tuple[Judged, ...]
    ids: dict[str, str]

    @property
    def allowed(self) -> tuple[Step, ...]:
        """The steps that the caller may do."""
        return tuple(judged.step for judged in self.steps if judged.refusal is None)


def plan(world: World, call: Call, file: PlatformFile, *, prune: bool) -> dict[str, Any]:
    """Return the steps from what stands to what a file names, and whether the caller may do each; change nothing."""
    with world.read() as rows:
        planned = _planned(world, rows, call, file, prune=prune)
    steps = tuple(judged.step for judged in planned.steps)
    return _document(world, call, planned, summarise(steps), applied=False)


def apply(world: World, call: Call, file: PlatformFile, *, prune: bool) -> dict[str, Any]:
    """Do the steps that the caller may do, all or none of them; return these and the ones that are left to others.

    Raises Refused when the steps that he may do would, without the others, break a rule of the platform.
    """
    with world.write(call) as transaction:
        planned = _planned(world, transaction.rows, call, file, prune=prune)
        _refuse_half(planned)
        performing = Performing(world=world, call=call, transaction=transaction, wanted=planned.wanted, ids=planned.ids)
        for judged in planned.steps:
            if judged.refusal is None:
                performing.perform(judged)
        if planned.allowed:
            _settle(transaction, planned)
        answer = _document(world, call, planned, summarise(planned.allowed), applied=True)
        transaction.answers(answer)
    world.wake()
    return answer


def _planned(world: World, rows: sa.Connection, call: Call, file: PlatformFile, *, prune: bool) -> _Planned:
    snapshot = world.policy.snapshot(rows)
    _refuse_bystander(world, rows, call, snapshot)
    refuse_not_run(file)
    wanted = wanted_platform(file)
    refuse_unfit(world, rows, wanted)
    current = standing_platform(rows, snapshot, wanted)
    steps = (
        *plan_platform(current, wanted, prune=prune),
        *_solo_ends(rows, snapshot, current, wanted, prune=prune),
    )
    created = (step.thing for step in steps if isinstance(step, Create))
    new = {thing.key[1]: world.new_id() for thing in created if thing.key[0] in {"principal", "group"}}
    ids = {one.name: one.id for one in snapshot.principals} | new
    known = principals.list_principals(rows)
    judge = Judge(
        snapshot=snapshot,
        caller=call.caller,
        now=world.clock(),
        ids=ids,
        let_in=frozenset(one.name for one in known if one.password is not None),
    )
    return _Planned(snapshot=snapshot, current=current, wanted=wanted, steps=judge.judge(steps), ids=ids)


def _refuse_bystander(world: World, rows: sa.Connection, call: Call, snapshot: Snapshot) -> None:
    now = world.clock()
    held = (one for one in snapshot.holdings(call.caller.principal_id) if one.binding.live(now))
    if not any(one.role.actions & PLANNING for one in held):
        authorise(world, rows, call, "platform/configure", PLATFORM)


def _solo_ends(
    rows: sa.Connection, snapshot: Snapshot, current: Platform, wanted: Platform, *, prune: bool
) -> tuple[Step, ...]:
    """Return the end of what the first run gave its administrator for working alone, once a team is wanted.

    His bootstrap roles are no bindings: they end with the first other AccessAdmin.
    """
    if all((setting.name, setting.value) != ("governance", "team") for setting in wanted.settings):
        return ()
    given_at_first = bindings.ids_made_by(rows, FIRST_RUN)
    given = {
        (binding.principal_id, binding.role, binding.scope)
        for binding in snapshot.bindings
        if binding.principal_id == snapshot.bootstrap_id and binding.id in given_at_first
    }
    names = {one.id: one.name for one in snapshot.principals}
    ending = {("binding", f"{names[holder]}: {role} at {scope}") for holder, role, scope in given}
    named = wanted.things
    return tuple(
        Destroy(thing=thing)
        for key, thing in current.things.items()
        if key in ending and key not in named and not (prune and key in current.managed)
    )


def _refuse_half(planned: _Planned) -> None:
    """Refuse when what the caller may do is not right without the rest, such as a tier without its bindings' end."""
    known = faults_of(planned.current, ())
    for fault in faults_of(planned.current, planned.allowed):
        if fault not in known:
            raise fault.error


def _settle(transaction: Transaction, planned: _Planned) -> None:
    """Keep the marks of what was made, and make sure that somebody is left to grant."""
    outcome = apply_steps(planned.current, planned.allowed)
    managed.keep_marks(transaction, outcome.managed & set(outcome.things))
    after = policy.read_snapshot(transaction.rows)  # not the kept one: this transaction may yet be rolled back
    if access_admins(planned.snapshot) and not access_admins(after):
        raise refuse("access.last_admin").error


def _document(world: World, call: Call, planned: _Planned, summary: str, *, applied: bool) -> dict[str, Any]:
    left = sum(judged.refusal is not None for judged in planned.steps)
    shown = (thing for thing in unmanaged(planned.current, planned.wanted) if _sees(world, call, planned, thing))
    return {
        "platform": planned.wanted.name,
        "applied": applied,
        "summary": summary,
        "left": left,
        "steps": [{**judged.document(), "done": applied and judged.refusal is None} for judged in planned.steps],
        "unmanaged": [str(thing) for thing in shown if Destroy(thing=thing) not in planned.allowed],
    }


def _sees(world: World, call: Call, planned: _Planned, thing: Thing) -> bool:
    """Say whether the caller may know of a thing that his file does not name."""
    action = READS.get(thing.key[0])
    if action is None:
        return True
    decision = decide(planned.snapshot, call.caller, action, _where(thing), now=world.clock())
    return isinstance(decision, Allow)


def _where(thing: Thing) -> Scope:
    match thing:
        case Stage(name=stage) | Datastore(stage=stage) | Compute(stage=str(stage)):
            return stage_scope(stage)
        case Assignment(scope=scope):
            return scope
        case _:
            return permission(Create(thing=thing))[1]
