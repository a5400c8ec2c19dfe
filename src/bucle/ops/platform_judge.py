"""Judges the steps of a plan one by one: each by its own permission at its own scope, or by whom it waits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bucle.core.access import Allow, Deny, decide
from bucle.core.actions import Action
from bucle.core.approval import Lowering, check_reclassify
from bucle.core.delegation import check_role
from bucle.core.granting import check_deactivate, check_grant, check_membership, check_owner, check_revoke
from bucle.core.platform import (
    Assignment,
    Compute,
    CustomRole,
    Datastore,
    Group,
    Key,
    Member,
    Membership,
    Owner,
    Path,
    Registry,
    Setting,
    Stage,
    Thing,
)
from bucle.core.platform_steps import Change, Classify, Create, Destroy, Step, explain, permission
from bucle.core.refusal import Refusal, refusal_of, refuse
from bucle.core.scopes import PLATFORM, Scope, stage_scope
from bucle.core.snapshot import Binding, Caller, Principal, Snapshot, access_admins

OTHERS_ONLY = frozenset({"access.own_grant", "access.own_role", "access.second_person"})
"""Refusals of a caller that another holder of the same role would not meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A step with its verdict: the binding that allows it, or why not, and who could."""

    step: Step
    action: Action
    scope: Scope
    allowed: Allow | None
    refusal: Refusal | None = None
    roles: tuple[str, ...] = ()
    who: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the step as people read it."""
        error = None if self.refusal is None else self.refusal.error
        return {
            "text": explain(self.step),
            "step": type(self.step).__name__.lower(),
            "action": self.action,
            "scope": str(self.scope),
            "allowed": self.refusal is None,
            "code": error.code if error else None,
            "why": error.detail if error else None,
            "hint": error.hint if error else None,
            "roles": list(self.roles),
            "who": list(self.who),
        }


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges steps in their order; a step that was allowed is there for those after it.

    `ids` are those of all principals, the new ones too. Roles count as they stood when the request came:
    what a plan grants, it does not use. `let_in` are the names of those who have a password.
    """

    snapshot: Snapshot
    caller: Caller
    now: datetime
    ids: Mapping[str, str]
    let_in: frozenset[str]
    missing: dict[Key, Step] = field(default_factory=dict)

    def judge(self, steps: Sequence[Step]) -> tuple[Judged, ...]:
        """Return each step with its verdict."""
        return tuple(self._judge(step) for step in steps)

    def binding_of(self, wanted: Assignment) -> Binding:
        """Return the binding that stands for an assignment, or the one to be made."""
        holder = self.ids[wanted.principal]
        made = Binding(
            id="new", principal_id=holder, role=wanted.role, scope=wanted.scope, expires_at=wanted.expires_at
        )
        alike = (one for one in self.snapshot.bindings if replace(one, id="new") == made)
        return next(alike, made)

    def _judge(self, step: Step) -> Judged:
        action, scope = permission(step)
        refusal = self._waits(step)
        decision = None if refusal else decide(self.snapshot, self.caller, action, scope, now=self.now)
        if isinstance(decision, Deny):
            refusal = refusal_of(decision)
        refusal = refusal or self._further(step)
        if refusal is None:
            self._stands(step)
            assert isinstance(decision, Allow), "a step that waits for none was decided"
            return Judged(step=step, action=action, scope=scope, allowed=decision)
        if isinstance(step, Create):
            self.missing[step.thing.key] = step
        roles, who = self._who_can(action, scope, refusal)
        return Judged(step=step, action=action, scope=scope, allowed=None, refusal=refusal, roles=roles, who=who)

    def _waits(self, step: Step) -> Refusal | None:
        """Say for which step that is not done this one waits, if for any."""
        if isinstance(step, Create | Change):
            thing = step.thing if isinstance(step, Create) else step.after
            for key in _named_by(thing):
                if key in self.missing:
                    return refuse("platform.waits", step=explain(step), other=explain(self.missing[key]))
        return None

    def _further(self, step: Step) -> Refusal | None:
        """Say which rule beyond the permission forbids the step: of granting, of revoking, of classes."""
        match step:
            case Create(thing=CustomRole() as custom) | Change(after=CustomRole() as custom):
                return check_role(self.snapshot, self.caller, custom.role, now=self.now)
            case Create(thing=Membership(group=group, member=member)):
                ids = self.ids[group], self.ids[member]
                return check_membership(self.snapshot, self.caller, *ids, now=self.now)
            case Create(thing=Assignment() as wanted) | Change(after=Assignment() as wanted):
                return check_grant(self.snapshot, self.caller, self.binding_of(wanted), now=self.now) or (
                    self._shut_out(wanted)
                )
            case Change(after=Member(name=name, owner=str(owner))):
                return check_owner(self.snapshot, self.caller, self.ids[name], self.ids[owner])
            case Destroy(thing=Assignment() as held):
                return check_revoke(self.snapshot, self.caller, self.binding_of(held).id, now=self.now)
            case Destroy(thing=Member(name=name) | Group(name=name)):
                return check_deactivate(self.snapshot, self.caller, self.ids[name], now=self.now)
            case Classify(datastore=store, before=before, after=after):
                where = stage_scope(store.stage, "datastores", store.name)
                change = Lowering(datastore=where, before=before, after=after)
                return check_reclassify(self.snapshot, self.caller, change, second=None, now=self.now)
            case _:
                return None

    def _shut_out(self, wanted: Assignment) -> Refusal | None:
        """Refuse a first AccessAdmin who cannot sign in: the bootstrap administrator, who invites, ends with him."""
        is_admin = (wanted.role, wanted.scope, wanted.expires_at) == ("AccessAdmin", PLATFORM, None)
        first = is_admin and not access_admins(self.snapshot)
        if not first or wanted.principal in self.let_in:
            return None
        return refuse("platform.first_admin", principal=wanted.principal)

    def _stands(self, step: Step) -> None:
        snapshot = self.snapshot
        match step:
            case Create(thing=Stage(name=name, tier=tier)) | Change(after=Stage(name=name, tier=tier)):
                self.snapshot = replace(snapshot, stages={**snapshot.stages, name: tier})
            case Create(thing=Registry(name=name)):
                self.snapshot = replace(snapshot, registries=snapshot.registries | {name})
            case Create(thing=Member() as member):
                made = principal_of(member, self.ids)
                self.snapshot = replace(snapshot, principals=(*snapshot.principals, made))
            case Create(thing=CustomRole(name=name) as custom) | Change(after=CustomRole(name=name) as custom):
                others = (role for role in snapshot.custom_roles if role.name != name)
                self.snapshot = replace(snapshot, custom_roles=(*others, custom.role))
            case Create(thing=Group(name=name)):
                made = Principal(id=self.ids[name], name=name, person_id=self.ids[name], kind="group")
                self.snapshot = replace(snapshot, principals=(*snapshot.principals, made))
            case Create(thing=Membership(group=group, member=member)) if self.ids[member] != self.caller.principal_id:
                joined = tuple(
                    replace(one, groups=one.groups | {self.ids[group]}) if one.id == self.ids[member] else one
                    for one in snapshot.principals
                )
                self.snapshot = replace(snapshot, principals=joined)
            case Change(after=Setting(name="governance", value="team")):
                self.snapshot = replace(snapshot, governance="team")
            case _:
                pass

    def _who_can(self, action: Action, scope: Scope, refusal: Refusal) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the roles that hold the action there and the names of those who may do it now.

        Outside the caller's scope nothing is named.
        """
        if refusal.code == "access.not_found":
            return (), ()
        places = {self.snapshot.place_of(node) for node in scope.lineage}
        roles = (
            role.name
            for role in self.snapshot.roles.values()
            if action in role.actions and (None in places or not role.places.isdisjoint(places))
        )
        me = self.snapshot.people[self.caller.principal_id].person_id
        who = (
            one.name
            for one in self.snapshot.principals
            if one.kind != "group"
            and not (refusal.code in OTHERS_ONLY and one.person_id == me)
            and isinstance(decide(self.snapshot, Caller(principal_id=one.id), action, scope, now=self.now), Allow)
        )
        return tuple(roles), tuple(sorted(who))


def principal_of(member: Member, ids: Mapping[str, str]) -> Principal:
    """Return the principal that a member is, or will be."""
    person_id = ids[member.owner or member.name]
    return Principal(id=ids[member.name], name=member.name, person_id=person_id, kind=member.kind)


def _named_by(thing: Thing) -> Iterator[Key]:
    """Yield what must be there before a thing can be made."""
    match thing:
        case Datastore(stage=stage) | Compute(stage=str(stage)):
            yield "stage", stage
        case Path(stages=stages):
            yield from (("stage", stage) for stage in stages)
        case Member(owner=str(owner)) | Owner(principal=owner):
            yield "principal", owner
        case Membership(group=group, member=member):
            yield "group", group
            yield "principal", member
        case Assignment(principal=principal, role=role, scope=scope):
            yield "principal", principal
            yield "group", principal
            yield "role", role
            if scope.stage is not None:
                yield "stage", scope.stage
            if scope.registry is not None:
                yield "registry", scope.registry
        case _:
            pass
