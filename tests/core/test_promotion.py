"""The state machine of a promotion: its table written by hand, and what may never happen whatever the facts."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucle.core.gate import Check
from bucle.core.promotion import (
    Act,
    Answers,
    Begin,
    BeginComparison,
    Build,
    Complete,
    Facts,
    Grounds,
    Judge,
    Refuse,
    Replay,
    Return,
    Shift,
    ShiftTraffic,
    Start,
    State,
    Wait,
    breach,
    first_state,
    next_act,
    plan_promotion,
)
from bucle.spec.gate import Gate

ROLLOUT = (ShiftTraffic(percent=10, requests=20), ShiftTraffic(percent=100, requests=30))
NONE = Answers(requests=0, failed=0, p95_ms=0.0)
NEXT: dict[str, State] = {"Begin": "deploying", "Replay": "testing", "Shift": "rolling", "Complete": "completed"}


def check(verdict: Any, name: str = "standing.errors") -> Check:
    """Return a check that ended with a verdict."""
    return Check(name=name, rule="none", measured="1 of 40 failed", verdict=verdict, evidence="replay")


PASSED, FAILED = (check("pass"),), (check("pass", "standing.ready"), check("fail"))


def facts(state: State, **changes: Any) -> Facts:
    """Return how a promotion stands when all is well, with changes."""
    well = Facts(
        state=state, comparison="missing", approvals_missing=0, executor="engineer", environment="built",
        worker="ready", worker_error=None, standing=None, rollout=ROLLOUT, shift=-1, candidate=NONE,
        champion=NONE, allowed_errors=0, p95_ms=150.0,
    )  # fmt: skip
    return replace(well, **changes)


def answered(requests: int, failed: int = 0, p95_ms: float = 5.0) -> Answers:
    """Return what a deployment answered."""
    return Answers(requests=requests, failed=failed, p95_ms=p95_ms)


TABLE: list[tuple[Facts, type[Act]]] = [
    (facts("comparing", environment="missing", worker="none"), Build),
    (facts("comparing", environment="building", worker="none"), Wait),
    (facts("comparing", environment="failed", worker="none"), Refuse),
    (facts("comparing", worker="none"), BeginComparison),
    (facts("comparing", comparison="running", worker="none"), Wait),
    (facts("comparing", comparison="ended", worker="none", approvals_missing=1, executor=None), Judge),
    (facts("awaiting approval", approvals_missing=1), Wait),
    (facts("awaiting approval", executor=None), Wait),
    (facts("awaiting approval"), Begin),
    (facts("awaiting execution", executor=None), Wait),
    (facts("awaiting execution"), Begin),
    (facts("deploying", environment="missing", worker="none"), Build),
    (facts("deploying", environment="building", worker="none"), Wait),
    (facts("deploying", environment="failed", worker="none"), Refuse),
    (facts("deploying", worker="none"), Start),
    (facts("deploying", worker="starting"), Wait),
    (facts("deploying", worker="failed"), Refuse),
    (facts("deploying"), Replay),
    (facts("testing", standing=FAILED), Refuse),
    (facts("testing", standing=PASSED), Shift),
    (facts("testing", standing=PASSED, worker="starting"), Wait),
    (facts("testing", standing=PASSED, worker="failed"), Refuse),
    (facts("rolling", standing=PASSED, shift=0), Wait),
    (facts("rolling", standing=PASSED, shift=0, candidate=answered(19)), Wait),
    (facts("rolling", standing=PASSED, shift=0, candidate=answered(20)), Shift),
    (facts("rolling", standing=PASSED, shift=0, candidate=answered(20), worker="starting"), Wait),
    (facts("rolling", standing=PASSED, shift=0, candidate=answered(1, failed=1)), Return),
    (facts("rolling", standing=PASSED, shift=0, candidate=answered(19, p95_ms=999.0)), Wait),
    (facts("rolling", standing=PASSED, shift=0, candidate=answered(20, p95_ms=999.0)), Return),
    (facts("rolling", standing=PASSED, shift=0, worker="failed"), Return),
    (facts("rolling", standing=PASSED, shift=1, candidate=answered(29)), Wait),
    (facts("rolling", standing=PASSED, shift=1, candidate=answered(30)), Complete),
    (facts("completed"), Wait),
    (facts("refused"), Wait),
    (facts("returned"), Wait),
    (facts("canceled"), Wait),
    (facts("rejected"), Wait),
]


@pytest.mark.parametrize(("stands", "act"), TABLE)
def test_what_is_next(stands: Facts, act: type[Act]) -> None:
    """Every state, with each thing that may hold it up or end it."""
    assert type(next_act(stands)) is act


def test_a_canary_without_traffic_says_what_it_waits_for() -> None:
    """It never passes on time alone, and names the evidence."""
    assert next_act(facts("rolling", shift=0, candidate=answered(3))) == Wait(
        why="waiting for evidence: 3 of 20 requests"
    )


def test_a_refusal_names_the_check_that_failed() -> None:
    """Not the first check of the gate: the one that stopped it."""
    said = next_act(facts("testing", standing=FAILED))
    assert isinstance(said, Refuse)
    assert said.reason == "standing gate: standing.errors: 1 of 40 failed; demanded: none"


def test_a_candidate_is_not_blamed_for_what_the_champion_does_too() -> None:
    """Requests that fail as often at the champion are the requests' fault."""
    assert breach(facts("rolling", candidate=answered(20, failed=4), champion=answered(20))) is not None
    assert breach(facts("rolling", candidate=answered(20, failed=4), champion=answered(20, failed=4))) is None


