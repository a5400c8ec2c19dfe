"""What is handed on: custom roles, API tokens and the grants of a job hold no more than their maker does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from bucle.core.access import Deny, decide
from bucle.core.actions import ACTIONS, CLASSED, Action, undivided_duties
from bucle.core.classes import CEILING, DataClass, Place, lowest
from bucle.core.refusal import Refusal, refusal_of, refuse
from bucle.core.roles import BUILT_IN, PrincipalKind, Role
from bucle.core.scopes import PLATFORM, Scope, registry_scope, stage_scope
from bucle.core.snapshot import Caller, Principal, Snapshot, Window
from bucle.core.view import visible

TOKEN_DAYS: Mapping[PrincipalKind, int] = MappingProxyType({"person": 365, "service": 90, "group": 0})
"""The longest life of a token, in days; a group has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A token to be made: whose it is, what it lets through, until when."""

    owner_id: str
    windows: tuple[Window, ...]
    expires_at: datetime


def check_role(snapshot: Snapshot, caller: Caller, role: Role, *, now: datetime) -> Refusal | None:
    """Say why the caller may not define this custom role: it holds only what he holds, wherever it may go."""
    decision = decide(snapshot, caller, "roles/write", PLATFORM, now=now)
    if isinstance(decision, Deny):
        return refusal_of(decision)
    fault = check_definition(role)
    if fault is not None:
        return fault
    if snapshot.governance != "solo" and _reaches(snapshot, caller, role.name):
        return refuse("access.own_role", role=role.name)
    for place in sorted(role.places):
        for action in sorted(role.actions):
            if not all(
                _holds(snapshot, caller, action, scope, now, role.ceiling) for scope in _scopes_of(snapshot, place)
            ):
                what = f"role {role.name}"
                return refuse("access.more_than_maker", what=what, action=action, place=place)
    return None


def check_definition(role: Role) -> Refusal | None:
    """Say why nobody may define this custom role: its name is a built-in one's, or it joins duties that stay apart."""
    if role.name in BUILT_IN:
        return refuse("access.role_name", role=role.name)
    duties = undivided_duties(role.actions)
    return refuse("access.undivided", role=role.name, duties="; ".join(duties)) if duties else None


def check_token(snapshot: Snapshot, caller: Caller, token: TokenRequest, *, now: datetime) -> Refusal | None:
    """Say why the caller may not make this token.

    A person makes his own, and those of his services, in a login session; the tokens of other services take
    `tokens/write`. Either way a token holds only what both its owner and its maker hold, and is narrowed to
    what its owner holds at each use: who loses a role loses it in his tokens.
    """
    owner, maker = snapshot.people.get(token.owner_id), snapshot.people.get(caller.principal_id)
    if owner is None or maker is None:
        return refuse("access.unknown_principal", principal=token.owner_id)
    if caller.session != "login" or owner.person_id != maker.person_id:
        if owner.kind == "person":
            return refuse("access.token_owner", owner=owner.name)
        decision = decide(snapshot, caller, "tokens/write", PLATFORM, now=now)
        if isinstance(decision, Deny):
            return refusal_of(decision)
    days = TOKEN_DAYS[owner.kind]
    if token.expires_at > now + timedelta(days=days):
        return refuse("access.token_expiry", kind=owner.kind, days=days)
    faults = (_beyond(snapshot, caller, owner, window, now) for window in token.windows)
    return next((fault for fault in faults if fault is not None), None)


def _reaches(snapshot: Snapshot, caller: Caller, role: str) -> bool:
    """Say whether a binding of the role is the caller's own, his service's or a group's that he is in."""
    holders = {binding.principal_id for binding in snapshot.bindings if binding.role == role}
    person = snapshot.people[caller.principal_id].person_id
    mine = [principal for principal in snapshot.principals if principal.person_id == person]
    return any(principal.id in holders or principal.groups & holders for principal in mine)


def _beyond(snapshot: Snapshot, caller: Caller, owner: Principal, window: Window, now: datetime) -> Refusal | None:
    """Say what the window would let through that its owner or its maker does not hold."""
    for action in sorted(ACTIONS if window.actions is None else window.actions):
        through = Caller(principal_id=owner.id, windows=(Window(scope=window.scope, actions=frozenset({action})),))
        reached = visible(snapshot, through, action, now=now)
        if window.actions is not None and not reached.platform and not reached.reaches:
            return refuse("access.token_beyond_owner", action=action, scope=window.scope, owner=owner.name)
        mine = visible(snapshot, caller, action, now=now)
        if (reached.platform and not mine.platform) or not all(
            mine.shows(reach.scope, reach.ceiling) for reach in reached.reaches
        ):
            return refuse("access.token_beyond_maker", action=action, scope=window.scope)
    return None


def job_windows(stage: str, job: str, *, reads: tuple[Scope, ...], writes: tuple[Scope, ...]) -> tuple[Window, ...]:
    """Return what a job's own token lets through: its declared inputs and outputs, and its own run.

    Use them in a `Caller` whose `principal_id` is the submitter and whose `identity_id` is the workspace's
    job identity: what the job may do is what both hold, within these windows.
    """
    run: frozenset[Action] = frozenset({"jobs/read", "experiments/read", "experiments/write", "metrics/read"})
    reading: frozenset[Action] = frozenset({"datasets/read", "data/read", "models/read", "models/content/read"})
    writing: frozenset[Action] = frozenset({"datasets/write", "data/write"})
    return (
        Window(scope=stage_scope(stage, "jobs", job), actions=run),
        *(Window(scope=scope, actions=reading) for scope in reads),
        *(Window(scope=scope, actions=writing) for scope in writes),
    )


def _holds(snapshot: Snapshot, caller: Caller, action: Action, scope: Scope, now: datetime, ceiling: DataClass) -> bool:
    """Say whether the caller may do the action at the scope, on data up to `ceiling` (or the place's own)."""
    place = snapshot.place_of(scope)
    limit = CEILING.get(place, ceiling) if place is not None else ceiling
    data_class = lowest(ceiling, limit) if action in CLASSED else None
    return not isinstance(decide(snapshot, caller, action, scope, now=now, data_class=data_class), Deny)


def _scopes_of(snapshot: Snapshot, place: Place) -> Iterator[Scope]:
    """Yield every scope of a place; a tier without a stage is stood for by the platform, which covers it."""
    found = {
        "platform": [PLATFORM],
        "shared": [registry_scope(registry) for registry in sorted(snapshot.registries)],
    }.get(place, [stage_scope(stage) for stage, tier in sorted(snapshot.stages.items()) if tier == place])
    yield from found or [PLATFORM]
