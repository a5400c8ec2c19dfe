"""The platform planner: what a file changes, what it refuses, and that applying it twice changes nothing."""

from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from bucle import errors
from bucle.core.classes import Tier
from bucle.core.platform import (
    Assignment,
    Compute,
    Datastore,
    Member,
    Owner,
    Path,
    Platform,
    Price,
    Registry,
    Setting,
    Stage,
)
from bucle.core.platform_plan import faults_of, plan_platform, prunable, unmanaged
from bucle.core.platform_steps import Classify, SetSlots, apply_steps, explain, permission, summarise
from bucle.core.scopes import Scope, parse_scope

EMPTY = Platform(name="cars")
TWO_STAGES = Platform(
    name="cars",
    stages=(Stage(name="dev", tier="dev"), Stage(name="prod", tier="prod")),
    datastores=(
        Datastore(name="fuel", stage="dev", type="folder"),
        Datastore(name="live", stage="prod", type="folder"),
    ),
    paths=(Path(name="fuel", stages=("dev", "prod")),),
    principals=(
        Member(name="scientist", kind="person"),
        Member(name="robot", kind="service", owner="scientist"),
    ),
    bindings=(Assignment(principal="scientist", role="DataScientist", scope=parse_scope("/stages/dev")),),
    owners=(Owner(part="data", principal="scientist"),),
)
THREE_STAGES = replace(
    TWO_STAGES,
    stages=(TWO_STAGES.stages[0], Stage(name="preprod", tier="preprod"), TWO_STAGES.stages[1]),
    paths=(Path(name="fuel", stages=("dev", "preprod", "prod")),),
)
STANDING = apply_steps(EMPTY, plan_platform(EMPTY, TWO_STAGES))


def _with_members(*members: Member) -> Platform:
    return replace(TWO_STAGES, principals=members)


def _with_binding(role: str, scope: str) -> Platform:
    return replace(TWO_STAGES, bindings=(Assignment(principal="scientist", role=role, scope=parse_scope(scope)),))


def test_inserting_a_stage_is_one_stage_and_one_path() -> None:
    """Requirement 11: preprod between dev and prod is a one-line change, and nothing is destroyed."""
    steps = plan_platform(STANDING, THREE_STAGES)
    assert [explain(step) for step in steps] == [
        "+ stage preprod",
        "~ path fuel: dev→prod becomes dev→preprod→prod",
    ]
    assert summarise(steps) == "1 created, 1 changed, 0 destroyed"


def test_a_second_plan_is_empty() -> None:
    """Requirement 29: applying the same file twice changes nothing the second time."""
    assert len(plan_platform(EMPTY, TWO_STAGES)) == 9
    assert plan_platform(STANDING, TWO_STAGES) == ()
    assert summarise(plan_platform(STANDING, TWO_STAGES)) == "0 changes"


def test_what_the_file_leaves_open_is_filled_in() -> None:
    """A datastore without a class gets the default of its tier, a stage without a workspace its own name."""
    assert {store.name: store.data_class for store in STANDING.datastores} == {
        "fuel": "non-production",
        "live": "production",
    }
    assert [stage.workspace for stage in STANDING.stages] == ["dev", "prod"]


def test_a_role_is_refused_where_its_tiers_do_not_reach() -> None:
    """A data scientist is bound in dev, and refused in prod in the words of the access page."""
    in_prod = Assignment(principal="scientist", role="DataScientist", scope=parse_scope("/stages/prod"))
    with pytest.raises(errors.Refused) as refused:
        plan_platform(STANDING, replace(TWO_STAGES, bindings=(*TWO_STAGES.bindings, in_prod)))
    assert refused.value.detail == "role DataScientist may not be assigned at /stages/prod (tier prod)"


def test_a_changed_tier_is_checked_against_what_is_bound_there() -> None:
    """The rule of assignment holds when the stage moves under the binding, too."""
    moved = replace(TWO_STAGES, stages=(Stage(name="dev", tier="preprod"), TWO_STAGES.stages[1]))
    assert plan_platform(STANDING, replace(moved, bindings=()), prune=True)
    with pytest.raises(errors.Refused) as refused:
        plan_platform(STANDING, moved)
    assert refused.value.code == "access.tier"


def test_a_datastore_above_its_tier_is_refused() -> None:
    """Production data cannot be attached to dev at all; non-production data can."""
    production = Datastore(name="rows", stage="dev", type="folder", data_class="production")
    allowed = replace(production, data_class="non-production")
    assert plan_platform(STANDING, replace(TWO_STAGES, datastores=(*TWO_STAGES.datastores, allowed)))
    with pytest.raises(errors.Refused) as refused:
        plan_platform(STANDING, replace(TWO_STAGES, datastores=(*TWO_STAGES.datastores, production)))
    assert refused.value.code == "access.class_above_tier"


def test_class_and_slots_are_steps_under_permissions_of_their_own() -> None:
    """Labels are the steward's and quotas the infrastructure's, whoever else may write the thing."""
    wanted = replace(
        TWO_STAGES,
        stages=(TWO_STAGES.stages[0], Stage(name="prod", tier="prod", slots=4)),
        datastores=(TWO_STAGES.datastores[0], replace(TWO_STAGES.datastores[1], data_class="restricted")),
    )
    steps = plan_platform(STANDING, wanted)
    assert [type(step) for step in steps] == [SetSlots, Classify]
    assert [(action, str(scope)) for action, scope in map(permission, steps)] == [
        ("quotas/write", "/stages/prod"),
        ("datastores/classify", "/stages/prod/datastores/live"),
    ]
    assert explain(steps[1]) == "~ datastore prod/live: class production becomes restricted"


