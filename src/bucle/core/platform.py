"""What a platform consists of, as frozen values: the same for what stands and for what a file wants."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Literal, TypeVar

from bucle.core.actions import ACTIONS
from bucle.core.classes import DEFAULT_CLASS, DataClass, Place, Tier
from bucle.core.roles import PrincipalKind, Role
from bucle.core.scopes import Scope

Kind = Literal[
    "setting", "stage", "registry", "compute", "datastore", "path", "role", "principal", "group", "member", "binding",
    "owner", "price",
]  # fmt: skip
Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One word for the whole platform: governance, isolation, layout, allow_model_code, default_registry."""

    name: str
    value: str

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "setting", self.name

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage. Of a wanted one, None leaves a field as it stands, or to its default."""

    name: str
    tier: Tier
    workspace: str | None = None
    default_compute: str | None = None
    slots: int | None = None

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "stage", self.name

    def __str__(self) -> str:
        return f"stage {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry of shared assets."""

    name: str

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "registry", self.name

    def __str__(self) -> str:
        return f"registry {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """A named number of slots, for one stage or for all."""

    name: str
    type: str = "local"
    slots: int = 1
    stage: str | None = None

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "compute", self.name

    def __str__(self) -> str:
        return f"compute {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Datastore:
    """A place where data of one class lies, attached to one stage."""

    name: str
    stage: str
    type: str
    path: str | None = None
    data_class: DataClass | None = None
    default: bool | None = None

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "datastore", f"{self.stage}/{self.name}"

    def __str__(self) -> str:
        return f"datastore {self.stage}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The ordered stages of one product."""

    name: str
    stages: tuple[str, ...]

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "path", self.name

    def __str__(self) -> str:
        return f"path {self.name}: {'→'.join(self.stages)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRole:
    """A role of the platform's own; its sets are sorted, so that equal roles are equal things."""

    name: str
    purpose: str
    actions: tuple[str, ...]
    places: tuple[Place, ...]
    ceiling: DataClass
    holders: tuple[PrincipalKind, ...]

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "role", self.name

    @property
    def role(self) -> Role:
        """The role as the engine knows it; actions that nobody knows are left out, and found by the planner."""
        return Role(
            name=self.name,
            purpose=self.purpose,
            actions=frozenset(action for action in ACTIONS if action in self.actions),
            places=frozenset(self.places),
            ceiling=self.ceiling,
            holders=frozenset(self.holders),
        )

    def __str__(self) -> str:
        return f"role {self.name}: {', '.join(self.actions)} at {', '.join(self.places)}, up to {self.ceiling} data"


