"""The gate of a stage: checks with rule, measured figure and verdict, and what a verdict lets happen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bucle.core.evaluation import Compared, Evaluation, Measured, Part, find
from bucle.spec.gate import Bound, Checks, Gate, PartCheck, StandingCheck

Verdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule applied: what it demands, what was measured, how it ended, and where the evidence lies."""

    name: str
    rule: str
    measured: str
    verdict: Verdict
    evidence: str

    def document(self) -> dict[str, Any]:
        """Return the check as plain JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the entry gate looks at: facts of the release, its evaluation, and the comparison with the champion."""

    evaluation: Evaluation
    source: Literal["scored", "reported"]
    metric: str
    direction: Literal["minimize", "maximize"]
    segments: tuple[str, ...]
    groups: tuple[str, ...]
    lineage: bool
    locked: bool
    format: str
    format_allowed: bool
    commit: str | None
    clean: bool
    merged: bool
    monitor: bool
    retrain: bool
    champion: str | None
    """The alias of the release that serves this stage now; None: the first one."""
    compared: Compared | None
    """None: there is no champion, or they were not compared."""
    labelled: int
    """The labelled rows of this stage that neither was trained on."""
    stage_before: Literal["passed", "missing", "none"]
    """The standing gate of the stage before on the path; `none`: there is no such stage, or it has no gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a deployment at 0 % of the traffic showed over `requests` replayed requests."""

    ready: bool
    reason: str | None
    bytes_equal: bool
    requests: int
    failed: int
    differing: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


def entry_gate(gate: Gate, tighten: Checks, evidence: Evidence) -> tuple[Check, ...]:
    """Apply the stage's rules and what the release's own words add to them."""
    return (*_facts(gate, evidence), *_figures(gate, gate.checks, evidence), *_tightened(gate, tighten, evidence))


def rows_to_compare(gate: Gate, tighten: Checks, evidence: Evidence) -> int:
    """Return how many labelled rows champion and candidate must score before a rule can judge them; 0: none need."""
    rules = [checks.champion for checks in (gate.checks, tighten) if checks.champion is not None]
    if evidence.champion is None or evidence.compared is not None:
        return 0
    enough = any(evidence.labelled >= max(1, rule.minimum_rows or gate.minimum_rows) for rule in rules)
    return evidence.labelled if enough else 0


def standing_gate(gate: Gate, standing: Standing) -> tuple[Check, ...]:
    """Apply the rules that need a deployment; it takes no traffic yet."""
    rule = gate.checks.standing or StandingCheck()
    where = "the deployment at 0 %"
    checks = [
        _check("standing.ready", "the model loads and answers", standing.reason or "ready", where, ok=standing.ready),
        _check(
            "standing.bytes",
            "the bytes served are the release's",
            "equal" if standing.bytes_equal else "different",
            where,
            ok=standing.bytes_equal,
        ),
    ]
    if not standing.ready:
        return tuple(checks)
    told = f"{standing.failed} of {standing.requests} failed"
    checks.append(
        _check("standing.errors", f"at most {rule.errors} errors", told, where, ok=standing.failed <= rule.errors)
    )
    told = f"{standing.differing} of {standing.requests} differ"
    same = standing.differing == 0
    checks.append(_check("standing.parity", "answers equal the registered model's", told, where, ok=same))
    if rule.p95_ms is not None:
        told = f"p50 {standing.p50_ms:.1f}, p95 {standing.p95_ms:.1f}, p99 {standing.p99_ms:.1f} ms"
        ok = standing.p95_ms <= rule.p95_ms
        checks.append(_check("standing.latency", f"p95 ≤ {rule.p95_ms:g} ms", told, where, ok=ok))
    return tuple(checks)


def verdict_of(checks: Sequence[Check]) -> Verdict:
    """Return the verdict of a whole gate: one failure fails it, one doubt leaves it inconclusive."""
    verdicts = {check.verdict for check in checks}
    return "fail" if "fail" in verdicts else "inconclusive" if "inconclusive" in verdicts else "pass"


def unacknowledged(gate: Gate, checks: Sequence[Check], acknowledged: Sequence[str]) -> tuple[str, ...]:
    """Return the inconclusive checks that still stop: all of them, unless the stage lets an approver take them on."""
    doubtful = tuple(check.name for check in checks if check.verdict == "inconclusive")
    return doubtful if gate.on_inconclusive == "stop" else tuple(name for name in doubtful if name not in acknowledged)


def _facts(gate: Gate, evidence: Evidence) -> Iterator[Check]:
    require = gate.require
    yield _check(
        "lineage", "job, code and data are known", "complete", "lineage", ok=evidence.lineage, bad="incomplete"
    )
    yield _check(
        "environment", "locked with hashes", "locked", "environment lock", ok=evidence.locked, bad="not locked"
    )
    yield _check("format", "a format this stage allows", evidence.format, "model", ok=evidence.format_allowed)
    if require.clean_commit:
        told = "not in a repository" if evidence.commit is None else evidence.commit[:12]
        ok = evidence.commit is not None and evidence.clean
        yield _check("code.commit", "committed, nothing changed since", told, "code", ok=ok, bad=f"{told}, changed")
    if require.merged_commit:
        yield _check("code.merged", "on the protected branch", "merged", "code", ok=evidence.merged, bad="not merged")
    if require.monitor:
        yield _check("monitor", "monitor.yml, or why not", "present", "release", ok=evidence.monitor, bad="missing")
    if require.retrain:
        yield _check("retrain", "retrain.yml, or why not", "present", "release", ok=evidence.retrain, bad="missing")
    if evidence.stage_before != "none":
        ok = evidence.stage_before == "passed"
        yield _check("stage.before", "passed the stage before, ≤ 7 days ago", "passed", "ledger", ok=ok, bad="did not")
    if evidence.source == "reported":
        ok = gate.allow_reported_evaluation
        told = "reported by the job, not scored by the platform"
        yield _check("evaluation.source", "reported evaluation is allowed here", told, "evaluation", ok=ok)


