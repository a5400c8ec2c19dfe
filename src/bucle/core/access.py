"""The access engine: who may do what, where, on data of which class; decided over one immutable snapshot."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from bucle import errors
from bucle.core.actions import CLASSED, READING, Action
from bucle.core.classes import DataClass, Place, within
from bucle.core.roles import Role
from bucle.core.scopes import PLATFORM, Scope
from bucle.core.snapshot import Binding, Caller, Holding, Snapshot

Why = Literal[
    "nobody",  # unknown or deactivated
    "no_grants",
    "unknown_place",
    "outside_token",
    "job_identity",
    "unlabelled",
    "above_tier",
    "above_role",
    "expired",
    "elsewhere",  # the action is held, but not here
    "not_in_role",  # something is held here, but not this action
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Yes, by this binding; `bootstrap` marks an act of the bootstrap administrator."""

    binding: Binding
    bootstrap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """No: what is missing where, the nearest binding and why it fell short, and who can help."""

    action: Action
    scope: Scope
    data_class: DataClass | None
    why: Why
    nearest: Binding | None
    roles: tuple[str, ...]
    """The roles that would allow it."""
    at: Scope
    """Where to hold one of them."""
    granters: tuple[str, ...]
    """The names of those who can grant one of them."""
    visible: bool
    """False: the scope lies outside the caller's, and the answer is 404."""


Decision = Allow | Deny


def decide(
    snapshot: Snapshot,
    caller: Caller,
    action: Action,
    scope: Scope,
    *,
    now: datetime,
    data_class: DataClass | None = None,
) -> Decision:
    """Decide whether the caller may do `action` at `scope`; deny whatever no binding allows.

    `data_class` is that of the rows or bytes touched. Actions of `CLASSED` are refused without one; other
    actions look at it only when a registry is read by somebody without a binding there.
    """
    if not _passes_windows(caller, action, scope):
        return _deny(snapshot, caller, Act(action, scope, data_class), "outside_token", now)
    holding = _allowing(snapshot, caller.principal_id, Act(action, scope, data_class), now) or (
        _kept_by_job(snapshot, caller, Act(action, scope, data_class))
    )
    if holding is None:
        return _deny(snapshot, caller, Act(action, scope, data_class), None, now)
    if caller.identity_id is not None and (
        _allowing(snapshot, caller.identity_id, Act(action, scope, data_class), now) is None
    ):
        return _deny(snapshot, caller, Act(action, scope, data_class), "job_identity", now)
    return Allow(binding=holding.binding, bootstrap=holding.bootstrap)


def error_of(deny: Deny) -> errors.Refused | errors.NotFound:
    """Return the error that says the denial in words; outside the caller's scope it says only `not found`."""
    if not deny.visible:
        return errors.NotFound("access.not_found", scope=deny.scope)
    nearest = deny.nearest
    return errors.Refused(
        f"access.denied.{deny.why}",
        action=deny.action,
        scope=deny.scope,
        at=deny.at,
        data_class=deny.data_class or "unknown",
        role=nearest.role if nearest else "none",
        held_at=nearest.scope if nearest else "nowhere",
        expired_at=nearest.expires_at if nearest else None,
        roles=" or ".join(deny.roles) or "none of the built-in roles",
        granters=", ".join(deny.granters) or "an AccessAdmin",
    )


class Act(NamedTuple):
    """What is asked: an action, where, and on data of which class."""

    action: Action
    scope: Scope
    data_class: DataClass | None


def _passes_windows(caller: Caller, action: Action, scope: Scope) -> bool:
    if caller.windows is None:
        return True
    return any(window.passes(action) and window.scope.covers(scope) for window in caller.windows)


def _allowing(snapshot: Snapshot, principal_id: str, act: Act, now: datetime) -> Holding | None:
    """Return the holding that allows the act, or None."""
    place = snapshot.place_of(act.scope)
    held = snapshot.index.get(principal_id)
    if place is None or held is None:
        return None
    for node in act.scope.lineage:
        for holding in held.get(node.parts, ()):
            if (
                act.action in holding.role.actions
                and holding.binding.live(now)
                and (act.action not in CLASSED or within(act.data_class, holding.role.ceiling, place))
            ):
                return holding
    if place == "shared" and act.action in READING:
        return _reading_a_registry(snapshot, principal_id, act.data_class, now)
    return None


def _kept_by_job(snapshot: Snapshot, caller: Caller, act: Act) -> Holding | None:
    """Return what a running job keeps though its submitter has lost the role since: its own run, and no row.

    Its token was minted within what the submitter then held, names nothing but this run, and ends with it.
    """
    keeps = keeps_its_run(snapshot, caller, act.action) and snapshot.place_of(act.scope) not in {None, "platform"}
    if not keeps:
        return None
    role = Role(name="job token", purpose="", actions=frozenset({act.action}), places=frozenset(), ceiling="public")
    return Holding(
        binding=Binding(id="job", principal_id=caller.principal_id, role=role.name, scope=act.scope), role=role
    )


