"""Denials that explain themselves, the bootstrap administrator, groups, expiry, tokens and job identities."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args

import pytest

from bucle import errors
from bucle.core.access import Act, Allow, Decision, Deny, Why, decide, error_of
from bucle.core.delegation import job_windows
from bucle.core.scopes import PLATFORM, parse_scope, stage_scope
from bucle.core.snapshot import Binding, Caller, Principal, Snapshot, Window

DEV, PROD = stage_scope("dev"), stage_scope("prod")
SCIENTIST = Caller(principal_id="DataScientist")
SUBMIT = Act("jobs/submit", DEV, None)


def ask(house: Snapshot, caller: Caller, act: Act, now: datetime) -> Decision:
    """Decide one act."""
    return decide(house, caller, act.action, act.scope, now=now, data_class=act.data_class)


@pytest.mark.parametrize(
    ("who", "act", "why", "nearest"),
    [
        ("DataScientist", Act("data/read", DEV, "production"), "above_tier", "DataScientist@/stages/dev"),
        ("MLEngineer", Act("data/read", PROD, "restricted"), "above_role", "MLEngineer@/stages/prod"),
        ("MLEngineer", Act("data/read", PROD, None), "unlabelled", "MLEngineer@/stages/prod"),
        ("DataScientist", Act("computes/write", DEV, None), "not_in_role", "DataScientist@/stages/dev"),
        ("DataScientist", Act("jobs/submit", PROD, None), "elsewhere", "DataScientist@/stages/dev"),
        (
            "InfraEngineer",
            Act("workspaces/write", stage_scope("no"), None),
            "unknown_place",
            "InfraEngineer@/",
        ),
        ("nobody", SUBMIT, "no_grants", None),
        ("stranger", SUBMIT, "nobody", None),
    ],
)
def test_a_denial_names_the_nearest_binding(
    house: Snapshot, now: datetime, who: str, act: Act, why: Why, nearest: str | None
) -> None:
    """The reason is that of the binding that lacks least."""
    decision = ask(house, Caller(principal_id=who), act, now)
    assert isinstance(decision, Deny)
    assert (decision.why, decision.nearest.id if decision.nearest else None) == (why, nearest)


def test_a_denial_says_what_would_help(house: Snapshot, now: datetime) -> None:
    """The action missing, where, the roles that hold it there, and who can grant one."""
    assert isinstance(ask(house, SCIENTIST, SUBMIT, now), Allow)
    decision = ask(house, Caller(principal_id="Reader"), SUBMIT, now)
    assert isinstance(decision, Deny)
    assert decision.roles == ("DataScientist", "DataEngineer", "CIBuilder")
    assert str(error_of(decision)) == (
        "jobs/submit at /stages/dev is refused: Reader at /stages/dev does not hold it"
        " → ask AccessAdmin for DataScientist or DataEngineer or CIBuilder at /stages/dev"
    )


def test_a_role_that_is_held_above_helps_too(house: Snapshot, now: datetime) -> None:
    """AccessAdmin is held at the platform only: it is what grants in a stage, and the hint says where to hold it."""
    act = Act("assignments/write", DEV, None)
    assert isinstance(ask(house, Caller(principal_id="AccessAdmin"), act, now), Allow)
    decision = ask(house, SCIENTIST, act, now)
    assert isinstance(decision, Deny)
    assert (decision.roles, decision.at) == (("AccessAdmin",), PLATFORM)
    assert str(error_of(decision)).endswith("ask AccessAdmin for AccessAdmin at /")


def test_a_running_job_keeps_its_run(house: Snapshot, now: datetime) -> None:
    """Whose submitter lost his role keeps the acts of its own run, no row, and nothing once he is shut out."""
    windows = job_windows("dev", "own", reads=(DEV,), writes=())
    job = Caller(principal_id="nobody", session="job", windows=windows)
    own, other = stage_scope("dev", "jobs", "own"), stage_scope("dev", "jobs", "other")
    assert isinstance(ask(house, job, Act("experiments/write", own, None), now), Allow)
    assert isinstance(ask(house, replace(job, session="token"), Act("experiments/write", own, None), now), Deny)
    for act in (Act("experiments/write", other, None), Act("jobs/submit", DEV, None), Act("data/read", DEV, "public")):
        assert isinstance(ask(house, job, act, now), Deny)
    gone = tuple(replace(one, active=one.id != "nobody") for one in house.principals)
    shut_out = replace(house, principals=gone)
    assert isinstance(ask(shut_out, job, Act("experiments/write", own, None), now), Deny)


def test_outside_the_callers_scope_the_answer_is_not_found(house: Snapshot, now: datetime) -> None:
    """A stage where nothing is held answers like a stage that is not there; a newcomer always hears 403."""
    for stage in ("prod", "nowhere"):
        decision = ask(house, SCIENTIST, Act("jobs/submit", stage_scope(stage), None), now)
        assert isinstance(decision, Deny)
        assert isinstance(error_of(decision), errors.NotFound)
        newcomer = ask(house, Caller(principal_id="nobody"), Act("jobs/submit", stage_scope(stage), None), now)
        assert isinstance(newcomer, Deny)
        assert isinstance(error_of(newcomer), errors.Refused)
        assert newcomer.roles == ("DataScientist", "MLEngineer", "DataEngineer", "CIBuilder", "MonitorAgent")


@pytest.mark.parametrize("why", get_args(Why))
def test_every_reason_has_its_words(house: Snapshot, now: datetime, why: Why) -> None:
    """No reason of the engine lacks a sentence in the catalogue."""
    decision = ask(house, Caller(principal_id="Reader"), SUBMIT, now)
    assert isinstance(decision, Deny)
    assert str(error_of(replace(decision, why=why))).startswith("jobs/submit at /stages/dev is refused: ")


def test_a_binding_ends_at_its_expiry(house: Snapshot, now: datetime) -> None:
    """It counts until the instant, and not at it; then the denial says when it ended."""
    binding = Binding(id="b", principal_id="nobody", role="DataScientist", scope=DEV, expires_at=now)
    dated = replace(house, bindings=(*house.bindings, binding))
    caller = Caller(principal_id="nobody")
    assert isinstance(ask(dated, caller, SUBMIT, now - timedelta(microseconds=1)), Allow)
    decision = ask(dated, caller, SUBMIT, now)
    assert isinstance(decision, Deny)
    assert (decision.why, decision.nearest) == ("expired", binding)


def test_a_group_gives_its_members_what_it_holds(house: Snapshot, now: datetime) -> None:
    """A member submits by the group's binding; once the group is deactivated, no more."""
    group = Principal(id="team", name="team", person_id="team", kind="group")
    member = Principal(id="new", name="new", person_id="p-new", kind="person", groups=frozenset({"team"}))
    binding = Binding(id="b", principal_id="team", role="DataScientist", scope=DEV)
    grown = replace(house, principals=(*house.principals, group, member), bindings=(*house.bindings, binding))
    assert isinstance(ask(grown, Caller(principal_id="new"), SUBMIT, now), Allow)
    asleep = replace(grown, principals=(*house.principals, replace(group, active=False), member))
    assert isinstance(ask(asleep, Caller(principal_id="new"), SUBMIT, now), Deny)


