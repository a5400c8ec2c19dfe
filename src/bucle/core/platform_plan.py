"""The platform planner: the steps from what stands to what a file wants; it touches nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bucle.core.approval import check_new_datastore
from bucle.core.classes import CEILING, TIERS, Tier, attachable
from bucle.core.platform import Datastore, Member, Path, Platform, Stage, Thing, settled
from bucle.core.platform_rights import faults_of_rights
from bucle.core.platform_steps import Change, Classify, Create, Destroy, SetSlots, Step, apply_steps
from bucle.core.refusal import Refusal, refuse
from bucle.core.scopes import stage_scope


def plan_platform(current: Platform, wanted: Platform, *, prune: bool = False) -> tuple[Step, ...]:
    """Return the steps that make `current` what `wanted` names, in the order in which they are done.

    What `wanted` does not name stays, except that `prune` destroys what an earlier file made. Raises Refused
    for the first rule that the outcome would break; `faults_of` returns them all.
    """
    steps = _steps(current, wanted, prune=prune)
    for fault in faults_of(current, steps):
        raise fault.error
    return steps


def faults_of(current: Platform, steps: tuple[Step, ...]) -> tuple[Refusal, ...]:
    """Return every rule that the platform would break after these steps: tiers, roles, classes, names."""
    outcome = apply_steps(current, steps)
    return (*_kind_faults(steps), *_new_faults(steps, outcome), *_outcome_faults(outcome), *faults_of_rights(outcome))


def unmanaged(current: Platform, wanted: Platform) -> tuple[Thing, ...]:
    """Return what verbs made and the file does not name: listed, never touched."""
    named = wanted.things
    return tuple(thing for key, thing in current.things.items() if key not in named and key not in current.managed)


def prunable(current: Platform, wanted: Platform) -> tuple[Thing, ...]:
    """Return what an earlier file made and this one no longer names, last made first."""
    named = wanted.things
    left = [thing for key, thing in current.things.items() if key not in named and key in current.managed]
    return tuple(reversed(left))


def _steps(current: Platform, wanted: Platform, *, prune: bool) -> tuple[Step, ...]:
    standing = current.things
    tiers = _tiers(wanted)
    making = (
        step
        for key, thing in wanted.things.items()
        for step in _step_for(standing.get(key), settled(standing.get(key), thing, tiers))
    )
    return (*making, *(Destroy(thing=thing) for thing in (prunable(current, wanted) if prune else ())))


def _step_for(had: Thing | None, wanted: Thing) -> Iterator[Step]:
    """Yield what turns one thing into another: quotas and classes are steps of their own, others' to do."""
    if had is None:
        yield Create(thing=wanted)
        return
    after = wanted
    if isinstance(had, Stage) and isinstance(after, Stage) and had.slots != after.slots:
        after = replace(after, slots=had.slots)
    if isinstance(had, Datastore) and isinstance(after, Datastore) and had.data_class != after.data_class:
        after = replace(after, data_class=had.data_class)
    if after != had:
        yield Change(before=had, after=after)
    match after, wanted:
        case Stage(name=name, slots=slots), Stage(slots=int(more)) if more != slots:
            yield SetSlots(stage=name, before=slots, after=more)
        case Datastore(data_class=str(data_class)) as datastore, Datastore(data_class=str(other)) if (
            data_class != other
        ):
            yield Classify(datastore=datastore, before=data_class, after=other)
        case _:
            pass


def _kind_faults(steps: tuple[Step, ...]) -> Iterator[Refusal]:
    """Yield what cannot be changed in place: who is a person does not become a service."""
    for step in steps:
        if isinstance(step, Change) and isinstance(step.before, Member) and isinstance(step.after, Member):
            before, after = step.before, step.after
            if before.kind != after.kind:
                yield refuse("platform.kind", principal=after.name, before=before.kind, after=after.kind)


def _new_faults(steps: tuple[Step, ...], outcome: Platform) -> Iterator[Refusal]:
    tiers = _tiers(outcome)
    for step in steps:
        if isinstance(step, Create) and isinstance(step.thing, Datastore):
            tier, data_class = tiers.get(step.thing.stage), step.thing.data_class
            if tier is not None and data_class is not None:
                fault = check_new_datastore(stage_scope(step.thing.stage), tier, data_class)
                if fault is not None:
                    yield fault


def _outcome_faults(outcome: Platform) -> Iterator[Refusal]:
    tiers = _tiers(outcome)
    members = {member.name: member for member in outcome.principals}
    for path in outcome.paths:
        yield from _path_faults(path, tiers)
    for datastore in outcome.datastores:
        yield from _datastore_faults(datastore, tiers)
    for compute in outcome.computes:
        if compute.stage is not None and compute.stage not in tiers:
            yield refuse("platform.unknown_stage", what=compute, stage=compute.stage)
    for member in outcome.principals:
        yield from _member_faults(member, members)
    for owner in outcome.owners:
        if owner.principal not in members:
            yield refuse("access.unknown_principal", principal=owner.principal)


def _path_faults(path: Path, tiers: Mapping[str, Tier]) -> Iterator[Refusal]:
    for stage in path.stages:
        if stage not in tiers:
            yield refuse("platform.unknown_stage", what=path, stage=stage)
    ranks = [TIERS.index(tiers[stage]) for stage in path.stages if stage in tiers]
    if ranks != sorted(ranks) or len(set(path.stages)) != len(path.stages):
        yield refuse("platform.path_order", path=path)


def _datastore_faults(datastore: Datastore, tiers: Mapping[str, Tier]) -> Iterator[Refusal]:
    tier = tiers.get(datastore.stage)
    if tier is None:
        yield refuse("platform.unknown_stage", what=datastore, stage=datastore.stage)
    elif datastore.data_class is not None and not attachable(datastore.data_class, tier):
        yield refuse(
            "access.class_above_tier",
            data_class=datastore.data_class,
            scope=stage_scope(datastore.stage),
            tier=tier,
            limit=CEILING[tier],
        )


def _member_faults(member: Member, members: Mapping[str, Member]) -> Iterator[Refusal]:
    """Yield what is wrong with an owner: a service has one, and it is a person."""
    owner = members.get(member.owner or "")
    if member.kind == "service" and (owner is None or owner.kind != "person"):
        yield refuse("platform.owner", principal=member.name)


def _tiers(platform: Platform) -> dict[str, Tier]:
    return {stage.name: stage.tier for stage in platform.stages}