def keeps_its_run(snapshot: Snapshot, caller: Caller, action: Action) -> bool:
    """Say whether the caller is a job whose submitter is not shut out, and the action touches no row."""
    return caller.session == "job" and caller.principal_id in snapshot.index and action not in CLASSED


def _reading_a_registry(
    snapshot: Snapshot, principal_id: str, data_class: DataClass | None, now: datetime
) -> Holding | None:
    """Return the role in some stage by which the principal reads registries, up to his own ceiling."""
    for holding in snapshot.holdings(principal_id):
        stage = holding.binding.scope.stage
        if stage is None or not holding.binding.live(now):
            continue
        if data_class is None or within(data_class, holding.role.ceiling, snapshot.stages[stage]):
            return holding
    return None


def _deny(snapshot: Snapshot, caller: Caller, act: Act, known: Why | None, now: datetime) -> Deny:
    """Put together what the caller needs to know: what fell short, and who can mend it."""
    why, nearest = (known, None) if known else _shortfall(snapshot, caller.principal_id, act, now)
    newcomer = why == "no_grants"  # told the same at every scope, so that an answer reveals no stage's tier
    roles, at = _helpful(snapshot, act, anywhere=newcomer)
    return Deny(
        action=act.action,
        scope=act.scope,
        data_class=act.data_class,
        why=why,
        nearest=nearest,
        roles=roles,
        at=at,
        granters=_granters(snapshot, caller, at, now),
        visible=newcomer or _visible(snapshot, caller, act.scope, now),
    )


def _helpful(snapshot: Snapshot, act: Act, *, anywhere: bool) -> tuple[tuple[str, ...], Scope]:
    """Return the roles that would allow the act, and where to hold one: at its scope, else at the platform.

    AccessAdmin is held at `/` only, and would help in every stage.
    """
    place, holding = snapshot.place_of(act.scope), [one for one in snapshot.roles.values() if act.action in one.actions]
    if anywhere or place is None:
        return (tuple(role.name for role in holding) if anywhere else ()), PLATFORM
    admitting = [
        role
        for role in holding
        if act.action not in CLASSED or act.data_class is None or within(act.data_class, role.ceiling, place)
    ]
    for at, name in ((act.scope, place), (PLATFORM, "platform")):
        found = tuple(role.name for role in admitting if name in role.places)
        if found:
            return found, at
    return (), act.scope


def _granters(snapshot: Snapshot, caller: Caller, scope: Scope, now: datetime) -> tuple[str, ...]:
    """Name those who may assign a role at the scope to the caller; nobody grants to himself."""
    asking = snapshot.people.get(caller.principal_id)
    act = Act("assignments/write", scope, None)
    return tuple(
        sorted(
            principal.name
            for principal in snapshot.granters
            if (asking is None or snapshot.governance == "solo" or principal.person_id != asking.person_id)
            and _allowing(snapshot, principal.id, act, now) is not None
        )
    )


def _visible(snapshot: Snapshot, caller: Caller, scope: Scope, now: datetime) -> bool:
    """Say whether the caller may know of the scope: he holds something above it, at it or below it."""
    if not scope.parts:
        return True
    if snapshot.place_of(scope) is None:
        return False
    if caller.windows is not None and not any(_touch(window.scope, scope) for window in caller.windows):
        return False
    if caller.session == "job" and caller.principal_id in snapshot.index:
        return True  # a job knows of the place in which it runs
    live = [held.binding.scope for held in snapshot.holdings(caller.principal_id) if held.binding.live(now)]
    if scope.registry is not None and any(held.stage is not None for held in live):
        return True
    return any(_touch(held, scope) for held in live)


def _touch(one: Scope, other: Scope) -> bool:
    return one.covers(other) or other.covers(one)


def _shortfall(snapshot: Snapshot, principal_id: str, act: Act, now: datetime) -> tuple[Why, Binding | None]:
    """Return the nearest binding and why it falls short: the one that lacks least comes first."""
    if principal_id not in snapshot.index:
        return "nobody", None
    place = snapshot.place_of(act.scope)
    ranked: list[tuple[int, Why, Binding]] = []
    for held in snapshot.holdings(principal_id):
        here = held.binding.scope.covers(act.scope)
        has = act.action in held.role.actions
        if here and has and held.binding.live(now) and place is not None:
            ranked.append((0, _class_fault(act.data_class, place), held.binding))
        elif here and has:
            ranked.append((1, "unknown_place" if place is None else "expired", held.binding))
        elif held.binding.live(now):
            ranked.append((2, "elsewhere", held.binding) if has else (3 if here else 4, "not_in_role", held.binding))
    if not ranked:
        return "no_grants", None
    _, why, nearest = min(ranked, key=lambda entry: entry[0])
    return why, nearest


def _class_fault(data_class: DataClass | None, place: Place) -> Why:
    if data_class is None:
        return "unlabelled"
    return "above_role" if within(data_class, "restricted", place) else "above_tier"