def test_a_binding_that_breaks_a_rule_counts_for_nothing(house: Snapshot, now: datetime) -> None:
    """A row that names DataScientist in prod, however it came there, allows nothing."""
    rows = [
        Binding(id=f"b{n}", principal_id="nobody", role="DataScientist", scope=at) for n, at in enumerate((DEV, PROD))
    ]
    broken = replace(house, bindings=tuple(rows))
    assert isinstance(ask(broken, Caller(principal_id="nobody"), SUBMIT, now), Allow)
    assert isinstance(ask(broken, Caller(principal_id="nobody"), Act("jobs/submit", PROD, None), now), Deny)


def test_a_token_narrows_and_never_widens(house: Snapshot, now: datetime) -> None:
    """What its windows name passes, what they do not name is refused, what its owner lacks stays refused."""
    windows = (Window(scope=DEV, actions=frozenset({"jobs/submit", "computes/write"})),)
    token = Caller(principal_id="DataScientist", session="token", windows=windows)
    assert isinstance(ask(house, token, SUBMIT, now), Allow)
    refused = [ask(house, token, Act(action, DEV, None), now) for action in ("jobs/cancel", "computes/write")]
    assert [decision.why for decision in refused if isinstance(decision, Deny)] == [
        "outside_token",
        "not_in_role",
    ]


def test_a_job_does_what_submitter_and_identity_both_hold(house: Snapshot, now: datetime) -> None:
    """It reads its declared input; not another one, nor where the identity holds nothing."""
    data = parse_scope("/stages/dev/datasets/fuel")
    windows = job_windows("dev", "calm_heron", reads=(data,), writes=())
    job = Caller(principal_id="DataScientist", session="job", windows=windows, identity_id="DataEngineer")
    read = Act("data/read", data, "non-production")
    assert isinstance(ask(house, job, read, now), Allow)
    other = ask(house, job, read._replace(scope=parse_scope("/stages/dev/datasets/other")), now)
    assert isinstance(other, Deny)
    assert other.why == "outside_token"
    bare = ask(house, replace(job, identity_id="Reader"), read, now)
    assert isinstance(bare, Deny)
    assert bare.why == "job_identity"


def test_the_bootstrap_administrator_acts_until_another_admin_is_there(now: datetime) -> None:
    """Three roles, each act marked; gone with the first other AccessAdmin who does not expire."""
    people = tuple(Principal(id=name, name=name, person_id=name, kind="person") for name in ("first", "second"))
    alone = Snapshot(principals=people, stages={"prod": "prod"}, bootstrap_id="first")
    acts = [Act("platform/configure", PLATFORM, None), Act("assignments/write", PLATFORM, None)]
    acts += [Act("data/write", PROD, "production")]
    answers = [ask(alone, Caller(principal_id="first"), act, now) for act in acts]
    assert [isinstance(answer, Allow) and answer.bootstrap for answer in answers] == [True, True, True]
    admin = Binding(id="b", principal_id="second", role="AccessAdmin", scope=PLATFORM)
    passing = replace(alone, bindings=(replace(admin, expires_at=now + timedelta(days=1)),))
    assert isinstance(ask(passing, Caller(principal_id="first"), acts[0], now), Allow)
    joined = replace(alone, bindings=(admin,))
    assert all(isinstance(ask(joined, Caller(principal_id="first"), act, now), Deny) for act in acts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/stages",
        "/stages/",
        "//",
        "/stages/a/b",
        "/stages/a/cats/b",
        "/stages/../prod",
        "stages/a",
        "/x/a",
    ],
)
def test_what_is_not_a_scope_is_refused(text: str) -> None:
    """Good ones come back as they were written."""
    for good in ("/", "/stages/dev", "/stages/dev/models/m.1", "/registries/r/components/c_2"):
        assert str(parse_scope(good)) == good
    with pytest.raises(errors.BadRequest):
        parse_scope(text)
