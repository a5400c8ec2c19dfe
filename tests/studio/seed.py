"""Records as a team leaves them behind: two releases of one model, one of them waiting at the door of prod.

The verbs themselves plan, judge and approve, at instants of the past; only what needs a worker is written by hand.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import yaml

from bucle.access import principals
from bucle.core.evaluation import Compared, Evaluation, Measured, Part
from bucle.core.monitor import Finding
from bucle.core.snapshot import Caller, Principal
from bucle.core.windows import Window
from bucle.monitoring import findings
from bucle.monitoring.findings import Incident
from bucle.ops import approval, deploying, promotion
from bucle.ops.approval import Word
from bucle.ops.world import Call, World
from bucle.release import comparisons, gates, promotions, releases
from bucle.release.promotions import Served
from bucle.release.releases import Release
from bucle.serving import deployments, endpoints
from bucle.serving.deployments import Deployment
from bucle.spec.digest import digest_of
from bucle.store.events import Event
from tests.signed import kept_model, signed

MODEL = "fuel-consumption"
FIRST, SECOND = "quiet-heron", "calm-otter"
WAITING = f"{SECOND}-to-prod-1"
DOUBT = "fairness.origin"
ERRORS = {1975: (1.70, 1.3), 1976: (2.49, 2.0), 1977: (3.19, 2.49), 1978: (3.64, 2.74), 1979: (5.14, 4.07)}
"""Mean absolute error in each year and its lower bound."""
GATE: dict[str, Any] = {
    "checks": {
        "champion": {"margin": 0, "minimum_rows": 20},
        "bounds": {"mae": {"max": 3.5}},
        "groups": {"gap": 1.0, "minimum_rows": 25},
        "standing": {"replay": 120, "errors": 0, "p95_ms": 150},
    },
    "require": {"clean_commit": True, "monitor": True, "retrain": True},
    "on_inconclusive": "acknowledge",
    "allow_reported_evaluation": True,
    "approvals": 1,
    "rollout": [{"percent": 50, "requests": 10}, {"percent": 100}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who makes models and asks for preprod, who asks for prod, who agrees; under governance solo all the same."""

    author: str
    requester: str
    approver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is being told: in which installation, of whom, until when; `spice` is what strangers put in their words."""

    world: World
    team: Team
    now: datetime
    spice: str = ""
    serving: bool = False
    """Whether endpoints and gateway counts are written too; no server may be started on these."""

    def ago(self, **span: float) -> datetime:
        """Return an instant of the past."""
        return self.now - timedelta(**span)

    def at(self, instant: datetime) -> World:
        """Return the installation at an instant."""
        return replace(self.world, clock=lambda: instant)

    def call(self, name: str) -> Call:
        """Return a call of somebody signed in."""
        with self.world.read() as rows:
            known = principals.find(rows, name)
        assert known is not None
        who = Principal(id=known.id, name=known.name, person_id=known.person_id, kind=known.kind)
        caller = Caller(principal_id=who.id, session="login")
        return Call(caller=caller, principal=who, via="api", request_id="told")


def tell(story: Story) -> None:
    """Write the whole story."""
    with story.world.records.write(story.ago(days=4)) as transaction:
        for stage in ("preprod", "prod"):
            checks = {name: rule for name, rule in GATE["checks"].items() if stage == "prod" or name != "champion"}
            gates.set_gate(transaction, stage, {**GATE, "checks": checks, "stage": stage})
    first = _release(story, FIRST, "1", "fuel:1", 1.9, story.ago(days=3, hours=5))
    _hop(story, first, "preprod", story.ago(days=3))
    _hop(story, first, "prod", story.ago(days=2, hours=20))
    _watch(story, first)
    second = _release(story, SECOND, "2", "fuel-labelled:1", 2.41, story.ago(minutes=52))
    _hop(story, second, "preprod", story.ago(minutes=38))
    compared = Compared(metric="mae", champion=5.14, candidate=3.30, gain=1.84, bound=1.28, n=29)
    with story.world.records.write(story.ago(minutes=20)) as transaction:
        comparisons.add(transaction, first.digest, second.digest, "sha256:" + "0" * 64, compared)
    asked = promotion.request(story.at(story.ago(minutes=4)), story.call(story.team.requester), SECOND, "prod")
    assert (asked["name"], asked["state"]) == (WAITING, "awaiting approval"), asked
    with story.world.records.write(story.now) as transaction:  # nobody executes it, so no worker is asked for
        found = promotions.find(transaction.rows, WAITING)
        assert found is not None
        promotions.change(transaction, found, executor_id=None)


def _measured(value: float, n: int) -> tuple[Measured, ...]:
    mae = Measured(metric="mae", value=value, low=round(value * 0.88, 2), high=round(value * 1.13, 2), n=n)
    return (mae, Measured(metric="r2", value=0.82, low=0.77, high=0.86, n=n))


def _release(story: Story, alias: str, version: str, data: str, mae: float, at: datetime) -> Release:
    rows = {"USA": 84, "Europe": 27, "Japan" + story.spice: 21}
    parts = tuple(
        Part(column="origin", value=name, measured=_measured(mae + 0.2 * place, n))
        for place, (name, n) in enumerate(rows.items())
    )
    evaluation = Evaluation(overall=_measured(mae, sum(rows.values())), parts=parts).document()
    project = files("bucle.demo") / "project"
    manifest: dict[str, Any] = {
        "model": {
            "digest": kept_model(story.world, "dev", alias.encode()),
            "format": "skops",
            "inputs": [],
            "outputs": [],
        },
        "environment": {"ask": digest_of("ask"), "lock": digest_of("lock")},
        "code": {"digest": digest_of("code"), "commit": "9f2c1ab" + "0" * 33, "branch": "main", "dirty": "False"},
        "data": [{"reference": data + story.spice, "digest": digest_of(data), "class": "non-production"}],
        "class": "non-production",
        "job": {"name": f"train_{version}", "step": "train", "submitted_by": story.team.author},
        "evaluation": {"digest": digest_of(evaluation), "source": "reported"},
        "release": _words(story),
        "monitor": _without_schema(yaml.safe_load((project / "src" / "monitor.yml").read_text())),
        "retrain": {"none": "told, not trained"},
    }
    born = Release(
        id=story.world.new_id(),
        alias=alias,
        digest=digest_of(manifest),
        stage="dev",
        name=MODEL,
        version=version,
        workspace="dev",
        manifest=manifest,
        evaluation=evaluation,
        profile={},
        sample={},
        author_id=story.call(story.team.author).principal.id,
        created_at=at,
    )
    with story.world.records.write(at) as transaction:
        releases.add_release(transaction, signed(story.world, born))
        transaction.record(_event(story.team.author, "dev", "models/register", f"model/{MODEL}:{version}"))
    return born


def _words(story: Story) -> dict[str, Any]:
    return {
        "name": MODEL,
        "model": "model",
        "task": "regression",
        "target": "mpg" + story.spice,
        "metric": "mae",
        "direction": "minimize",
        "evaluation_data": "predictions",
        "evaluation": "reported",
        "groups": ["origin"],
    }


def _hop(story: Story, release: Release, stage: str, at: datetime) -> None:
    """Promote a release into a stage by the verbs; what a worker would do is written as it would be."""
    requester = story.team.author if stage == "preprod" else story.team.requester
    begun = promotion.request(story.at(at), story.call(requester), release.alias, stage)
    doubts = [check["name"] for check in begun["entry_gate"] if check["verdict"] == "inconclusive"]
    word = Word(
        verdict="approved",
        acknowledged=tuple(doubts),
        typed_alias=release.alias,
        comment="Too few Japanese cars to say; watched by hand." + story.spice,
    )
    approval.say(story.at(at + timedelta(minutes=7)), story.call(story.team.approver), begun["name"], word)
    done = at + timedelta(minutes=12)
    if story.serving:
        _deploy(story, release, stage, done)
    line = Served(
        seq=0, stage=stage, endpoint=MODEL, release_id=release.id, deployment=release.alias, promotion=begun["name"],
        why="promotion", from_at=done,
    )  # fmt: skip
    with story.world.records.write(done) as transaction:
        found = promotions.find(transaction.rows, begun["name"])
        assert found is not None
        promotions.use_approvals(transaction, found.name)
        executor = story.call(story.team.requester).principal.id
        shifts = len(found.rollout["shifts"])
        rollout = {**found.rollout, "at": shifts - 1}
        promotions.change(
            transaction, found, state="completed", executor_id=executor, standing=_standing(), rollout=rollout
        )
        promotions.serve(transaction, line)
        transaction.record(_event("platform", stage, "promotions/complete", f"promotion/{found.name}"))


def _standing() -> list[dict[str, str]]:
    where = "the deployment at 0 %"
    rows = (
        ("standing.ready", "the model loads and answers", "ready"),
        ("standing.bytes", "the bytes served are the release's", "equal"),
        ("standing.errors", "at most 0 errors", "0 of 120 failed"),
        ("standing.parity", "answers equal the registered model's", "0 of 120 differ"),
        ("standing.latency", "p95 ≤ 150 ms", "p50 2.1, p95 3.4, p99 4.0 ms"),
    )
    return [
        {"name": name, "rule": rule, "measured": told, "verdict": "pass", "evidence": where}
        for name, rule, told in rows
    ]


def _watch(story: Story, release: Release) -> None:
    """Write what five yearly windows said, and the incident that the last one opened."""
    with story.world.records.write(story.ago(minutes=55)) as transaction:
        for year, (value, low) in ERRORS.items():
            window = Window(start=datetime(year, 1, 1, tzinfo=UTC), end=datetime(year + 1, 1, 1, tzinfo=UTC))
            alert = low > 3.19
            said = Finding(
                signal="performance",
                verdict="alert" if alert else "ok",
                why=f"mae {value}, its lower bound {low} is above 3.19{story.spice}" if alert else f"mae {value}",
                metric="mae", value=value, low=low, high=value + 1.2, threshold=3.19, rows=29, labelled=29,
                advice="retrain" if alert else None, details={},
            )  # fmt: skip
            findings.put_finding(transaction, "prod", MODEL, window, release.digest, said)
        opened = Incident(
            id=story.world.new_id(), stage="prod", endpoint=MODEL, signal="performance", window_end_at=window.end,
            document={"monitor": "fuel", "release": FIRST, **said.document()}, opened_at=transaction.now,
            closed=False, answered_by=None,
        )  # fmt: skip
        findings.open_incident(transaction, opened)
        transaction.record(_event("platform", "prod", "alerts/open", f"endpoints/{MODEL}/performance"))


def _deploy(story: Story, release: Release, stage: str, at: datetime) -> None:
    with story.world.records.write(at) as transaction:
        endpoint = endpoints.find(transaction.rows, stage, MODEL)
        if endpoint is None:
            document = {"name": MODEL, "auth_mode": "key"}
            made = endpoints.new_endpoint(story.world.new_id(), stage, document, made_by="platform", now=at)
            endpoint = endpoints.create(transaction, made)
        deployment = Deployment(
            id=story.world.new_id(), endpoint_id=endpoint.id, name=release.alias, release_digest=release.digest,
            model_digest=release.manifest["model"]["digest"], environment=digest_of("ask"), document={},
            pass_through=(), event_time=None, settings=deployments.Settings(), state="ready", reason=None,
            made_by="platform", created_at=at,
        )  # fmt: skip
        deployments.add(transaction, endpoint, deployment)
        deploying.set_traffic(transaction, endpoint, {release.alias: 100})
    counted = {"stage": "prod", "endpoint": MODEL, "deployment": FIRST, "statuses": {"200": 148}}
    latency = {"p50": 2100, "p95": 3400}
    told = {"deployments": [{**counted, "latency": latency}]}
    (story.world.home.gateway / "stats.json").write_text(json.dumps(told))


def _event(who: str, stage: str, what: str, subject: str) -> Event:
    return Event(chain=stage, who=who, via="api", what=what, subject=subject)


def _without_schema(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if not name.startswith("$")}
