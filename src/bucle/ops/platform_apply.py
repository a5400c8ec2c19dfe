"""Performs the steps of a platform file, each with its event in the chain where it belongs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import PosixPath
from typing import Any, assert_never

from bucle import errors
from bucle.access import computes, settings, stage_secrets, stages
from bucle.assets import datastores
from bucle.core.classes import DEFAULT_CLASS
from bucle.core.platform import (
    Assignment,
    Compute,
    CustomRole,
    Datastore,
    Group,
    Kind,
    Member,
    Membership,
    Owner,
    Path,
    Platform,
    Price,
    Registry,
    Setting,
    Stage,
    Thing,
)
from bucle.core.platform_steps import Change, Classify, Create, Destroy, SetSlots, Step
from bucle.execution import jobs
from bucle.ops.platform_judge import Judged
from bucle.ops.platform_rights import Rights
from bucle.ops.world import Call, World
from bucle.serving import endpoints
from bucle.store.events import PLATFORM
from bucle.store.records import Transaction

PLURALS: Mapping[Kind, str] = {
    "setting": "settings",
    "stage": "stages",
    "registry": "registries",
    "compute": "computes",
    "datastore": "datastores",
    "path": "paths",
    "role": "roles",
    "principal": "principals",
    "group": "groups",
    "member": "members",
    "binding": "assignments",
    "owner": "owners",
    "price": "prices",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Performing:
    """One transaction in which steps are performed, for one caller; `ids` are those of all principals."""

    world: World
    call: Call
    transaction: Transaction
    wanted: Platform
    ids: Mapping[str, str]

    def perform(self, judged: Judged) -> None:
        """Do a step that was allowed, and record it; an act of the bootstrap administrator is marked."""
        self._do(judged.step)
        self._record(judged)

    @property
    def _rights(self) -> Rights:
        return Rights(world=self.world, call=self.call, transaction=self.transaction, ids=self.ids)

    def _do(self, step: Step) -> None:
        match step:
            case Create(thing=thing):
                self._put(thing, new=True)
            case Change(after=thing):
                self._put(thing, new=False)
            case SetSlots(stage=name, after=slots):
                stage = stages.find_stage(self.transaction.rows, name)
                stages.change_stage(self.transaction, _stage(stage.name, stage.tier, stage, slots))
            case Classify(datastore=store, after=data_class):
                known = datastores.find(self.transaction.rows, store.stage, store.name)
                kept = datastores.Datastore(
                    stage=known.stage,
                    name=known.name,
                    root=known.root,
                    data_class=data_class,
                    default=known.default,
                )
                datastores.change(self.transaction, kept)
            case Destroy(thing=thing):
                self._remove(thing)
            case _:
                assert_never(step)

    def _put(self, thing: Thing, *, new: bool) -> None:
        """Make a thing, or give the one of its name other values."""
        transaction = self.transaction
        match thing:
            case Setting(name=name, value=value):
                settings.change_setting(transaction, name, value)
            case Stage():
                self._put_stage(thing, new=new)
            case Registry(name=name):
                settings.add_registry(transaction, name)
            case Compute():
                computes.put_compute(transaction, thing)
            case Datastore():
                self._put_datastore(thing, new=new)
            case Path(name=name, stages=names):
                stages.set_path(transaction, name, names)
            case CustomRole() | Member() | Group() | Membership() | Assignment():
                self._rights.put(thing, new=new)
            case Owner(part=part, principal=name):
                settings.set_owner(transaction, part, name)
            case Price(resource=resource, amount=amount):
                settings.set_price(transaction, resource, amount)
            case _:
                assert_never(thing)

    def _remove(self, thing: Thing) -> None:
        transaction = self.transaction
        match thing:
            case Setting(name=name):
                settings.change_setting(transaction, name, None)
            case Stage(name=name):
                self._remove_stage(name)
            case Registry(name=name):
                settings.remove_registry(transaction, name)
            case Compute(name=name):
                computes.remove_compute(transaction, name)
            case Datastore(name=name, stage=stage):
                self._remove_datastore(stage, name)
            case Path(name=name):
                stages.remove_path(transaction, name)
            case CustomRole() | Member() | Group() | Membership() | Assignment():
                self._rights.remove(thing)
            case Owner(part=part):
                settings.set_owner(transaction, part, None)
            case Price(resource=resource):
                settings.set_price(transaction, resource, None)
            case _:
                assert_never(thing)

    def _put_stage(self, wanted: Stage, *, new: bool) -> None:
        """Make or change a stage; a new one has a default datastore, unless the file declares another."""
        if not new:
            stages.change_stage(self.transaction, _stage(wanted.name, wanted.tier, wanted, wanted.slots))
            return
        stages.add_stage(self.transaction, _stage(wanted.name, wanted.tier, wanted, wanted.slots))
        own = (store for store in self.wanted.datastores if store.stage == wanted.name)
        if not any(store.default or store.name == datastores.DEFAULT for store in own):
            data_class = DEFAULT_CLASS[wanted.tier]
            plain = Datastore(name=datastores.DEFAULT, stage=wanted.name, type="folder", data_class=data_class)
            self._put_datastore(plain, new=True)

    def _put_datastore(self, wanted: Datastore, *, new: bool) -> None:
        assert wanted.data_class is not None, "the planner settles it by the tier"
        store = datastores.Datastore(
            stage=wanted.stage,
            name=wanted.name,
            root=PosixPath(wanted.path) if wanted.path else self._new_root(wanted),
            data_class=wanted.data_class,
            default=bool(wanted.default),
        )
        if new:
            datastores.attach(self.transaction, store, self.world.new_id())
        else:
            datastores.change(self.transaction, store)

    def _new_root(self, wanted: Datastore) -> PosixPath:
        """Return a folder of ours that holds nothing: what an earlier datastore left has a class of its own."""
        root = PosixPath(self.world.home.datastores / wanted.stage / wanted.name)
        return root.with_name(f"{root.name}-{self.world.random(4).hex()}") if root.exists() else root

    def _remove_stage(self, name: str) -> None:
        """Take away a stage in which nothing was ever done."""
        rows = self.transaction.rows
        workspace = self.world.objects.root / stages.find_stage(rows, name).workspace
        if (
            workspace.exists()
            or datastores.is_used(rows, name)
            or jobs.page(rows, name, limit=1, after=None)
            or endpoints.page(rows, name, limit=1, after=None)
            or stage_secrets.of_stage(rows, name)
        ):
            raise errors.Conflict("platform.stage_in_use", stage=name)
        datastores.detach(self.transaction, name)
        stages.remove_stage(self.transaction, name)

    def _remove_datastore(self, stage: str, name: str) -> None:
        if datastores.is_used(self.transaction.rows, stage, name):
            raise errors.Conflict("platform.datastore_in_use", stage=stage, name=name)
        datastores.detach(self.transaction, stage, name)

    def _record(self, judged: Judged) -> None:
        step = judged.step
        before, after = _told(step)
        if judged.allowed is not None and judged.allowed.bootstrap:
            after = {**(after or {}), "bootstrap": True}
        verb = {Create: "create", Change: "change", SetSlots: "slots", Classify: "classify", Destroy: "destroy"}[
            type(step)
        ]
        kind, name = _key_of(step)
        subject = f"{PLURALS[kind]}/{name}"
        if kind == "binding":
            subject = f"principals/{name.partition(':')[0]}"
        if kind == "member":
            subject = f"principals/{name.partition(' ')[0]}"
        self.transaction.record(
            self.call.event(_chain_of(step), f"{PLURALS[kind]}/{verb}", subject, before=before, after=after)
        )


def _stage(name: str, tier: Any, values: Stage | stages.Stage, slots: int | None) -> stages.Stage:
    return stages.Stage(
        name=name,
        tier=tier,
        workspace=values.workspace or name,
        default_compute=values.default_compute,
        slots=slots,
    )


def _key_of(step: Step) -> tuple[Kind, str]:
    match step:
        case Create(thing=thing) | Change(after=thing) | Destroy(thing=thing) | Classify(datastore=thing):
            return thing.key
        case SetSlots(stage=name):
            return "stage", name
        case _:
            assert_never(step)


def _chain_of(step: Step) -> str:
    """Return the chain that tells of a step: the stage's for what is in it, else the platform's."""
    match step:
        case SetSlots(stage=stage) | Classify(datastore=Datastore(stage=stage)):
            return stage
        case Create(thing=Datastore(stage=stage)) | Change(after=Datastore(stage=stage)):
            return stage
        case Destroy(thing=Datastore(stage=stage)) | Change(after=Stage(name=stage)):
            return stage
        case _:
            return PLATFORM


def _told(step: Step) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return what an event says of before and after."""
    match step:
        case Create(thing=thing):
            return None, _plain(thing)
        case Change(before=before, after=after):
            return _plain(before), _plain(after)
        case Destroy(thing=thing):
            return _plain(thing), None
        case SetSlots(before=slots, after=wanted):
            return {"slots": slots}, {"slots": wanted}
        case Classify(before=data_class, after=other):
            return {"class": data_class}, {"class": other}
        case _:
            assert_never(step)


def _plain(thing: Thing) -> dict[str, Any]:
    values = {field.name: getattr(thing, field.name) for field in fields(thing)}
    return {
        name: list(value) if isinstance(value, tuple) else value if value is None else _single(value)
        for name, value in values.items()
    }


def _single(value: object) -> object:
    return value if isinstance(value, str | int | bool) else str(value)
