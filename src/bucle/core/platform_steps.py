"""The steps by which a platform file is applied: the permission that each needs, its words, its effect."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import NamedTuple, assert_never

from bucle.core.actions import Action
from bucle.core.classes import DataClass
from bucle.core.platform import (
    Assignment,
    Compute,
    CustomRole,
    Datastore,
    Kind,
    Path,
    Platform,
    Stage,
    Thing,
    platform_of,
)
from bucle.core.scopes import PLATFORM, Scope, stage_scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make a stage, attach a datastore, give a role …: a thing that is not there yet."""

    thing: Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Give what is there, under the same name, other values."""

    before: Thing
    after: Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSlots:
    """Give a stage another number of slots: a quota, not a change of the stage."""

    stage: str
    before: int | None
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Classify:
    """Give a datastore another class; lowering it needs a second person as well."""

    datastore: Datastore
    before: DataClass
    after: DataClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroy:
    """Remove what an earlier file made and this one no longer names; only with `--prune`."""

    thing: Thing


Step = Create | Change | SetSlots | Classify | Destroy


class _Needs(NamedTuple):
    """The actions that making or changing a thing of a kind needs, and destroying one."""

    write: Action
    destroy: Action


_NEEDS: Mapping[Kind, _Needs] = MappingProxyType(
    {
        "setting": _Needs("platform/configure", "platform/configure"),
        "stage": _Needs("workspaces/write", "workspaces/delete"),
        "registry": _Needs("registries/write", "registries/write"),
        "compute": _Needs("computes/write", "computes/delete"),
        "datastore": _Needs("datastores/write", "datastores/delete"),
        "path": _Needs("platform/configure", "platform/configure"),
        "principal": _Needs("principals/write", "principals/write"),
        "role": _Needs("roles/write", "roles/write"),
        "group": _Needs("principals/write", "principals/write"),
        "member": _Needs("principals/write", "principals/write"),
        "binding": _Needs("assignments/write", "assignments/write"),
        "owner": _Needs("platform/configure", "platform/configure"),
        "price": _Needs("platform/configure", "platform/configure"),
    }
)


def permission(step: Step) -> tuple[Action, Scope]:
    """Return the action that the step needs, and where: each step is authorised by itself."""
    match step:
        case Create(thing=thing) | Change(after=thing):
            return _NEEDS[thing.key[0]].write, _scope_of(thing)
        case SetSlots(stage=stage):
            return "quotas/write", stage_scope(stage)
        case Classify(datastore=datastore):
            return "datastores/classify", stage_scope(datastore.stage, "datastores", datastore.name)
        case Destroy(thing=thing):
            return _NEEDS[thing.key[0]].destroy, _scope_of(thing)
        case _:
            assert_never(step)


def explain(step: Step) -> str:
    """Say in one line what the step does; the plan, the page and the audit record read this."""
    match step:
        case Create(thing=thing):
            return f"+ {thing}"
        case Change(before=before, after=after):
            return _explain_change(before, after)
        case SetSlots(stage=stage, before=slots, after=wanted):
            return f"~ stage {stage}: slots {slots or 'unset'} becomes {wanted}"
        case Classify(datastore=datastore, before=data_class, after=other):
            return f"~ {datastore}: class {data_class} becomes {other}"
        case Destroy(thing=thing):
            return f"- {thing}"
        case _:
            assert_never(step)


def summarise(steps: Iterable[Step]) -> str:
    """Say in one line how much a plan does; a plan without steps is `0 changes`."""
    every = tuple(steps)
    if not every:
        return "0 changes"
    created = sum(isinstance(step, Create) for step in every)
    destroyed = sum(isinstance(step, Destroy) for step in every)
    return f"{created} created, {len(every) - created - destroyed} changed, {destroyed} destroyed"


def apply_steps(state: Platform, steps: Iterable[Step]) -> Platform:
    """Return what the platform is once the steps are done."""
    things, managed = dict(state.things), set(state.managed)
    for step in steps:
        match step:
            case Create(thing=thing):
                things[thing.key] = thing
                managed.add(thing.key)
            case Change(after=thing):
                things[thing.key] = thing
            case SetSlots(stage=name, after=slots):
                things["stage", name] = _with_slots(things["stage", name], slots)
            case Classify(datastore=datastore, after=data_class):
                things[datastore.key] = replace(datastore, data_class=data_class)
            case Destroy(thing=thing):
                del things[thing.key]
                managed.discard(thing.key)
            case _:
                assert_never(step)
    return platform_of(state.name, things, frozenset(managed))


def _with_slots(thing: Thing, slots: int) -> Thing:
    return replace(thing, slots=slots) if isinstance(thing, Stage) else thing


def _scope_of(thing: Thing) -> Scope:
    """Return where a thing is made: stages and registries, which are not there yet, at the platform."""
    match thing:
        case Datastore(stage=stage) | Compute(stage=str(stage)):
            return stage_scope(stage)
        case Assignment(scope=scope):
            return scope
        case _:
            return PLATFORM


def _differences(before: CustomRole, after: CustomRole) -> str:
    """Say which actions come and go."""
    come = [f"+{action}" for action in after.actions if action not in before.actions]
    go = [f"-{action}" for action in before.actions if action not in after.actions]
    return f" ({', '.join(come + go)})" if come or go else ""


def _explain_change(before: Thing, after: Thing) -> str:
    if isinstance(before, Path) and isinstance(after, Path):
        return f"~ {before} becomes {'→'.join(after.stages)}"
    if isinstance(before, CustomRole) and isinstance(after, CustomRole):
        return f"~ {before} becomes {after}{_differences(before, after)}"
    changed = (
        f"{field.name} {getattr(before, field.name) or 'unset'} becomes {getattr(after, field.name)}"
        for field in fields(after)
        if getattr(before, field.name) != getattr(after, field.name)
    )
    return f"~ {' '.join(after.key)}: {', '.join(changed)}"