ANSWERS = st.builds(
    lambda requests, share, slow: answered(requests, failed=requests * share // 4, p95_ms=slow),
    st.integers(0, 60), st.integers(0, 4), st.sampled_from([5.0, 400.0]),
)  # fmt: skip
CHANGES = st.fixed_dictionaries(
    {
        "approvals_missing": st.integers(0, 2),
        "executor": st.sampled_from([None, "engineer"]),
        "environment": st.sampled_from(["built", "building", "missing", "failed"]),
        "worker": st.sampled_from(["none", "starting", "ready", "failed"]),
        "standing": st.sampled_from([None, PASSED, FAILED]),
        "candidate": ANSWERS,
        "champion": ANSWERS,
    }
)
STATES = st.sampled_from(["awaiting approval", "awaiting execution", "deploying", "testing", "rolling", "completed"])


@given(st.lists(CHANGES, max_size=30), st.integers(0, 2))
def test_nothing_is_completed_without_its_people_and_its_gate(world: list[dict[str, Any]], needed: int) -> None:
    """Whatever happens meanwhile: completed means approved by enough, taken by somebody, and passed at 0 %."""
    stands = facts("awaiting approval", executor=None, approvals_missing=needed, worker="none", environment="missing")
    given_so_far, taken, judged = 0, False, None
    for change in world:
        given_so_far = min(needed, given_so_far + (change["approvals_missing"] == 0))
        taken = taken or change["executor"] is not None
        seen = {**change, "approvals_missing": needed - given_so_far, "executor": "engineer" if taken else None}
        stands = replace(stands, **{**seen, "standing": judged})
        act = next_act(stands)
        judged = change["standing"] or FAILED if isinstance(act, Replay) else judged
        shift = act.place if isinstance(act, Shift) else stands.shift
        ended = "refused" if isinstance(act, Refuse | Return) else stands.state
        stands = replace(stands, state=NEXT.get(type(act).__name__, ended), shift=shift)
        if stands.state in {"rolling", "completed"}:
            assert (given_so_far, taken, judged) == (needed, True, PASSED)


@given(STATES, CHANGES, st.integers(0, 1))
def test_traffic_goes_to_a_ready_worker_only(state: State, change: dict[str, Any], shift: int) -> None:
    """No shift and no ledger line while the worker does not answer."""
    act = next_act(facts(state, **change, shift=shift))
    if isinstance(act, Shift | Complete):
        assert change["worker"] == "ready"


@given(CHANGES, st.integers(0, 1))
def test_a_breach_always_sends_traffic_back(change: dict[str, Any], shift: int) -> None:
    """In every step, whatever else holds."""
    stands = facts("rolling", **change, shift=shift)
    candidate, champion = change["candidate"], change["champion"]
    usual = champion.failed / champion.requests if champion.requests else 0
    broken = candidate.failed > 0 and candidate.failed > usual * candidate.requests
    slow = candidate.requests >= 20 and candidate.p95_ms > 150
    assert isinstance(next_act(stands), Return) is (broken or slow or change["worker"] == "failed")


def gate(**words: Any) -> Gate:
    """Return a gate of prod."""
    return Gate.model_validate({"stage": "prod", **words})


FIRST = [
    ("pass", gate(approvals=1), "engineer", "awaiting approval"),
    ("pass", gate(), "engineer", "deploying"),
    ("pass", gate(), None, "awaiting execution"),
    ("fail", gate(approvals=1), "engineer", "refused"),
    ("inconclusive", gate(approvals=1), "engineer", "refused"),
    ("inconclusive", gate(approvals=1, on_inconclusive="acknowledge"), "engineer", "awaiting approval"),
    ("inconclusive", gate(on_inconclusive="acknowledge"), "engineer", "refused"),
]


@pytest.mark.parametrize(("verdict", "rules", "executor", "state"), FIRST)
def test_where_a_promotion_begins(verdict: Any, rules: Gate, executor: str | None, state: State) -> None:
    """A doubt needs a stage that lets it be acknowledged, and somebody who does so."""
    assert first_state((check("pass"), check(verdict)), rules, executor) == state


def test_a_plan_says_every_step_in_order() -> None:
    """Sharing, entry gate, approval, deployment at 0 %, standing gate, canary, all, ledger."""
    rules = gate(approvals=1, rollout=[{"percent": 10, "requests": 20}, {"percent": 100}])
    steps = plan_promotion(rules, "fuel", "new", former="old", registry="shared")
    assert [type(step).__name__ for step in steps] == [
        "Share", "JudgeEntry", "AwaitApproval", "Deploy", "JudgeStanding", "ShiftTraffic", "ShiftTraffic", "Record",
    ]  # fmt: skip
    first = plan_promotion(rules, "fuel", "new", former=None, registry=None)
    assert [step.percent for step in first if isinstance(step, ShiftTraffic)] == [100]


GROUNDS = Grounds(
    release="sha256:r", stage="prod", endpoint="fuel", champion="sha256:c", traffic_revision=3, gate="sha256:g",
    rollout="sha256:o",
)  # fmt: skip


@pytest.mark.parametrize(
    "change", [{name: "other"} for name in ("release", "stage", "endpoint", "champion", "gate", "rollout")]
    + [{"traffic_revision": 4}, {"champion": None}]
)  # fmt: skip
def test_each_ground_moves_the_plans_digest(change: dict[str, Any]) -> None:
    """Whatever a plan stands on is in what people sign."""
    assert replace(GROUNDS).digest() == GROUNDS.digest()
    assert replace(GROUNDS, **change).digest() != GROUNDS.digest()