def custom_role_of(role: Role) -> CustomRole:
    """Return the thing that a custom role is."""
    return CustomRole(
        name=role.name,
        purpose=role.purpose,
        actions=tuple(sorted(role.actions)),
        places=tuple(sorted(role.places)),
        ceiling=role.ceiling,
        holders=tuple(sorted(role.holders)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Principals that hold together whatever the group holds."""

    name: str

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "group", self.name

    def __str__(self) -> str:
        return f"group {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A principal in a group: a grant of all that the group holds."""

    group: str
    member: str

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "member", f"{self.member} in {self.group}"

    def __str__(self) -> str:
        return f"{self.member} in group {self.group}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A principal that the file names: a person, or a service of its owner."""

    name: str
    kind: Literal["person", "service"]
    owner: str | None = None

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "principal", self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A binding that the file names: who holds which role where, and until when (None: for good)."""

    principal: str
    role: str
    scope: Scope
    expires_at: datetime | None = None

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "binding", f"{self.principal}: {self.role} at {self.scope}"

    def __str__(self) -> str:
        until = "" if self.expires_at is None else f" until {self.expires_at.isoformat()}"
        return f"{self.role} for {self.principal} at {self.scope}{until}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who hears of a part: data, model, infrastructure, security."""

    part: str
    principal: str

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "owner", self.part

    def __str__(self) -> str:
        return f"owner of {self.part}: {self.principal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a resource costs: a decimal amount and an ISO currency, as text."""

    resource: str
    amount: str

    @property
    def key(self) -> Key:
        """Its kind and its name, which stay the same when it changes."""
        return "price", self.resource

    def __str__(self) -> str:
        return f"price of {self.resource}: {self.amount}"


Thing = (
    Setting
    | Stage
    | Registry
    | Compute
    | Datastore
    | Path
    | CustomRole
    | Member
    | Group
    | Membership
    | Assignment
    | Owner
    | Price
)
SomeThing = TypeVar("SomeThing", Stage, Compute, Datastore, Member)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything that a platform file can name; `managed` are the things that applying one has made."""

    name: str
    settings: tuple[Setting, ...] = ()
    stages: tuple[Stage, ...] = ()
    registries: tuple[Registry, ...] = ()
    computes: tuple[Compute, ...] = ()
    datastores: tuple[Datastore, ...] = ()
    paths: tuple[Path, ...] = ()
    roles: tuple[CustomRole, ...] = ()
    principals: tuple[Member, ...] = ()
    groups: tuple[Group, ...] = ()
    memberships: tuple[Membership, ...] = ()
    bindings: tuple[Assignment, ...] = ()
    owners: tuple[Owner, ...] = ()
    prices: tuple[Price, ...] = ()
    managed: frozenset[Key] = frozenset()

    @property
    def things(self) -> Mapping[Key, Thing]:
        """Everything by kind and name, in the order in which it is made."""
        every: tuple[Thing, ...] = (
            *self.settings,
            *self.stages,
            *self.registries,
            *self.computes,
            *self.datastores,
            *self.paths,
            *self.roles,
            *self.principals,
            *self.groups,
            *self.memberships,
            *self.bindings,
            *self.owners,
            *self.prices,
        )
        return {thing.key: thing for thing in every}


def platform_of(name: str, things: Mapping[Key, Thing], managed: frozenset[Key]) -> Platform:
    """Return the platform that consists of these things."""
    every = tuple(things.values())
    return Platform(
        name=name,
        settings=tuple(thing for thing in every if isinstance(thing, Setting)),
        stages=tuple(thing for thing in every if isinstance(thing, Stage)),
        registries=tuple(thing for thing in every if isinstance(thing, Registry)),
        computes=tuple(thing for thing in every if isinstance(thing, Compute)),
        datastores=tuple(thing for thing in every if isinstance(thing, Datastore)),
        paths=tuple(thing for thing in every if isinstance(thing, Path)),
        roles=tuple(thing for thing in every if isinstance(thing, CustomRole)),
        principals=tuple(thing for thing in every if isinstance(thing, Member)),
        groups=tuple(thing for thing in every if isinstance(thing, Group)),
        memberships=tuple(thing for thing in every if isinstance(thing, Membership)),
        bindings=tuple(thing for thing in every if isinstance(thing, Assignment)),
        owners=tuple(thing for thing in every if isinstance(thing, Owner)),
        prices=tuple(thing for thing in every if isinstance(thing, Price)),
        managed=managed,
    )


def settled(had: Thing | None, wanted: Thing, tiers: Mapping[str, Tier]) -> Thing:
    """Return the wanted thing with its open fields filled in: from what stands, else by default."""
    match wanted:
        case Stage():
            filled = _filled(had if isinstance(had, Stage) else None, wanted)
            return filled if filled.workspace else replace(filled, workspace=filled.name)
        case Datastore():
            filled_datastore = _filled(had if isinstance(had, Datastore) else None, wanted)
            tier = tiers.get(wanted.stage)
            if filled_datastore.data_class is None and tier is not None:
                return replace(filled_datastore, data_class=DEFAULT_CLASS[tier])
            return filled_datastore
        case _:
            return wanted


def _filled(had: SomeThing | None, wanted: SomeThing) -> SomeThing:
    if had is None:
        return wanted
    unsaid = (field.name for field in fields(wanted) if getattr(wanted, field.name) is None)
    return replace(wanted, **{name: getattr(had, name) for name in unsaid})
