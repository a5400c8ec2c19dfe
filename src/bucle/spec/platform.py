"""Owns `platform.yml`: paths, stages, datastores, people, roles, groups, computes and prices of one installation."""

from typing import Literal

from pydantic import Field

from bucle.spec.scalars import Count, Duration, Flag, Money, Name, Text, Until
from bucle.spec.section import Section

Tier = Literal["dev", "preprod", "prod"]
DataClass = Literal["public", "internal", "non-production", "production", "restricted"]


class StageDeclaration(Section):
    """One stage: its tier, the workspace that answers for it, and what runs there."""

    tier: Tier
    workspace: Name | None = None
    default_compute: Name | None = None
    slots: Count | None = None


class DatastoreDeclaration(Section):
    """One datastore of one stage."""

    name: Name
    stage: Name
    type: Literal["folder"]
    path: Text | None = None
    data_class: DataClass | None = Field(default=None, alias="class")
    default: Flag | None = None


class PrincipalDeclaration(Section):
    """A person, or a service that acts for its owner."""

    name: Name
    kind: Literal["person", "service"]
    owner: Name | None = None


class RoleDeclaration(Section):
    """A role of the platform's own: what it may do, where it may be held, by whom, and up to which class of data."""

    name: Name
    purpose: Text = ""
    actions: list[Text]
    places: list[Literal["platform", "shared", "dev", "preprod", "prod"]]
    ceiling: DataClass = "public"
    holders: list[Literal["person", "service", "group"]] = Field(default=["person", "service", "group"])


class GroupDeclaration(Section):
    """Principals that hold together whatever the group holds."""

    name: Name
    members: list[Name] = Field(default_factory=list)


class BindingDeclaration(Section):
    """Who holds which role where (`/`, `/stages/NAME` or `/registries/NAME`), and until when."""

    principal: Name
    role: Name
    scope: Text
    expires: Until | None = None


class ComputeDeclaration(Section):
    """A named number of slots of this machine."""

    name: Name
    type: Literal["local"] = "local"
    slots: Count = 1
    stage: Name | None = None


class Prices(Section):
    """What the machine costs, each an amount and a currency."""

    cpu_hour: Money | None = None
    memory_gb_hour: Money | None = None
    gpu_hour: Money | None = None
    storage_gb_month: Money | None = None


class Retention(Section):
    """For how long what is collected of the past is kept; what is left out is kept for ever. Records always are."""

    attempts: Duration | None = None
    logs: Duration | None = None
    scored_rows: Duration | None = None


class Owners(Section):
    """Who hears of what: the principals responsible for a part."""

    data: Name | None = None
    model: Name | None = None
    infrastructure: Name | None = None
    security: Name | None = None


class Platform(Section):
    """One installation."""

    name: Name
    governance: Literal["solo", "team"] = "team"
    isolation: Literal["auto", "strict", "auto-or-none", "none"] = "auto"
    layout: Literal["separate", "single"] = "separate"
    allow_model_code: Literal["from-own-jobs", "never"] = "from-own-jobs"
    paths: dict[Name, list[Name]]
    stages: dict[Name, StageDeclaration]
    datastores: list[DatastoreDeclaration] = Field(default_factory=list)
    registries: list[Name] = Field(default_factory=list)
    default_registry: Name | None = None
    principals: list[PrincipalDeclaration] = Field(default_factory=list)
    roles: list[RoleDeclaration] = Field(default_factory=list)
    groups: list[GroupDeclaration] = Field(default_factory=list)
    bindings: list[BindingDeclaration] = Field(default_factory=list)
    owners: Owners = Field(default_factory=Owners)
    computes: list[ComputeDeclaration] = Field(default_factory=list)
    prices: Prices = Field(default_factory=Prices)
    retention: Retention = Field(default_factory=Retention)
