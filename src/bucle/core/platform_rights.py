"""What must hold of the roles, groups and bindings that a platform file names, whoever applies it."""

from collections.abc import Iterator, Mapping

from bucle.core.actions import ACTIONS
from bucle.core.classes import Place
from bucle.core.delegation import check_definition
from bucle.core.granting import check_holder, check_place
from bucle.core.platform import Assignment, CustomRole, Membership, Platform
from bucle.core.refusal import Refusal, refuse
from bucle.core.roles import BUILT_IN, PrincipalKind, Role
from bucle.core.scopes import Scope


def faults_of_rights(outcome: Platform) -> Iterator[Refusal]:
    """Yield every rule that the roles, groups and bindings of a platform break among themselves."""
    kinds = kinds_of(outcome)
    for role in outcome.roles:
        yield from _role_faults(role)
    for membership in outcome.memberships:
        yield from _membership_faults(membership, kinds)
    roles = {one.name: one.role for one in outcome.roles} | dict(BUILT_IN)
    for binding in outcome.bindings:
        yield from _binding_faults(outcome, binding, kinds, roles)


def kinds_of(platform: Platform) -> Mapping[str, PrincipalKind]:
    """Return who is a person, a service, a group."""
    groups: dict[str, PrincipalKind] = {group.name: "group" for group in platform.groups}
    return groups | {member.name: member.kind for member in platform.principals}


def _role_faults(role: CustomRole) -> Iterator[Refusal]:
    for action in role.actions:
        if action not in ACTIONS:
            yield refuse("access.unknown_action", role=role.name, action=action)
    fault = check_definition(role.role)
    if fault is not None:
        yield fault


def _membership_faults(membership: Membership, kinds: Mapping[str, PrincipalKind]) -> Iterator[Refusal]:
    if kinds.get(membership.group) != "group":
        yield refuse("access.unknown_principal", principal=membership.group)
    match kinds.get(membership.member):
        case None:
            yield refuse("access.unknown_principal", principal=membership.member)
        case "group":
            yield refuse("access.group_in_group", group=membership.group, member=membership.member)
        case _:
            pass


def _binding_faults(
    outcome: Platform, binding: Assignment, kinds: Mapping[str, PrincipalKind], roles: Mapping[str, Role]
) -> Iterator[Refusal]:
    """Yield what is wrong with a binding; of a group's, with each of its members too."""
    role = roles.get(binding.role)
    if role is None:
        yield refuse("access.unknown_role", role=binding.role)
    if binding.principal not in kinds:
        yield refuse("access.unknown_principal", principal=binding.principal)
    if role is None:
        return
    members = (one.member for one in outcome.memberships if one.group == binding.principal)
    for holder in (binding.principal, *members):
        if holder in kinds:
            fault = check_holder(role, holder, kinds[holder])
            if fault is not None:
                yield fault
    place = check_place(role, binding.scope, _place_of(outcome, binding.scope))
    if place is not None:
        yield place


def _place_of(outcome: Platform, scope: Scope) -> Place | None:
    if scope.stage is not None:
        return next((stage.tier for stage in outcome.stages if stage.name == scope.stage), None)
    if scope.registry is None:
        return "platform"
    return "shared" if any(registry.name == scope.registry for registry in outcome.registries) else None
