"""Gates: every check on both sides of its rule, the verdict of the whole, and who may take on a doubt."""

from dataclasses import replace
from typing import Any

import pytest

from bucle.core.evaluation import Compared, Evaluation, Measured, Part
from bucle.core.gate import (
    Check,
    Evidence,
    Standing,
    entry_gate,
    rows_to_compare,
    standing_gate,
    unacknowledged,
    verdict_of,
)
from bucle.spec.gate import Checks, Gate


def gate(**words: Any) -> Gate:
    """Return a gate of prod."""
    return Gate.model_validate({"stage": "prod", **words})


def mae(value: float, n: int = 200) -> Measured:
    """Return a measured error."""
    return Measured(metric="mae", value=value, low=value - 0.1, high=value + 0.1, n=n)


def part(value: str, error: float, n: int) -> Part:
    """Return what was measured of one origin."""
    return Part(column="origin", value=value, measured=(mae(error, n),))


GOOD = Evidence(
    evaluation=Evaluation(overall=(mae(2.0),), parts=(part("usa", 2.2, 104), part("japan", 1.9, 60))),
    source="scored", metric="mae", direction="minimize", segments=(), groups=("origin",), lineage=True, locked=True,
    format="skops", format_allowed=True, commit="c0ffee", clean=True, merged=True, monitor=True, retrain=True,
    champion=None, compared=None, labelled=0, stage_before="passed",
)  # fmt: skip
BETTER = Compared(metric="mae", champion=3.0, candidate=2.0, gain=1.0, bound=0.5, n=40)
RULES = gate(
    checks={"champion": {"margin": 0, "minimum_rows": 30}, "bounds": {"mae": {"max": 2.5}}, "groups": {"gap": 1.0}},
    require={"clean_commit": True, "merged_commit": True, "monitor": True, "retrain": True},
    minimum_rows=25,
)


def verdicts(evidence: Evidence, rules: Gate = RULES, tighten: Checks | None = None) -> dict[str, str]:
    """Return the verdict of each check of the entry gate."""
    return {check.name: check.verdict for check in entry_gate(rules, tighten or Checks(), evidence)}


def measured(*parts: Part, whole: float = 2.0) -> Evaluation:
    """Return an evaluation with these parts."""
    return Evaluation(overall=(mae(whole),), parts=parts)


ENTRY: list[tuple[str, dict[str, Any], str]] = [
    ("lineage", {"lineage": False}, "fail"),
    ("environment", {"locked": False}, "fail"),
    ("format", {"format_allowed": False}, "fail"),
    ("code.commit", {"commit": None}, "fail"),
    ("code.commit", {"clean": False}, "fail"),
    ("code.merged", {"merged": False}, "fail"),
    ("monitor", {"monitor": False}, "fail"),
    ("retrain", {"retrain": False}, "fail"),
    ("stage.before", {"stage_before": "missing"}, "fail"),
    ("evaluation.source", {"source": "reported"}, "fail"),
    ("bound.mae", {"evaluation": measured(part("usa", 2.6, 90), whole=2.6)}, "fail"),
    ("champion", {"champion": "old"}, "inconclusive"),
    ("champion", {"champion": "old", "compared": replace(BETTER, bound=-0.1)}, "fail"),
    ("champion", {"champion": "old", "compared": replace(BETTER, n=29)}, "inconclusive"),
    ("fairness.origin", {"evaluation": measured(part("usa", 3.1, 104))}, "fail"),
    ("fairness.origin", {"evaluation": measured(part("usa", 2.0, 104), part("japan", 9.0, 21))}, "inconclusive"),
    ("fairness.origin", {"evaluation": measured(part("usa", 3.1, 104), part("japan", 2.0, 21))}, "fail"),
    ("fairness.origin", {"evaluation": measured()}, "inconclusive"),
]


def test_good_evidence_passes_every_check() -> None:
    """The positive control of the table below; a comparison with a champion passes too."""
    assert set(verdicts(GOOD).values()) == {"pass"}
    assert set(verdicts(replace(GOOD, champion="old", compared=BETTER)).values()) == {"pass"}
    allowed = RULES.model_copy(update={"allow_reported_evaluation": True})
    assert verdicts(replace(GOOD, source="reported"), allowed)["evaluation.source"] == "pass"


@pytest.mark.parametrize(("name", "change", "verdict"), ENTRY)
def test_each_check_stops_what_it_is_for(name: str, change: dict[str, Any], verdict: str) -> None:
    """That one check and no other."""
    found = verdicts(replace(GOOD, **change))
    assert found[name] == verdict
    assert {one for one, said in found.items() if said != "pass"} == {name}


def test_a_group_is_named_with_its_rows_and_with_those_it_needs() -> None:
    """104 rows are enough to say it, 21 of 25 are not."""
    evaluation = measured(part("usa", 3.1, 104), part("japan", 9.0, 21))
    told = next(
        one for one in entry_gate(RULES, Checks(), replace(GOOD, evaluation=evaluation)) if "origin" in one.name
    )
    assert told.measured == "usa 3.1 [3, 3.2] n 104; japan 9 [8.9, 9.1] n 21 of 25"


