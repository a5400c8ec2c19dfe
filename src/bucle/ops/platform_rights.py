"""Makes, changes and removes what a platform file says of rights: roles, people, groups, who is in them, bindings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from bucle import errors
from bucle.access import bindings, groups, policy, principals, roles, sessions, tokens
from bucle.core.platform import Assignment, CustomRole, Group, Member, Membership
from bucle.core.snapshot import Binding, Principal
from bucle.ops.platform_judge import principal_of
from bucle.ops.world import Call, World
from bucle.store.records import Transaction

Right = CustomRole | Member | Group | Membership | Assignment


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """One transaction in which rights are written, for one caller; `ids` are those of all principals."""

    world: World
    call: Call
    transaction: Transaction
    ids: Mapping[str, str]

    def put(self, thing: Right, *, new: bool) -> None:
        """Make a thing, or give the one of its name other values."""
        match thing:
            case CustomRole():
                roles.put_role(self.transaction, thing.role)
            case Member():
                self._put_member(thing, new=new)
            case Group(name=name):
                self._add(Principal(id=self.ids[name], name=name, person_id=self.ids[name], kind="group"))
            case Membership(group=group, member=member):
                by = self.call.principal.name
                groups.add_member(self.transaction, self.ids[group], self.ids[member], made_by=by)
            case Assignment():
                self._bind(thing)
            case _:
                assert_never(thing)

    def remove(self, thing: Right) -> None:
        """Take a thing away; whoever is removed is disabled, and stays known."""
        transaction = self.transaction
        match thing:
            case CustomRole(name=name):
                roles.remove_role(transaction, name)
            case Member(name=name) | Group(name=name):
                principals.disable(transaction, self.ids[name])
                sessions.end_all(transaction, self.ids[name])
                tokens.revoke_all(transaction, self.ids[name])
            case Membership(group=group, member=member):
                groups.remove_member(transaction, self.ids[group], self.ids[member])
            case Assignment(principal=name, role=role, scope=scope):
                held = bindings.find_alike(transaction.rows, self.ids[name], role, str(scope))
                assert held is not None, "it stood when the steps were planned, in this transaction"
                policy.remove_binding(transaction, held.id)
            case _:
                assert_never(thing)

    def _put_member(self, wanted: Member, *, new: bool) -> None:
        principal = principal_of(wanted, self.ids)
        if new:
            self._add(principal)
        else:
            principals.set_person(self.transaction, principal.id, principal.person_id)

    def _add(self, principal: Principal) -> None:
        if principals.find(self.transaction.rows, principal.name) is not None:
            raise errors.Conflict("principal.exists", name=principal.name)
        policy.add_principal(self.transaction, principal)

    def _bind(self, wanted: Assignment) -> None:
        """Bind for good or for a while; a binding of the same words with another end makes room."""
        holder = self.ids[wanted.principal]
        held = bindings.find_alike(self.transaction.rows, holder, wanted.role, str(wanted.scope))
        if held is not None:
            policy.remove_binding(self.transaction, held.id)
        made = Binding(
            id=self.world.new_id(),
            principal_id=holder,
            role=wanted.role,
            scope=wanted.scope,
            expires_at=wanted.expires_at,
        )
        policy.add_binding(self.transaction, made, made_by=self.call.principal.name)
