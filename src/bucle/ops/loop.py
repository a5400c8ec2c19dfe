"""The loop: what every model does on its way through the stages, what waits for the caller, what happened lately."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

import sqlalchemy as sa

from bucle.access.stages import Stage, list_paths, list_stages
from bucle.core.access import Allow, decide
from bucle.core.actions import Action
from bucle.core.evaluation import read_evaluation
from bucle.core.scopes import PLATFORM as PLATFORM_SCOPE
from bucle.core.scopes import stage_scope
from bucle.monitoring import findings
from bucle.ops import endpoint as endpoint_verbs
from bucle.ops import promotion
from bucle.ops.world import Call, World
from bucle.release import promotions, releases
from bucle.release.promotions import Promotion, Served
from bucle.release.releases import Release
from bucle.serving import endpoints
from bucle.store import events
from bucle.store.instants import text_of_micros, to_text

SEVERITY: Sequence[str] = ("alert", "failed", "no data", "insufficient data", "ok")
"""Verdicts of signals, worst first."""
SERIES_LENGTH = 12
EVENTS_SHOWN = 20
EVENTS_LOOKED_AT = 200
READER: Mapping[str, Action] = {
    "promotions": "promotions/read",
    "gates": "promotions/read",
    "models": "models/read",
    "alerts": "monitors/read",
    "monitors": "monitors/read",
    "jobs": "jobs/read",
    "endpoints": "endpoints/read",
}
"""Who may read a thing may read that it changed; of all other events only `audit/read` tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One state of the records as one caller sees it."""

    world: World
    rows: sa.Connection
    call: Call
    now: datetime

    def may(self, action: Action, stage: str | None) -> bool:
        """Say whether the caller may do `action` at a stage (None: the platform itself)."""
        scope = PLATFORM_SCOPE if stage is None else stage_scope(stage)
        snapshot = self.world.policy.snapshot(self.rows)
        return isinstance(decide(snapshot, self.call.caller, action, scope, now=self.now), Allow)

    def name_of(self, principal_id: str) -> str | None:
        """Return a principal's name, or None where he is no longer known."""
        known = self.world.policy.snapshot(self.rows).people.get(principal_id)
        return None if known is None else known.name


def show(world: World, call: Call) -> dict[str, Any]:
    """Return the lanes of every model the caller may see, what waits for him, open alerts, the last events."""
    waiting = promotion.inbox(world, call)
    with world.read() as rows:
        sight = Sight(world=world, rows=rows, call=call, now=world.clock())
        stages = {stage.name: stage for stage in list_stages(rows)}
        seen = [stage for stage in stages.values() if sight.may("promotions/read", stage.name)]
        return {
            "now": to_text(sight.now),
            "governance": world.policy.snapshot(rows).governance,
            "stages": [{"name": stage.name, "tier": stage.tier} for stage in seen],
            "waiting": waiting,
            "alerts": _alerts(sight),
            "models": _models(sight, stages, {stage.name for stage in seen}),
            "events": _events(sight, [*stages]),
        }


def _models(sight: Sight, stages: Mapping[str, Stage], seen: set[str]) -> list[dict[str, Any]]:
    """Return each model once, on every path where its releases were born and the caller sees a stage."""
    born: dict[str, list[Release]] = defaultdict(list)
    for release in releases.every(sight.rows):
        born[release.name].append(release)
    found = []
    for name, every in sorted(born.items()):
        made = [one for one in every if _is_known(sight, one, seen)]
        births = {release.stage for release in made}
        paths = {path: on for path, on in list_paths(sight.rows).items() if births & {*on} and seen & {*on}}
        lanes = [
            {"path": path, "stages": [_cell(sight, stages[stage], made, on[0]) for stage in on]}
            for path, on in paths.items()
        ]
        if lanes:
            walked = [stage for on in paths.values() for stage in on if stage in seen]
            found.append({**_words(made[-1]), "name": name, "lanes": lanes, "releases": _past(sight, made, walked)})
    return found


def _is_known(sight: Sight, release: Release, seen: set[str]) -> bool:
    """Say whether the caller may know of a release: it was born in a stage that he sees, or promoted into one."""
    return release.stage in seen or any(one.stage in seen for one in promotions.of_release(sight.rows, release.id))


def _words(release: Release) -> dict[str, Any]:
    words = release.manifest["release"]
    return {name: words.get(name) for name in ("objective", "task", "target", "metric", "direction")}


def _cell(sight: Sight, stage: Stage, made: Sequence[Release], first: str) -> dict[str, Any]:
    """Return what one model does in one stage."""
    place = {"stage": stage.name, "tier": stage.tier}
    if not sight.may("promotions/read", stage.name):
        return {**place, "visible": False}
    name = made[0].name
    served = promotions.serving(sight.rows, stage.name, name)
    release = next((one for one in made if served is not None and one.id == served.release_id), None)
    if release is None and stage.name == first:  # at the beginning of a path nothing is promoted: its newest stands
        release = made[-1]
    coming = [
        one
        for one in promotions.active(sight.rows)
        if (one.stage, one.endpoint) == (stage.name, name) and (release is None or one.release_id != release.id)
    ]
    return {
        **place,
        "visible": True,
        "release": None if release is None else _release(release),
        "serves": served is not None,
        "since": None if release is None else to_text(served.from_at if served else release.created_at),
        "coming": [_coming(sight, one) for one in coming],
        **_watched(sight, stage.name, name, release),
        "traffic": _traffic(sight, stage.name, name, served),
    }


