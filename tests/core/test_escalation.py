"""No sequence of the administrator's own acts gives him an action that his role does not hold."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bucle.core.actions import ACTIONS, Action
from bucle.core.classes import Place
from bucle.core.delegation import check_role
from bucle.core.granting import check_grant, check_membership
from bucle.core.roles import BUILT_IN, Role
from bucle.core.scopes import PLATFORM, Scope, parse_scope
from bucle.core.snapshot import Binding, Caller, Principal, Snapshot

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ADMIN = Caller(principal_id="admin")
PRINCIPALS = st.sampled_from(("admin", "robot", "other", "team"))
SCOPES = st.sampled_from([parse_scope(text) for text in ("/", "/stages/dev", "/stages/prod", "/registries/r")])
CUSTOM = st.sampled_from(("Custom1", "Custom2"))


class Administrator(RuleBasedStateMachine):
    """An administrator, his robot, a colleague and a group, on a platform that begins with one grant."""

    def __init__(self) -> None:
        super().__init__()
        self.platform = Snapshot(
            principals=(
                Principal(id="admin", name="admin", person_id="a", kind="person"),
                Principal(id="robot", name="robot", person_id="a", kind="service"),
                Principal(id="other", name="other", person_id="o", kind="person"),
                Principal(id="team", name="team", person_id="t", kind="group"),
            ),
            bindings=(Binding(id="0", principal_id="admin", role="AccessAdmin", scope=PLATFORM),),
            stages={"dev": "dev", "prod": "prod"},
            registries=frozenset({"r"}),
        )

    @rule(who=PRINCIPALS, role=st.sampled_from(sorted(BUILT_IN)) | CUSTOM, scope=SCOPES)
    def grant(self, who: str, role: str, scope: Scope) -> None:
        """Give somebody a role, where that is allowed."""
        wanted = Binding(id=f"{len(self.platform.bindings)}", principal_id=who, role=role, scope=scope)
        if check_grant(self.platform, ADMIN, wanted, now=NOW) is None:
            self.platform = replace(self.platform, bindings=(*self.platform.bindings, wanted))

    @rule(who=PRINCIPALS)
    def join(self, who: str) -> None:
        """Put somebody into the group, where that is allowed."""
        if check_membership(self.platform, ADMIN, "team", who, now=NOW) is None:
            people = self.platform.principals
            self.platform = replace(
                self.platform,
                principals=tuple(replace(one, groups=frozenset({"team"})) if one.id == who else one for one in people),
            )

    @rule(
        name=CUSTOM | st.just("AccessAdmin"),
        actions=st.frozensets(st.sampled_from(sorted(ACTIONS)), max_size=3),
    )
    def define(self, name: str, actions: frozenset[Action]) -> None:
        """Define or redefine a role, where that is allowed."""
        places = frozenset[Place]({"platform", "dev", "prod"})
        role = Role(name=name, purpose="", actions=actions, places=places, ceiling="restricted")
        if check_role(self.platform, ADMIN, role, now=NOW) is None:
            others = tuple(one for one in self.platform.custom_roles if one.name != name)
            self.platform = replace(self.platform, custom_roles=(*others, role))

    @invariant()
    def he_holds_what_his_role_holds(self) -> None:
        """Neither he nor his robot, himself or through the group, gets beyond AccessAdmin."""
        held = [
            action
            for who in ("admin", "robot")
            for holding in self.platform.holdings(who)
            for action in holding.role.actions
        ]
        assert BUILT_IN["AccessAdmin"].actions.issuperset(held)


TestAdministrator = Administrator.TestCase
TestAdministrator.settings = settings(max_examples=60, stateful_step_count=15)
