"""The rules of granting, approving and handing on: each refusal next to the same act where it is allowed."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bucle.core.actions import ACTIONS, Action
from bucle.core.approval import Lowering, Promotion, check_approval, check_new_datastore, check_reclassify
from bucle.core.delegation import TokenRequest, check_role, check_token
from bucle.core.granting import (
    check_deactivate,
    check_grant,
    check_membership,
    check_revoke,
    check_tier_change,
)
from bucle.core.refusal import Refusal
from bucle.core.roles import BUILT_IN, Role
from bucle.core.scopes import PLATFORM, parse_scope, stage_scope
from bucle.core.snapshot import Binding, Caller, Principal, Snapshot, Window

ADMIN = Caller(principal_id="AccessAdmin")
PROMOTION = Promotion(target="prod", requester_id="MLEngineer", author_id="DataScientist", alias="quiet-heron")


def binding(principal: str, role: str, scope: str) -> Binding:
    """Return a binding to be made."""
    return Binding(id="new", principal_id=principal, role=role, scope=parse_scope(scope))


def code(refusal: Refusal | None) -> str | None:
    """Return the code of a refusal, whose sentence must exist."""
    return refusal.error.code if refusal else None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (binding("nobody", "DataScientist", "/stages/dev"), None),
        (binding("nobody", "DataScientist", "/stages/prod"), "access.tier"),
        (binding("nobody", "DataScientist", "/"), "access.tier"),
        (binding("nobody", "AccessAdmin", "/"), None),
        (binding("nobody", "AccessAdmin", "/stages/dev"), "access.tier"),
        (binding("AccessAdmin", "DataScientist", "/stages/dev"), "access.own_grant"),
        (binding("his-robot", "CIBuilder", "/stages/dev"), "access.own_grant"),
        (binding("his-team", "DataScientist", "/stages/dev"), "access.own_grant"),
        (binding("CIBuilder", "CIReleaser", "/stages/prod"), None),
        (binding("nobody", "CIReleaser", "/stages/prod"), "access.holder"),
        (binding("CIBuilder", "Approver", "/stages/prod"), "access.holder"),
        (binding("nobody", "Emperor", "/"), "access.unknown_role"),
        (binding("unknown", "Reader", "/stages/dev"), "access.unknown_principal"),
    ],
)
def test_who_is_given_what(house: Snapshot, now: datetime, wanted: Binding, expected: str | None) -> None:
    """AccessAdmin grants built-in roles in their tiers, to others only."""
    admin = replace(house.people["AccessAdmin"], groups=frozenset({"his-team"}))
    robot = Principal(id="his-robot", name="his-robot", person_id=admin.person_id, kind="service")
    team = Principal(id="his-team", name="his-team", person_id="team", kind="group")
    others = tuple(principal for principal in house.principals if principal.id != "AccessAdmin")
    known = replace(house, principals=(*others, admin, robot, team))
    assert code(check_grant(known, ADMIN, wanted, now=now)) == expected


def test_only_those_who_assign_may_grant(house: Snapshot, now: datetime) -> None:
    """The same binding is the administrator's to make, and nobody else's."""
    wanted = binding("nobody", "Reader", "/stages/dev")
    may = {role: check_grant(house, Caller(principal_id=role), wanted, now=now) is None for role in BUILT_IN}
    assert [role for role, granted in may.items() if granted] == ["AccessAdmin"]


def test_a_grant_ends_in_the_future(house: Snapshot, now: datetime) -> None:
    """An expiry to come is fine, one that is past is not."""
    wanted = binding("nobody", "Reader", "/stages/dev")
    assert check_grant(house, ADMIN, replace(wanted, expires_at=now + timedelta(hours=1)), now=now) is None
    late = check_grant(house, ADMIN, replace(wanted, expires_at=now), now=now)
    assert code(late) == "access.already_expired"


def test_solo_lets_one_person_grant_to_himself(house: Snapshot, now: datetime) -> None:
    """`governance: solo` lifts that rule, and no tier with it."""
    solo = replace(house, governance="solo")
    assert check_grant(solo, ADMIN, binding("AccessAdmin", "DataScientist", "/stages/dev"), now=now) is None
    prod = check_grant(solo, ADMIN, binding("AccessAdmin", "DataScientist", "/stages/prod"), now=now)
    assert code(prod) == "access.tier"


def test_the_last_admin_stays(house: Snapshot, now: datetime) -> None:
    """Neither by revoking nor by deactivating; with a second one both are possible."""
    assert code(check_revoke(house, ADMIN, "AccessAdmin@/", now=now)) == "access.last_admin"
    assert code(check_deactivate(house, ADMIN, "AccessAdmin", now=now)) == "access.last_admin"
    assert check_revoke(house, ADMIN, "Auditor@/", now=now) is None
    second = replace(house, bindings=(*house.bindings, binding("nobody", "AccessAdmin", "/")))
    assert check_revoke(second, ADMIN, "AccessAdmin@/", now=now) is None
    assert check_deactivate(second, ADMIN, "AccessAdmin", now=now) is None


def test_joining_a_group_is_a_grant(house: Snapshot, now: datetime) -> None:
    """The administrator puts others into a group, not himself."""
    team = Principal(id="team", name="team", person_id="team", kind="group")
    known = replace(house, principals=(*house.principals, team))
    assert check_membership(known, ADMIN, "team", "nobody", now=now) is None
    assert code(check_membership(known, ADMIN, "team", "AccessAdmin", now=now)) == "access.own_grant"


def test_a_tier_change_names_each_binding_in_its_way(house: Snapshot) -> None:
    """From dev to prod: the data scientist and the builder may not stay, the others may."""
    assert check_tier_change(house, "dev", "dev") == ()
    faults = check_tier_change(house, "dev", "prod")
    assert {str(fault.values["role"]) for fault in faults} == {"DataScientist", "CIBuilder"}


def approval(house: Snapshot, caller: Caller, now: datetime, typed: str | None = None) -> str | None:
    """Return the code with which an approval of PROMOTION is refused."""
    return code(check_approval(house, caller, PROMOTION, typed_alias=typed, now=now))


def test_an_approval_is_another_persons_own(house: Snapshot, now: datetime) -> None:
    """An approver in his login session may; not by a token, nor who asked or made it, nor a bot's owner."""
    caller = Caller(principal_id="Approver")
    assert approval(house, caller, now) is None
    assert approval(house, replace(caller, session="token", windows=(Window(scope=PLATFORM),)), now) == (
        "access.approver_session"
    )
    assert approval(house, Caller(principal_id="Reader"), now) == "access.denied.not_in_role"
    for who, expected in (
        ("MLEngineer", "access.approver_is_requester"),
        ("DataScientist", "access.approver_is_author"),
    ):
        same = replace(house.people["Approver"], person_id=f"p-{who}")
        others = tuple(principal for principal in house.principals if principal.id != "Approver")
        assert approval(replace(house, principals=(*others, same)), caller, now) == expected