def _release(release: Release) -> dict[str, Any]:
    manifest = release.manifest
    return {
        "alias": release.alias,
        "model": f"{release.name}:{release.version}",
        "version": release.version,
        "stage": release.stage,
        "made_by": manifest["job"]["submitted_by"],
        "commit": manifest["code"].get("commit"),
        "data": [one["reference"] for one in manifest["data"]],
        "created_at": to_text(release.created_at),
        "evaluation": _evaluated(release),
    }


def _evaluated(release: Release) -> dict[str, Any]:
    words = release.manifest["release"]
    measured = read_evaluation(release.evaluation).of(words["metric"])
    source = words.get("evaluation", "scored")
    figures = {name: getattr(measured, name) for name in ("metric", "value", "low", "high", "n")}
    return {**figures, "source": source}


def _coming(sight: Sight, found: Promotion) -> dict[str, Any]:
    alias = releases.of_id(sight.rows, found.release_id).alias
    return {"promotion": found.name, "release": alias, "state": found.state}


def _watched(sight: Sight, stage: str, endpoint: str, release: Release | None) -> dict[str, Any]:
    """Return the headline metric in the newest window, its series, and the newest verdict of each signal."""
    empty: dict[str, Any] = {"window": None, "series": [], "signals": []}
    if release is None or not sight.may("monitors/read", stage):
        return empty
    said = findings.history(sight.rows, stage, endpoint)
    metric = release.manifest["release"]["metric"]
    measured = [one for one in said if one["metric"] == metric and one["value"] is not None]
    mine = [one for one in measured if one["release"] == release.digest]
    newest = {one["signal"]: one for one in said}
    signals = [{name: one[name] for name in ("signal", "verdict", "why")} for one in newest.values()]
    return {
        "window": _window(mine[-1]) if mine else None,
        "series": [one["value"] for one in measured[-SERIES_LENGTH:]],
        "signals": sorted(signals, key=lambda one: SEVERITY.index(one["verdict"])),
    }


def _window(said: Mapping[str, Any]) -> dict[str, Any]:
    told = ("metric", "value", "low", "high", "threshold", "verdict", "rows", "labelled")
    times = ("window_start_at", "window_end_at")
    return {**{name: said[name] for name in told}, **{name: to_text(said[name]) for name in times}}


def _traffic(sight: Sight, stage: str, name: str, served: Served | None) -> dict[str, Any] | None:
    found = endpoints.find(sight.rows, stage, name)
    if found is None or not sight.may("endpoints/read", stage):
        return None
    document = endpoint_verbs.document_of(sight.world, sight.rows, found)
    mine = [one for one in document["deployments"] if served is not None and one["name"] == served.deployment]
    counted = {name: mine[0][name] if mine else None for name in ("state", "requests", "errors", "p50_ms", "p95_ms")}
    return {"shares": document["traffic"], **counted}


def _past(sight: Sight, made: Sequence[Release], stages: Sequence[str]) -> list[dict[str, Any]]:
    """Return the releases of a model, newest first, each with the spans in which it served."""
    spans: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for stage in dict.fromkeys(stages):
        lines = [*reversed(promotions.history(sight.rows, stage, made[0].name))]
        for line, following in zip_longest(lines, lines[1:]):
            until = None if following is None else to_text(following.from_at)
            span = {"stage": stage, "from_at": to_text(line.from_at), "to_at": until, "why": line.why}
            spans[line.release_id].append(span)
    return [{**_release(one), "served": spans[one.id]} for one in reversed(made)]


def _alerts(sight: Sight) -> list[dict[str, Any]]:
    return [
        {"stage": one.stage, "endpoint": one.endpoint, "opened_at": to_text(one.opened_at), **one.document}
        for one in findings.open_incidents(sight.rows)
        if sight.may("monitors/read", one.stage)
    ]


def _events(sight: Sight, stages: Sequence[str]) -> list[dict[str, Any]]:
    """Return the newest events that the caller may see, newest first; never what stood before or after."""
    found = []
    for chain in events.chains(sight.rows):
        stage = chain if chain in stages else None
        after = max(0, events.length(sight.rows, chain) - EVENTS_LOOKED_AT)
        auditor = sight.may("audit/read", stage)
        for line in events.read_chain(sight.rows, chain, after=after, limit=EVENTS_LOOKED_AT):
            reader = READER.get(line["what"].partition("/")[0])
            if auditor or (reader is not None and stage is not None and sight.may(reader, stage)):
                found.append((line["at"], line["seq"], stage, line))
    found.sort(key=lambda one: one[:2], reverse=True)
    return [
        {"at": text_of_micros(at), "stage": stage, **{name: line[name] for name in ("who", "what", "subject")}}
        for at, _, stage, line in found[:EVENTS_SHOWN]
    ]
