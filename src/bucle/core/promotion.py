"""Promotion: what moving a release into a stage will do, and what its state machine does next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from bucle.core.gate import Check, Verdict, verdict_of
from bucle.spec.digest import digest_of
from bucle.spec.gate import Gate

State = Literal[
    "comparing",
    "awaiting approval",
    "awaiting execution",
    "deploying",
    "testing",
    "rolling",
    "completed",
    "refused",
    "rejected",
    "returned",
    "canceled",
]
ENDED: frozenset[str] = frozenset({"completed", "refused", "rejected", "returned", "canceled"})
LEAST_LATENCY_REQUESTS = 20
"""A canary's p95 is judged from this many answers on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Share the release to a registry."""

    registry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Score champion and candidate on so many labelled rows that neither was trained on."""

    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeEntry:
    """Apply the entry gate to evidence that exists; nothing is created in the stage yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitApproval:
    """Wait for so many people other than the requester and the author."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """Start the release behind the endpoint, with none of its traffic."""

    endpoint: str
    deployment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeStanding:
    """Replay sample requests against the deployment at 0 % and judge the answers."""

    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftTraffic:
    """Send `percent` of the endpoint's requests to the release, until it has answered `requests` of them."""

    percent: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Write to the ledger that the release serves the stage; keep the former one warm."""

    former: str | None


Step = Share | Compare | JudgeEntry | AwaitApproval | Deploy | JudgeStanding | ShiftTraffic | Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What a plan stands on; a change of any of it voids plan and approvals."""

    release: str
    stage: str
    endpoint: str
    champion: str | None
    traffic_revision: int
    gate: str
    rollout: str

    def digest(self) -> str:
        """Return the digest of the preconditions."""
        return digest_of(
            {
                "release": self.release,
                "stage": self.stage,
                "endpoint": self.endpoint,
                "champion": self.champion,
                "traffic_revision": self.traffic_revision,
                "gate": self.gate,
                "rollout": self.rollout,
            }
        )


def plan_promotion(
    gate: Gate, endpoint: str, deployment: str, former: str | None, registry: str | None, *, compared_on: int = 0
) -> tuple[Step, ...]:
    """Return what a promotion will do, in order; `compared_on` rows are scored by both before the gate judges."""
    standing = gate.checks.standing
    steps: list[Step] = [] if registry is None else [Share(registry=registry)]
    steps += [Compare(rows=compared_on)] if compared_on else []
    steps.append(JudgeEntry())
    if gate.approvals:
        steps.append(AwaitApproval(count=gate.approvals))
    steps += [
        Deploy(endpoint=endpoint, deployment=deployment),
        JudgeStanding(requests=(standing.replay if standing and standing.replay else 0)),
    ]
    steps += rollout_of(gate, former)
    return (*steps, Record(former=former))


def rollout_of(gate: Gate, former: str | None) -> tuple[ShiftTraffic, ...]:
    """Return the shifts of traffic; without a former release there is nothing to compare with, so all goes at once."""
    if former is None:
        return (ShiftTraffic(percent=100, requests=0),)
    return tuple(ShiftTraffic(percent=step.percent, requests=step.requests or 0) for step in gate.rollout)