def test_solo_approves_by_typing_the_alias(house: Snapshot, now: datetime) -> None:
    """One person who is author and approver: the alias, exactly, or nothing."""
    same = replace(house.people["Approver"], person_id="p-DataScientist")
    others = tuple(principal for principal in house.principals if principal.id != "Approver")
    solo = replace(house, principals=(*others, same), governance="solo")
    caller = Caller(principal_id="Approver")
    assert approval(solo, caller, now, "quiet-heron") is None
    assert approval(solo, caller, now, "quiet-hero") == approval(solo, caller, now) == "access.type_the_alias"


def test_lowering_a_class_takes_two_people(house: Snapshot, now: datetime) -> None:
    """A steward raises alone; lowering needs a second steward who is somebody else."""
    store = parse_scope("/stages/prod/datastores/live")
    lowering = Lowering(datastore=store, before="production", after="internal")
    first, second = Caller(principal_id="DataSteward"), Caller(principal_id="nobody")
    two = replace(house, bindings=(*house.bindings, binding("nobody", "DataSteward", "/stages/prod")))
    raising = replace(lowering, after="restricted")
    assert check_reclassify(two, first, raising, second=None, now=now) is None
    assert check_reclassify(two, first, lowering, second=second, now=now) is None
    assert code(check_reclassify(two, first, lowering, second=None, now=now)) == "access.second_person"
    assert code(check_reclassify(two, first, lowering, second=first, now=now)) == "access.second_person"
    unfit = check_reclassify(house, first, lowering, second=Caller(principal_id="MLEngineer"), now=now)
    assert code(unfit) == "access.denied.not_in_role"


