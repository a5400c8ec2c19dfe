"""What a promotion stands on: the way of its release, what the target serves now, what its entry gate judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.access.settings import read_settings
from bucle.access.stages import Stage, find_stage, list_paths, list_stages
from bucle.core.evaluation import read_evaluation
from bucle.core.gate import Check, Evidence, entry_gate, rows_to_compare
from bucle.core.promotion import Grounds, Step, plan_promotion
from bucle.core.release import SAFE_FORMATS
from bucle.ops.comparing import Pair, count_unseen
from bucle.ops.world import World
from bucle.release import comparisons, gates, promotions, releases
from bucle.release.promotions import Served
from bucle.release.releases import Release
from bucle.serving import endpoints
from bucle.spec.digest import digest_of
from bucle.spec.gate import Gate
from bucle.spec.release import Release as ReleaseWords

STANDING_LASTS = timedelta(days=7)
MAIN_BRANCHES = frozenset({"main", "master"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From where to where a release goes, and what it meets there."""

    release: Release
    source: Stage
    target: Stage
    endpoint: str
    gate: Gate
    gate_digest: str
    served: Served | None
    champion: Release | None
    registry: str | None
    asked_at: datetime

    @property
    def pair(self) -> Pair | None:
        """What serves the target and what would take its place; None for the first release."""
        if self.champion is None:
            return None
        return Pair(stage=self.target.name, champion=self.champion, candidate=self.release)

    @property
    def words(self) -> ReleaseWords:
        """The words of the release."""
        return ReleaseWords.model_validate(self.release.manifest["release"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan: its steps, the checks of its entry gate, the digest of what it stands on.

    `unjudged` labelled rows are to be scored by champion and candidate before the entry gate can judge them.
    """

    steps: tuple[Step, ...]
    entry: tuple[Check, ...]
    grounds: Grounds
    unjudged: int


def find_releases(rows: sa.Connection, asked: str) -> Sequence[Release]:
    """Return the release of an alias, or those of `NAME:VERSION`, one a stage, newest first; NotFound for none."""
    name, _, version = asked.partition(":")
    alias = releases.of_alias(rows, asked)
    found = releases.all_of_version(rows, name, version) if version else [alias] if alias is not None else []
    if not found:
        raise errors.NotFound("release.not_found", asked=asked)
    return found


def source_of(rows: sa.Connection, release: Release) -> Stage:
    """Return the stage a promotion is requested at: where the release was born, then where it was last promoted to."""
    done = [one for one in promotions.of_release(rows, release.id) if one.state == "completed"]
    return find_stage(rows, done[-1].stage if done else release.stage)


def place_of(rows: sa.Connection, release: Release) -> Stage:
    """Return where a release stands on its path: where it was last promoted to, before that at the path's beginning.

    A candidate that was trained again in a later stage enters at the beginning like any other release.
    """
    done = [one for one in promotions.of_release(rows, release.id) if one.state == "completed"]
    if done:
        return find_stage(rows, done[-1].stage)
    paths = [stages for stages in list_paths(rows).values() if release.stage in stages]
    return find_stage(rows, paths[0][0] if paths else release.stage)


def find_way(world: World, rows: sa.Connection, release: Release, to: str) -> Way:
    """Return the way of a release to the next stage of its path; BadRequest says which stage is next."""
    source = place_of(rows, release)
    target = _next_stage(rows, source, to)
    gate, gate_digest = gates.of_stage(rows, target.name)
    served = promotions.serving(rows, target.name, release.name)
    return Way(
        release=release,
        source=source,
        target=target,
        endpoint=release.name,
        gate=gate,
        gate_digest=gate_digest,
        served=served,
        champion=None if served is None else releases.of_id(rows, served.release_id),
        registry=read_settings(rows).default_registry,
        asked_at=world.clock(),
    )


def plan(rows: sa.Connection, way: Way) -> Planned:
    """Return the plan of a way, its entry gate judged on the evidence that exists."""
    former = None if way.champion is None else way.champion.alias
    found = evidence(rows, way)
    entry = entry_gate(way.gate, way.words.tighten, found)
    unjudged = rows_to_compare(way.gate, way.words.tighten, found)
    steps = plan_promotion(way.gate, way.endpoint, way.release.alias, former, way.registry, compared_on=unjudged)
    return Planned(steps=steps, entry=entry, grounds=grounds(rows, way), unjudged=unjudged)


def grounds(rows: sa.Connection, way: Way) -> Grounds:
    """Return the preconditions of a plan as they are now."""
    endpoint = endpoints.find(rows, way.target.name, way.endpoint)
    return Grounds(
        release=way.release.digest,
        stage=way.target.name,
        endpoint=way.endpoint,
        champion=None if way.champion is None else way.champion.digest,
        traffic_revision=0 if endpoint is None else endpoint.traffic_revision,
        gate=way.gate_digest,
        rollout=digest_of([step.model_dump(mode="json") for step in way.gate.rollout]),
    )


def evidence(rows: sa.Connection, way: Way) -> Evidence:
    """Return what the entry gate of the target looks at."""
    manifest, words = way.release.manifest, way.words
    code = manifest["code"]
    return Evidence(
        evaluation=read_evaluation(way.release.evaluation),
        source=words.evaluation,
        metric=words.metric,
        direction=words.direction,
        segments=tuple(words.segments),
        groups=tuple(words.groups),
        lineage=bool(code.get("digest") and manifest["data"] and manifest["job"]["name"]),
        locked=bool(manifest["environment"]["lock"]),
        format=manifest["model"]["format"],
        format_allowed=_format_allowed(manifest, read_settings(rows).allow_model_code),
        commit=code.get("commit"),
        clean=code.get("dirty") == "False",
        merged=code.get("branch") in MAIN_BRANCHES and code.get("dirty") == "False",
        monitor=manifest["monitor"] is not None,
        retrain=manifest["retrain"] is not None,
        champion=None if way.champion is None else way.champion.alias,
        compared=None if way.champion is None else comparisons.find(rows, way.champion.digest, way.release.digest),
        labelled=0 if way.pair is None else count_unseen(rows, way.pair),
        stage_before=_stage_before(rows, way),
    )


def _format_allowed(manifest: Mapping[str, Any], allow_model_code: str) -> bool:
    """Say whether the format may be loaded: it runs no code, or the platform allows that of its own jobs' models."""
    from_own_job = bool(manifest["job"]["name"]) and allow_model_code == "from-own-jobs"
    return manifest["model"]["format"] in SAFE_FORMATS or from_own_job


def _stage_before(rows: sa.Connection, way: Way) -> Literal["passed", "missing", "none"]:
    if gates.find_gate(rows, way.source.name) is None:
        return "none"
    done = [one for one in promotions.of_release(rows, way.release.id) if one.stage == way.source.name]
    passed = [one for one in done if one.state == "completed" and one.ended_at is not None]
    fresh = [one for one in passed if one.ended_at is not None and way.asked_at - one.ended_at <= STANDING_LASTS]
    return "passed" if fresh else "missing"


def _next_stage(rows: sa.Connection, source: Stage, to: str) -> Stage:
    """Return the stage called `to`, or the only one of that tier, if it stands next behind `source` on a path."""
    tiers = {stage.name: stage.tier for stage in list_stages(rows)}
    paths = [stages for stages in list_paths(rows).values() if source.name in stages[:-1]]
    following = [stages[stages.index(source.name) + 1] for stages in paths]
    for name in following:
        if to in {name, tiers[name]}:
            return find_stage(rows, name)
    raise errors.BadRequest("promotion.not_next", to=to, source=source.name, following=", ".join(following) or "none")
