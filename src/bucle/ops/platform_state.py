"""The platform as values: what the records hold, and what a file wants, in the same words."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath

import sqlalchemy as sa

from bucle.access.computes import list_computes
from bucle.access.managed import read_marks
from bucle.access.settings import Settings, read_settings
from bucle.access.stages import list_paths, list_stages
from bucle.assets import datastores
from bucle.core.platform import (
    Assignment,
    CustomRole,
    Datastore,
    Group,
    Member,
    Membership,
    Owner,
    Path,
    Platform,
    Price,
    Registry,
    Setting,
    Stage,
    custom_role_of,
)
from bucle.core.platform import Compute as PlatformCompute
from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Snapshot
from bucle.core.windows import read_duration
from bucle.spec.platform import Platform as PlatformFile

RETENTION = ("retention_attempts", "retention_logs", "retention_scored_rows")


def standing_platform(rows: sa.Connection, snapshot: Snapshot, wanted: Platform) -> Platform:
    """Return the platform that the records hold.

    Left out is what a file cannot say: whoever is disabled, and the default datastore that comes with each stage,
    unless `wanted` names it.
    """
    settings = read_settings(rows)
    members = {member.name: member for member in _members(snapshot)}
    groups = {one.id: one.name for one in snapshot.principals if one.kind == "group" and one.active}
    holders = {*members, *groups.values()}
    named = {store.key for store in wanted.datastores}
    marks = read_marks(rows)
    return Platform(
        name=settings.name,
        settings=tuple(_settings(settings)),
        stages=tuple(
            Stage(
                name=stage.name,
                tier=stage.tier,
                workspace=stage.workspace,
                default_compute=stage.default_compute,
                slots=stage.slots,
            )
            for stage in list_stages(rows)
        ),
        registries=tuple(Registry(name=name) for name in settings.registries),
        computes=tuple(list_computes(rows)),
        datastores=tuple(
            store
            for store in map(_datastore, datastores.every(rows))
            if store.name != datastores.DEFAULT or store.key in named | marks
        ),
        paths=tuple(Path(name=name, stages=stages) for name, stages in list_paths(rows).items()),
        roles=tuple(custom_role_of(role) for role in snapshot.custom_roles),
        principals=tuple(members.values()),
        groups=tuple(Group(name=name) for name in groups.values()),
        memberships=tuple(
            Membership(group=groups[group], member=one.name)
            for one in snapshot.principals
            if one.name in members
            for group in sorted(one.groups & groups.keys())
        ),
        bindings=tuple(binding for binding in _bindings(snapshot) if binding.principal in holders),
        owners=tuple(Owner(part=part, principal=name) for part, name in settings.owners.items() if name in members),
        prices=tuple(Price(resource=resource, amount=amount) for resource, amount in settings.prices.items()),
        managed=marks,
    )


def wanted_platform(file: PlatformFile) -> Platform:
    """Return the platform that a file wants; a person comes before the services that act for him."""
    return Platform(
        name=file.name,
        settings=tuple(Setting(name=name, value=value) for name, value in _said(file).items() if value is not None),
        stages=tuple(Stage(name=name, **one.model_dump()) for name, one in file.stages.items()),
        registries=tuple(Registry(name=name) for name in file.registries),
        computes=tuple(PlatformCompute(**one.model_dump()) for one in file.computes),
        datastores=tuple(
            Datastore(
                name=one.name,
                stage=one.stage,
                type=one.type,
                path=None if one.path is None else str(PurePosixPath(one.path)),
                data_class=one.data_class,
                default=one.default,
            )
            for one in file.datastores
        ),
        paths=tuple(Path(name=name, stages=tuple(stages)) for name, stages in file.paths.items()),
        principals=tuple(
            Member(**one.model_dump()) for one in sorted(file.principals, key=lambda one: one.kind != "person")
        ),
        roles=tuple(
            CustomRole(
                name=one.name,
                purpose=one.purpose,
                actions=tuple(sorted(set(one.actions))),
                places=tuple(sorted(set(one.places))),
                ceiling=one.ceiling,
                holders=tuple(sorted(set(one.holders))),
            )
            for one in file.roles
        ),
        groups=tuple(Group(name=one.name) for one in file.groups),
        memberships=tuple(Membership(group=one.name, member=name) for one in file.groups for name in one.members),
        bindings=tuple(
            Assignment(
                principal=one.principal,
                role=one.role,
                scope=parse_scope(one.scope),
                expires_at=None if one.expires is None else datetime.fromisoformat(one.expires),
            )
            for one in file.bindings
        ),
        owners=tuple(
            Owner(part=part, principal=name) for part, name in file.owners.model_dump(exclude_none=True).items()
        ),
        prices=tuple(
            Price(resource=name, amount=amount) for name, amount in file.prices.model_dump(exclude_none=True).items()
        ),
    )


def _said(file: PlatformFile) -> Mapping[str, str | None]:
    """Return the single words that a file says, None for what it leaves out."""
    return {
        "name": file.name,
        "governance": file.governance,
        "isolation": file.isolation,
        "layout": file.layout,
        "allow_model_code": file.allow_model_code,
        "default_registry": file.default_registry,
        **_retention(file.retention.model_dump()),
    }


def _retention(said: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Return what a file says of retention as settings; BadRequest for a span that is none."""
    for text in said.values():
        if text is not None:
            read_duration(text)
    return {f"retention_{name}": text for name, text in said.items()}


def _settings(settings: Settings) -> Iterator[Setting]:
    words = ("name", "governance", "isolation", "layout", "allow_model_code", "default_registry", *RETENTION)
    for name in words:
        value = getattr(settings, name)
        if value is not None:
            yield Setting(name=name, value=value)


def _datastore(store: datastores.Datastore) -> Datastore:
    return Datastore(
        name=store.name,
        stage=store.stage,
        type="folder",
        path=str(store.root),
        data_class=store.data_class,
        default=store.default,
    )


def _members(snapshot: Snapshot) -> Iterator[Member]:
    people = {one.person_id: one for one in snapshot.principals if one.kind == "person" and one.active}
    yield from (Member(name=one.name, kind="person") for one in people.values())
    for one in snapshot.principals:
        if one.kind == "service" and one.active and one.person_id in people:
            yield Member(name=one.name, kind="service", owner=people[one.person_id].name)


def _bindings(snapshot: Snapshot) -> Iterator[Assignment]:
    for binding in snapshot.bindings:
        holder = snapshot.people.get(binding.principal_id)
        if holder is not None:
            yield Assignment(
                principal=holder.name, role=binding.role, scope=binding.scope, expires_at=binding.expires_at
            )