def test_worse_means_less_where_the_metric_is_to_be_large() -> None:
    """The same figures pass a metric to be minimised and fail one to be maximised."""
    evidence = replace(GOOD, evaluation=measured(part("usa", 0.5, 104)))
    assert verdicts(evidence)["fairness.origin"] == "pass"
    assert verdicts(replace(evidence, direction="maximize"))["fairness.origin"] == "fail"


def test_a_release_tightens_and_never_loosens() -> None:
    """Its own bound is applied beside the stage's."""
    tight = Checks.model_validate({"bounds": {"mae": {"max": 1.5}}})
    loose = Checks.model_validate({"bounds": {"mae": {"max": 99}}})
    assert verdicts(GOOD, tighten=tight)["release.bound.mae"] == "fail"
    beyond = replace(GOOD, evaluation=measured(part("usa", 2.6, 90), whole=2.6))
    assert verdicts(beyond, tighten=loose)["bound.mae"] == "fail"


SOUND = Standing(
    ready=True, reason=None, bytes_equal=True, requests=40, failed=0, differing=0, p50_ms=3.0, p95_ms=9.0, p99_ms=12.0
)
STANDING: list[tuple[str, dict[str, Any]]] = [
    ("standing.ready", {"ready": False, "reason": "it does not load"}),
    ("standing.bytes", {"bytes_equal": False}),
    ("standing.errors", {"failed": 1}),
    ("standing.parity", {"differing": 1}),
    ("standing.latency", {"p95_ms": 150.1}),
]


@pytest.mark.parametrize(("name", "change"), STANDING)
def test_each_standing_check_stops_what_it_is_for(name: str, change: dict[str, Any]) -> None:
    """A sound deployment passes all of them; one fault fails one."""
    rules = gate(checks={"standing": {"replay": 40, "errors": 0, "p95_ms": 150}})
    assert {check.verdict for check in standing_gate(rules, SOUND)} == {"pass"}
    found = {check.name: check.verdict for check in standing_gate(rules, replace(SOUND, **change))}
    assert {one for one, verdict in found.items() if verdict != "pass"} == {name}


@pytest.mark.parametrize(
    ("said", "whole"), [("pp", "pass"), ("pi", "inconclusive"), ("if", "fail"), ("pf", "fail"), ("", "pass")]
)
def test_one_failure_fails_and_one_doubt_leaves_open(said: str, whole: str) -> None:
    """Worst of all checks."""
    words: Any = {"p": "pass", "i": "inconclusive", "f": "fail"}
    checks = [Check(name="x", rule="", measured="", verdict=words[one], evidence="") for one in said]
    assert verdict_of(checks) == whole


def test_a_doubt_stops_unless_the_stage_lets_it_be_taken_on_by_name() -> None:
    """`stop`: always; `acknowledge`: until every one of them is named."""
    checks = [Check(name=name, rule="", measured="", verdict="inconclusive", evidence="") for name in ("a", "b")]
    lenient = gate(on_inconclusive="acknowledge")
    assert unacknowledged(gate(), checks, ["a", "b"]) == ("a", "b")
    assert unacknowledged(lenient, checks, ["a"]) == ("b",)
    assert unacknowledged(lenient, checks, ["a", "b"]) == ()


COMPARED: list[tuple[dict[str, Any], int]] = [
    ({"champion": "old", "labelled": 30}, 30),
    ({"champion": "old", "labelled": 29}, 0),
    ({"champion": "old", "labelled": 0}, 0),
    ({"champion": None, "labelled": 30}, 0),
    ({"champion": "old", "labelled": 30, "compared": BETTER}, 0),
]


@pytest.mark.parametrize(("change", "rows"), COMPARED)
def test_both_score_only_where_a_rule_can_judge_it(change: dict[str, Any], rows: int) -> None:
    """With a champion, enough labelled rows and no comparison yet; 30 rows is what the gate asks for."""
    assert rows_to_compare(RULES, Checks(), replace(GOOD, **change)) == rows


def test_without_a_rule_nothing_is_compared() -> None:
    """A gate that does not ask has no use for it, but the release's own words may ask."""
    ready = replace(GOOD, champion="old", labelled=30)
    asks = Checks.model_validate({"champion": {"minimum_rows": 30}})
    assert rows_to_compare(gate(), Checks(), ready) == 0
    assert rows_to_compare(gate(), asks, ready) == 30


def test_too_few_labels_are_told_by_number() -> None:
    """The doubt names what there is and what it takes."""
    few = replace(GOOD, champion="old", labelled=12)
    (check,) = [one for one in entry_gate(RULES, Checks(), few) if one.name == "champion"]
    assert (check.verdict, check.measured.endswith("n 12 of 30")) == ("inconclusive", True)