def test_each_step_names_its_own_permission() -> None:
    """The file of one platform needs three roles: infrastructure, data, access."""
    needed = {permission(step)[0] for step in plan_platform(EMPTY, TWO_STAGES)}
    assert needed == {
        "workspaces/write",
        "datastores/write",
        "platform/configure",
        "principals/write",
        "assignments/write",
    }


def test_nothing_is_destroyed_without_prune() -> None:
    """What an earlier file made and the new one leaves out stays until pruned; bindings go before stages."""
    smaller = replace(TWO_STAGES, bindings=(), owners=())
    assert plan_platform(STANDING, smaller) == ()
    assert [explain(step) for step in plan_platform(STANDING, smaller, prune=True)] == [
        "- owner of data: scientist",
        "- DataScientist for scientist at /stages/dev",
    ]
    assert len(prunable(STANDING, smaller)) == 2


def test_what_verbs_made_is_listed_and_kept() -> None:
    """A registry that no file made is unmanaged, and pruning passes it by."""
    by_verb = replace(STANDING, registries=(Registry(name="by-hand"),))
    assert [str(thing) for thing in unmanaged(by_verb, TWO_STAGES)] == ["registry by-hand"]
    assert plan_platform(by_verb, TWO_STAGES, prune=True) == ()


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (replace(TWO_STAGES, paths=(Path(name="fuel", stages=("dev", "test")),)), "platform.unknown_stage"),
        (replace(TWO_STAGES, paths=(Path(name="fuel", stages=("prod", "dev")),)), "platform.path_order"),
        (replace(TWO_STAGES, paths=(Path(name="fuel", stages=("dev", "dev")),)), "platform.path_order"),
        (_with_members(Member(name="scientist", kind="service", owner="scientist")), "platform.kind"),
        (_with_members(Member(name="lonely", kind="service")), "platform.owner"),
        (replace(TWO_STAGES, owners=(Owner(part="data", principal="unknown"),)), "access.unknown_principal"),
        (replace(TWO_STAGES, computes=(Compute(name="box", stage="test"),)), "platform.unknown_stage"),
        (_with_binding("Emperor", "/"), "access.unknown_role"),
        (_with_binding("CIBuilder", "/stages/dev"), "access.holder"),
        (_with_binding("Reader", "/stages/test"), "access.tier"),
    ],
)
def test_what_does_not_fit_together_is_refused(wanted: Platform, code: str) -> None:
    """The same file without the fault is planned; with it, it is refused by its own code."""
    plan_platform(STANDING, TWO_STAGES)
    with pytest.raises(errors.Refused) as refused:
        plan_platform(STANDING, wanted)
    assert refused.value.code == code


TIERS: dict[str, Tier] = {"a": "dev", "b": "preprod", "c": "prod"}
BINDABLE: dict[Tier, tuple[str, ...]] = {
    "dev": ("DataScientist", "DataEngineer", "Reader"),
    "preprod": ("MLEngineer", "DataEngineer", "Approver"),
    "prod": ("MLEngineer", "DataEngineer", "Approver"),
}


@st.composite
def platforms(draw: st.DrawFn) -> Platform:
    """Draw a platform that fits together: some of three stages, and things in them."""
    names = draw(st.lists(st.sampled_from("abc"), unique=True, min_size=1))
    slots = st.none() | st.integers(1, 3)
    people = draw(st.lists(st.sampled_from(["p", "q"]), unique=True, min_size=1))
    stage = st.sampled_from(names)
    governance: st.SearchStrategy[Literal["team", "solo"]] = st.sampled_from(("team", "solo"))
    return Platform(
        name="drawn",
        settings=(Setting(name="governance", value=draw(governance)),),
        stages=tuple(Stage(name=name, tier=TIERS[name], slots=draw(slots)) for name in names),
        registries=tuple(map(_registry, draw(st.sets(st.sampled_from("xy"))))),
        datastores=tuple(
            Datastore(name="rows", stage=name, type="folder", path=draw(st.none() | st.sampled_from(["/1", "/2"])))
            for name in draw(st.sets(stage))
        ),
        paths=(Path(name="path", stages=tuple(sorted(draw(st.sets(stage))))),),
        principals=tuple(Member(name=name, kind="person") for name in people),
        bindings=tuple(
            Assignment(principal=people[0], role=draw(st.sampled_from(BINDABLE[TIERS[name]])), scope=_at(name))
            for name in draw(st.sets(stage))
        ),
        prices=(Price(resource="cpu_hour", amount=draw(st.sampled_from(["0.10 EUR", "0.12 EUR"]))),),
    )


def _registry(name: str) -> Registry:
    return Registry(name=name)


def _at(stage: str) -> Scope:
    return parse_scope(f"/stages/{stage}")


@given(first=platforms(), second=platforms())
def test_applying_a_plan_leaves_nothing_to_plan(first: Platform, second: Platform) -> None:
    """From anything to anything with prune: the second plan is empty, and exactly the file stands."""
    standing = apply_steps(EMPTY, plan_platform(EMPTY, first))
    after = apply_steps(standing, plan_platform(standing, second, prune=True))
    assert plan_platform(after, second, prune=True) == ()
    assert set(after.things) == set(second.things)
    assert faults_of(after, ()) == ()


@given(first=platforms(), second=platforms())
def test_without_prune_nothing_disappears(first: Platform, second: Platform) -> None:
    """Every thing that stood still stands, and the second plan is empty."""
    standing = apply_steps(EMPTY, plan_platform(EMPTY, first))
    try:
        after = apply_steps(standing, plan_platform(standing, second))
    except errors.Refused:
        reject()
    assert set(after.things) == set(first.things) | set(second.things)
    assert plan_platform(after, second) == ()