def _figures(gate: Gate, checks: Checks, evidence: Evidence) -> Iterator[Check]:
    if checks.champion is not None:
        yield _champion(gate, checks, evidence)
    for metric, bound in checks.bounds.items():
        yield _bound(metric, bound, evidence.evaluation.of(metric))
    if checks.segments is not None:
        for column in evidence.segments:
            yield _parts(gate, f"segments.{column}", column, checks.segments, evidence)
    if checks.groups is not None:
        for column in evidence.groups:
            yield _parts(gate, f"fairness.{column}", column, checks.groups, evidence)


def _tightened(gate: Gate, tighten: Checks, evidence: Evidence) -> Iterator[Check]:
    for check in _figures(gate, tighten, evidence):
        yield Check(
            name=f"release.{check.name}",
            rule=f"{check.rule} (release.yml)",
            measured=check.measured,
            verdict=check.verdict,
            evidence=check.evidence,
        )


def _champion(gate: Gate, checks: Checks, evidence: Evidence) -> Check:
    rule = checks.champion
    assert rule is not None
    found = evidence.compared
    told = f"{evidence.metric} better than the champion's by ≥ {rule.margin:g} (95 % bound)"
    least = rule.minimum_rows or gate.minimum_rows
    if evidence.champion is None:
        return _check("champion", told, "first release: absolute bounds only", "no champion", ok=True)
    if found is None:
        rows = f"labelled rows that neither was trained on: n {evidence.labelled} of {least}"
        return _doubt("champion", told, rows, f"champion {evidence.champion}")
    measured = f"{found.candidate:.4g} against {found.champion:.4g}: gain {found.gain:.4g}, bound {found.bound:.4g}"
    if found.n < least:
        return _doubt("champion", told, f"{measured}, n {found.n} of {least}", "comparison")
    return _check("champion", told, f"{measured}, n {found.n}", "comparison", ok=found.bound >= rule.margin)


def _bound(metric: str, bound: Bound, measured: Measured) -> Check:
    rules = [f"≥ {bound.min:g}"] if bound.min is not None else []
    rules += [f"≤ {bound.max:g}"] if bound.max is not None else []
    low_ok = bound.min is None or measured.value >= bound.min
    high_ok = bound.max is None or measured.value <= bound.max
    rule = f"{metric} {' and '.join(rules)}"
    return _check(f"bound.{metric}", rule, _told(measured), "evaluation", ok=low_ok and high_ok)


def _parts(gate: Gate, name: str, column: str, rule: PartCheck, evidence: Evidence) -> Check:
    """Judge every value of a column: one value beyond the rule fails it, one with too few rows leaves it open."""
    metric = rule.metric or evidence.metric
    least = rule.minimum_rows or gate.minimum_rows
    parts = [part for part in evidence.evaluation.parts if part.column == column]
    whole = evidence.evaluation.of(metric)
    verdicts: dict[str, Verdict] = {part.value: _part(rule, least, metric, whole, part, evidence) for part in parts}
    told = "; ".join(_part_told(part, metric, least, verdicts[part.value]) for part in parts)
    rules = [f"gap ≤ {rule.gap:g}"] if rule.gap is not None else []
    rules += [f"≥ {rule.min:g}"] if rule.min is not None else []
    rules += [f"≤ {rule.max:g}"] if rule.max is not None else []
    verdict: Verdict = "pass"
    if not parts or "inconclusive" in verdicts.values():
        verdict = "inconclusive"
    if "fail" in verdicts.values():
        verdict = "fail"
    rule_told = f"{metric} by {column}: {', '.join(rules) or 'shown'}; n ≥ {least}"
    return Check(name=name, rule=rule_told, measured=told or "no rows", verdict=verdict, evidence="evaluation")


def _part(rule: PartCheck, least: int, metric: str, whole: Measured, part: Part, evidence: Evidence) -> Verdict:
    measured = find(part.measured, metric)
    if measured.n < least:
        return "inconclusive"
    worse = measured.value - whole.value if evidence.direction == "minimize" else whole.value - measured.value
    beyond = (
        (rule.gap is not None and worse > rule.gap)
        or (rule.min is not None and measured.value < rule.min)
        or (rule.max is not None and measured.value > rule.max)
    )
    return "fail" if beyond else "pass"


def _part_told(part: Part, metric: str, least: int, verdict: Verdict) -> str:
    measured = find(part.measured, metric)
    rows = f"n {measured.n} of {least}" if verdict == "inconclusive" else f"n {measured.n}"
    return f"{part.value} {measured.value:.4g} [{measured.low:.4g}, {measured.high:.4g}] {rows}"


def _told(measured: Measured) -> str:
    return f"{measured.value:.4g} [{measured.low:.4g}, {measured.high:.4g}], n {measured.n}"


def _check(name: str, rule: str, measured: str, evidence: str, *, ok: bool, bad: str | None = None) -> Check:
    told = measured if ok or bad is None else bad
    return Check(name=name, rule=rule, measured=told, verdict="pass" if ok else "fail", evidence=evidence)


def _doubt(name: str, rule: str, measured: str, evidence: str) -> Check:
    return Check(name=name, rule=rule, measured=measured, verdict="inconclusive", evidence=evidence)


def read_checks(rows: Sequence[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Return the checks that `Check.document` wrote."""
    return tuple(Check(**row) for row in rows)
