"""The snapshot that access is decided over: principals, bindings, stages, and an index of who holds what."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from bucle.core.actions import Action
from bucle.core.classes import Place, Tier
from bucle.core.roles import BUILT_IN, PrincipalKind, Role
from bucle.core.scopes import PLATFORM, Scope

Governance = Literal["solo", "team"]
Session = Literal["login", "token", "workload", "job"]
BOOTSTRAP_ROLES = ("InfraEngineer", "AccessAdmin", "DataEngineer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody or something that calls. Services and tokens carry the `person_id` of their owner."""

    id: str
    name: str
    person_id: str
    kind: PrincipalKind
    groups: frozenset[str] = frozenset()
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A role held by a principal at a scope, until `expires_at` where there is one."""

    id: str
    principal_id: str
    role: str
    scope: Scope
    expires_at: datetime | None = None

    def live(self, now: datetime) -> bool:
        """Say whether the binding still counts at `now`."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a token lets through: these actions (None: any), at this scope and below."""

    scope: Scope
    actions: frozenset[Action] | None = None

    def passes(self, action: Action) -> bool:
        """Say whether the window names the action, wherever it is asked for."""
        return self.actions is None or action in self.actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The principal of a request and what narrows his grants down, looked at anew at each use.

    `windows`: the scopes of his token (None: no token). `identity_id`: the job identity of the workspace,
    whose grants must allow the same act.
    """

    principal_id: str
    session: Session = "login"
    windows: tuple[Window, ...] | None = None
    identity_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A binding with its role looked up, as the index keeps it."""

    binding: Binding
    role: Role
    bootstrap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that a decision looks at. Bindings that break a rule of assignment count for nothing."""

    principals: tuple[Principal, ...] = ()
    bindings: tuple[Binding, ...] = ()
    stages: Mapping[str, Tier] = field(default_factory=dict)
    registries: frozenset[str] = frozenset()
    custom_roles: tuple[Role, ...] = ()
    governance: Governance = "team"
    bootstrap_id: str | None = None
    """The bootstrap administrator, until he is retired."""

    people: Mapping[str, Principal] = field(init=False, repr=False, compare=False)
    roles: Mapping[str, Role] = field(init=False, repr=False, compare=False)
    index: Mapping[str, Mapping[tuple[str, ...], tuple[Holding, ...]]] = field(init=False, repr=False, compare=False)
    """Principal → scope → what he holds exactly there, himself or through a group."""
    granters: tuple[Principal, ...] = field(init=False, repr=False, compare=False)
    """Who holds `assignments/write` somewhere: a denial names those of them who can help."""

    def __post_init__(self) -> None:
        people = {principal.id: principal for principal in self.principals}
        object.__setattr__(self, "people", MappingProxyType(people))
        roles = {role.name: role for role in self.custom_roles} | dict(BUILT_IN)
        object.__setattr__(self, "roles", MappingProxyType(roles))
        object.__setattr__(self, "index", _index(self))
        granters = (
            principal
            for principal in self.principals
            if principal.kind != "group"
            and any("assignments/write" in held.role.actions for held in self.holdings(principal.id))
        )
        object.__setattr__(self, "granters", tuple(granters))

    def place_of(self, scope: Scope) -> Place | None:
        """Return the tier of the scope's stage, `shared`, `platform`, or None where there is nothing."""
        if not scope.parts:
            return "platform"
        if scope.parts[0] == "stages":
            return self.stages.get(scope.parts[1])
        return "shared" if scope.parts[1] in self.registries else None

    def holdings(self, principal_id: str) -> Iterator[Holding]:
        """Yield all that a principal holds, himself or through a group, live or not."""
        for held in self.index.get(principal_id, {}).values():
            yield from held


def access_admins(
    snapshot: Snapshot, *, but_not: str | None = None, without_binding: str | None = None
) -> frozenset[str]:
    """Return who would hold AccessAdmin for good, leaving out one principal or one binding.

    Only active people and services count, and only bindings that do not expire: one must always be left.
    """
    holders = {
        binding.principal_id
        for binding in snapshot.bindings
        if binding.role == "AccessAdmin"
        and not binding.scope.parts
        and binding.expires_at is None
        and binding.id != without_binding
    }
    return frozenset(
        principal.id
        for principal in snapshot.principals
        if principal.active
        and principal.kind != "group"
        and principal.id != but_not
        and (principal.id in holders or any(group in holders for group in _living(snapshot, principal.groups)))
    )


def _living(snapshot: Snapshot, groups: frozenset[str]) -> frozenset[str]:
    return frozenset(group for group in groups if group in snapshot.people and snapshot.people[group].active)


def _bootstrap_holdings(principal_id: str) -> list[Holding]:
    """Return the three roles of the bootstrap administrator, at the platform whatever their places are."""
    return [
        Holding(
            binding=Binding(id="bootstrap", principal_id=principal_id, role=role, scope=PLATFORM),
            role=BUILT_IN[role],
            bootstrap=True,
        )
        for role in BOOTSTRAP_ROLES
    ]


def _index(snapshot: Snapshot) -> Mapping[str, Mapping[tuple[str, ...], tuple[Holding, ...]]]:
    """Build the index of live principals; a binding that could not be made today is left out of it."""
    by_holder: dict[str, list[Holding]] = defaultdict(list)
    for binding in snapshot.bindings:
        role, place = snapshot.roles.get(binding.role), snapshot.place_of(binding.scope)
        if role is not None and place in role.places:
            by_holder[binding.principal_id].append(Holding(binding=binding, role=role))
    if snapshot.bootstrap_id is not None and not access_admins(snapshot, but_not=snapshot.bootstrap_id):
        by_holder[snapshot.bootstrap_id] += _bootstrap_holdings(snapshot.bootstrap_id)
    index: dict[str, Mapping[tuple[str, ...], tuple[Holding, ...]]] = {}
    for principal in snapshot.principals:
        if principal.active:
            at: dict[tuple[str, ...], list[Holding]] = defaultdict(list)
            for holder in (principal.id, *sorted(_living(snapshot, principal.groups))):
                for holding in by_holder[holder]:
                    if principal.kind not in holding.role.holders and not holding.bootstrap:
                        continue
                    at[holding.binding.scope.parts].append(holding)
            index[principal.id] = MappingProxyType({parts: tuple(held) for parts, held in at.items()})
    return MappingProxyType(index)