def explain(step: Step) -> str:
    """Return a step in words."""
    match step:
        case Share(registry=registry):
            return f"share the release to the registry {registry}"
        case Compare(rows=rows):
            return f"score champion and candidate on the {rows} labelled rows that neither was trained on"
        case JudgeEntry():
            return "judge it by the entry gate"
        case AwaitApproval(count=count):
            return f"wait for {count} approval{'s' if count > 1 else ''}"
        case Deploy(endpoint=endpoint, deployment=deployment):
            return f"deploy {deployment} behind {endpoint} with 0 % of the traffic"
        case JudgeStanding(requests=requests):
            return f"replay {requests or 'the sample'} requests and judge the answers"
        case ShiftTraffic(percent=percent, requests=requests):
            return f"send it {percent} % of the traffic" + (f" for {requests} requests" if requests else "")
        case Record(former=former):
            return "write the ledger" + (f"; keep {former} warm for a rollback" if former else "")
        case _:
            assert_never(step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one deployment answered since a step began: requests, failed ones, p95 in milliseconds."""

    requests: int
    failed: int
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How a promotion stands, as the records and the data plane say."""

    state: State
    comparison: Literal["missing", "running", "ended"]
    approvals_missing: int
    executor: str | None
    environment: Literal["built", "building", "missing", "failed"]
    worker: Literal["none", "starting", "ready", "failed"]
    worker_error: str | None
    standing: tuple[Check, ...] | None
    rollout: tuple[ShiftTraffic, ...]
    shift: int
    """The place in `rollout` of the shift that is applied now; -1 before the first."""
    candidate: Answers
    champion: Answers
    allowed_errors: int
    p95_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do until something happens."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Approvals are there and somebody executes: start deploying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Build the release's environment in the stage, from its lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Add the deployment at 0 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Replay the sample and write down the standing gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Apply the shift at this place."""

    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Remove the deployment and end as refused."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Send all traffic back to the champion and end as returned."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """Write the ledger and end as completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginComparison:
    """Score champion and candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Write the comparison down and apply the entry gate."""


Act = Wait | BeginComparison | Judge | Begin | Build | Start | Replay | Shift | Refuse | Return | Complete


def next_act(facts: Facts) -> Act:
    """Return what a promotion does next; ended ones wait for ever."""
    match facts.state:
        case "comparing":
            return _comparing(facts)
        case "awaiting approval":
            if facts.approvals_missing:
                return Wait(why=f"{facts.approvals_missing} approvals missing")
            return Begin() if facts.executor else Wait(why="nobody has taken it for execution")
        case "awaiting execution":
            return Begin() if facts.executor else Wait(why="nobody has taken it for execution")
        case "deploying":
            return _deploying(facts)
        case "testing":
            return _testing(facts)
        case "rolling":
            return _rolling(facts)
        case _:
            return Wait(why="it has ended")


def _comparing(facts: Facts) -> Act:
    match facts.comparison:
        case "missing":
            return _until_built(facts) or BeginComparison()
        case "running":
            return Wait(why="champion and candidate are compared")
        case "ended":
            return Judge()
        case _:
            assert_never(facts.comparison)


def _until_built(facts: Facts) -> Act | None:
    """Return what must happen before the release's environment stands in the stage, or None."""
    match facts.environment:
        case "missing":
            return Build()
        case "building":
            return Wait(why="its environment is being built")
        case "failed":
            return Refuse(reason="its environment could not be built in this stage")
        case "built":
            return None
        case _:
            assert_never(facts.environment)


def _deploying(facts: Facts) -> Act:
    unbuilt = _until_built(facts)
    if unbuilt is not None:
        return unbuilt
    match facts.worker:
        case "none":
            return Start()
        case "starting":
            return Wait(why="its worker starts")
        case "failed":
            return Refuse(reason=f"its worker does not start: {facts.worker_error}")
        case "ready":
            return Replay()
        case _:
            assert_never(facts.worker)


def _testing(facts: Facts) -> Act:
    if facts.worker == "failed":
        return Refuse(reason=f"its worker fails: {facts.worker_error}")
    if facts.standing is not None and verdict_of(facts.standing) != "pass":
        failed = next(check for check in facts.standing if check.verdict != "pass")
        return Refuse(reason=f"standing gate: {failed.name}: {failed.measured}; demanded: {failed.rule}")
    if facts.worker != "ready":
        return Wait(why="its worker starts again")
    return Replay() if facts.standing is None else Shift(place=0)


def _rolling(facts: Facts) -> Act:
    broken = breach(facts)
    if broken is not None:
        return Return(reason=broken)
    now = facts.rollout[facts.shift]
    if facts.candidate.requests < now.requests:
        return Wait(why=f"waiting for evidence: {facts.candidate.requests} of {now.requests} requests")
    if facts.worker != "ready":
        return Wait(why="its worker starts again")
    return Complete() if facts.shift == len(facts.rollout) - 1 else Shift(place=facts.shift + 1)


def breach(facts: Facts) -> str | None:
    """Return why a canary must return, or None: more errors than allowed and than the champion's, or too slow."""
    mine, theirs = facts.candidate, facts.champion
    if facts.worker == "failed":
        return f"its worker fails: {facts.worker_error}"
    usual = theirs.failed / theirs.requests if theirs.requests else 0.0
    if mine.failed > facts.allowed_errors and mine.failed > usual * mine.requests:
        return f"{mine.failed} of {mine.requests} requests failed; {facts.allowed_errors} are allowed"
    slow = facts.p95_ms is not None and mine.requests >= LEAST_LATENCY_REQUESTS and mine.p95_ms > facts.p95_ms
    return f"p95 {mine.p95_ms:.0f} ms; {facts.p95_ms:g} ms are allowed" if slow else None


def begins_with_comparison(entry: Sequence[Check], rows: int) -> bool:
    """Say whether a promotion begins by comparing on `rows` rows: nothing else has refused it already."""
    return rows > 0 and verdict_of(entry) != "fail"


def first_state(entry: Sequence[Check], gate: Gate, executor: str | None) -> State:
    """Return the state that a promotion begins in: refused by the entry gate, or waiting for its people."""
    verdict: Verdict = verdict_of(entry)
    acknowledgeable = gate.on_inconclusive == "acknowledge" and gate.approvals > 0
    if verdict == "fail" or (verdict == "inconclusive" and not acknowledgeable):
        return "refused"
    if gate.approvals:
        return "awaiting approval"
    return "deploying" if executor else "awaiting execution"


def step_document(step: Step) -> Mapping[str, Any]:
    """Return a step as plain JSON: its kind and its words."""
    return {"step": type(step).__name__, "explained": explain(step)}