def test_a_new_datastore_lies_between_default_and_ceiling() -> None:
    """In preprod that is production and nothing else."""
    stage = stage_scope("preprod")
    assert check_new_datastore(stage, "preprod", "production") is None
    assert code(check_new_datastore(stage, "preprod", "restricted")) == "access.class_above_tier"
    assert code(check_new_datastore(stage, "preprod", "non-production")) == "access.class_below_default"


def role(*actions: Action, name: str = "Custom") -> Role:
    """Return a custom role for the platform."""
    return Role(name=name, purpose="", actions=frozenset(actions), places=frozenset({"dev"}), ceiling="public")


def test_a_custom_role_holds_what_its_maker_holds(house: Snapshot, now: datetime) -> None:
    """The administrator makes a role of reading; not one of data, of duties kept apart, of a known name."""
    assert check_role(house, ADMIN, role("models/read", "assignments/read"), now=now) is None
    assert code(check_role(house, ADMIN, role("data/read"), now=now)) == "access.more_than_maker"
    assert code(check_role(house, ADMIN, role("models/read", name="Reader"), now=now)) == "access.role_name"
    apart = role("promotions/approve", "promotions/execute")
    assert code(check_role(house, ADMIN, apart, now=now)) == "access.undivided"


@pytest.mark.parametrize("maker", sorted(BUILT_IN))
def test_no_action_beyond_the_maker_gets_into_a_role(house: Snapshot, now: datetime, maker: str) -> None:
    """Over every action: whoever may define roles puts in exactly what he holds himself."""
    accepted = {
        action for action in ACTIONS if check_role(house, Caller(principal_id=maker), role(action), now=now) is None
    }
    assert accepted == (BUILT_IN[maker].actions if maker == "AccessAdmin" else frozenset())


def test_a_token_is_made_by_its_owner_and_holds_no_more(house: Snapshot, now: datetime) -> None:
    """His own, signed in; within what he holds; a year at most for a person."""
    owner = Caller(principal_id="DataScientist")
    dev = Window(scope=stage_scope("dev"), actions=frozenset({"jobs/submit"}))
    token = TokenRequest(owner_id="DataScientist", windows=(dev,), expires_at=now + timedelta(days=30))
    assert check_token(house, owner, token, now=now) is None
    assert code(check_token(house, ADMIN, token, now=now)) == "access.token_owner"
    assert code(check_token(house, replace(owner, session="token"), token, now=now)) == "access.token_owner"
    wide = replace(token, windows=(replace(dev, actions=frozenset({"computes/write"})),))
    assert code(check_token(house, owner, wide, now=now)) == "access.token_beyond_owner"
    long = replace(token, expires_at=now + timedelta(days=366))
    assert code(check_token(house, owner, long, now=now)) == "access.token_expiry"


def test_a_services_token_holds_no_more_than_its_maker(house: Snapshot, now: datetime) -> None:
    """Its owner, who holds as much, makes it; the administrator cannot reach data through it."""
    agent = replace(house.people["MonitorAgent"], person_id="p-MLEngineer")
    others = tuple(principal for principal in house.principals if principal.id != "MonitorAgent")
    owned = replace(house, principals=(*others, agent))
    rows = Window(scope=stage_scope("prod"), actions=frozenset({"data/read"}))
    token = TokenRequest(owner_id="MonitorAgent", windows=(rows,), expires_at=now + timedelta(days=90))
    assert check_token(owned, Caller(principal_id="MLEngineer"), token, now=now) is None
    assert code(check_token(owned, ADMIN, token, now=now)) == "access.token_beyond_maker"
    metrics = replace(token, windows=(replace(rows, actions=frozenset({"metrics/read"})),))
    assert check_token(owned, ADMIN, metrics, now=now) is None
    long = replace(token, expires_at=now + timedelta(days=91))
    assert code(check_token(owned, Caller(principal_id="MLEngineer"), long, now=now)) == "access.token_expiry"
