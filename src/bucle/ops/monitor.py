"""Monitors: collected traffic folded into the records, labels taken, closed windows judged, incidents opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import find_stage, list_stages
from bucle.core.classes import DEFAULT_CLASS
from bucle.core.evaluation import Rows
from bucle.core.monitor import (
    Finding,
    Signal,
    could_not_judge,
    judge_drift,
    judge_performance,
    numbers_of,
    signals_of,
)
from bucle.core.release import columns_of
from bucle.core.windows import Period, Window, closed_windows, read_duration
from bucle.monitoring import findings, traffic
from bucle.monitoring.findings import Incident
from bucle.monitoring.traffic import Scored
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.release import promotions, releases
from bucle.release.releases import Release
from bucle.serving import endpoints, segments
from bucle.spec.monitor import Monitor
from bucle.spec.release import Release as ReleaseWords
from bucle.store.events import Event
from bucle.store.instants import to_text
from bucle.store.records import Transaction

MOST_LABELS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a prediction should have been, by the correlation id of its row."""

    correlation_id: str
    label: float | int | str | bool
    labelled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An endpoint with the release that serves it now, its signals, and how late its events may come."""

    stage: str
    endpoint: str
    release: Release
    words: ReleaseWords
    monitor: str
    signals: tuple[Signal, ...]
    lateness: Period


def label(world: World, call: Call, stage: str, endpoint: str, given: Sequence[Label]) -> dict[str, Any]:
    """Take labels; the first of a row wins. NotFound when none of them belongs to a request that was scored."""
    fold(world)
    with world.write(call) as transaction:
        place = find_stage_for(world, transaction.rows, call, stage)
        authorise(world, transaction.rows, call, "data/write", stage, data_class=DEFAULT_CLASS[place.tier])
        said: dict[str, list[str]] = {"accepted": [], "known": [], "contradiction": [], "unknown": []}
        for one in given:
            outcome = traffic.put_label(transaction, stage, endpoint, one.correlation_id, one.label, one.labelled_at)
            said[outcome].append(one.correlation_id)
        if given and len(said["unknown"]) == len(given):
            first = said["unknown"][0]
            raise errors.NotFound("label.unknown_request", correlation_id=first, endpoint=endpoint, stage=stage)
        counts = {name: len(ids) for name, ids in said.items()}
        return transaction.answers({**counts, "unknown_ids": said["unknown"][:100]})


def state_watermark(world: World, call: Call, stage: str, endpoint: str, at: datetime) -> dict[str, Any]:
    """Take somebody's word that every event before `at` has been sent: the windows before it close."""
    fold(world)
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "monitors/write", stage)
        traffic.state_watermark(transaction, stage, endpoint, at, by=call.principal.name)
        after = {"at": to_text(at)}
        transaction.record(call.event(stage, "monitors/watermark", f"endpoints/{endpoint}", after=after))
        return transaction.answers({"stage": stage, "endpoint": endpoint, **after})


def show(world: World, call: Call, stage: str, endpoint: str) -> dict[str, Any]:
    """Return what every closed window of an endpoint said, its incidents, and the retrainings that answered them."""
    with world.read() as rows:
        authorise(world, rows, call, "monitors/read", stage)
        watched = _watched(rows, stage, endpoint)
        if watched is None:
            raise errors.NotFound("monitor.none", endpoint=endpoint, stage=stage)
        return {
            "monitor": watched.monitor,
            "endpoint": endpoint,
            "stage": stage,
            "watermark": _text(_watermark(rows, watched)),
            "findings": [_told(one) for one in findings.history(rows, stage, endpoint)],
            "incidents": [_incident_document(one) for one in findings.incidents(rows, stage, endpoint)],
            "retrainings": [
                {"id": one.id, "state": one.state, "reason": one.reason, "why": one.why, **one.document}
                for one in findings.retrainings(rows, stage, endpoint)
            ],
        }


def advance(world: World) -> None:
    """Fold what was collected, and judge every window that has closed or got labels since it was judged."""
    fold(world)
    with world.read() as rows:
        watched = [
            found
            for stage in list_stages(rows)
            for endpoint in endpoints.page(rows, stage.name, limit=1000, after=None)
            if (found := _watched(rows, stage.name, endpoint.name)) is not None
        ]
        due = [(one, window, signal) for one in watched for window, signal in _due(rows, one)]
    for one, window, signal in due:
        _judge(world, one, window, signal)


def fold(world: World) -> None:
    """Write the rows of every sealed segment to the records, once; replayed requests are never among them."""
    for path in segments.sealed(world.home.gateway / "segments"):
        with world.read() as rows:
            if traffic.is_folded(rows, path.name):
                continue
            event_times = _event_times(rows)
        found = [
            _scored(row)
            for collected in segments.requests_of(path)
            for row in segments.rows_of(collected, event_times.get(collected.release))
        ]
        with world.records.write(world.clock()) as transaction:
            if not traffic.is_folded(transaction.rows, path.name):
                traffic.keep(transaction, path.name, found)


def find_stage_for(world: World, rows: sa.Connection, call: Call, stage: str) -> Any:
    """Return a stage that the caller may look into; NotFound otherwise."""
    authorise(world, rows, call, "endpoints/read", stage)
    return find_stage(rows, stage)


def _event_times(rows: sa.Connection) -> Mapping[str, str | None]:
    return {one.digest: one.manifest["release"].get("event_time") for one in releases.every(rows)}


def _scored(row: segments.Row) -> Scored:
    return Scored(
        stage=row.stage,
        endpoint=row.endpoint,
        correlation_id=row.correlation_id,
        request_id=row.request_id,
        deployment=row.deployment,
        release=row.release,
        accepted_at=row.accepted_at,
        event_at=row.event_at,
        columns=row.columns,
        prediction=row.prediction,
    )


def _watched(rows: sa.Connection, stage: str, endpoint: str) -> Watched | None:
    served = promotions.serving(rows, stage, endpoint)
    if served is None:
        return None
    release = releases.of_id(rows, served.release_id)
    document = release.manifest["monitor"]
    if document is None or "create_monitor" not in document:
        return None
    monitor = Monitor.model_validate(document)
    words = ReleaseWords.model_validate(release.manifest["release"])
    lateness = read_duration(words.allowed_lateness) if words.allowed_lateness else Period()
    return Watched(
        stage=stage,
        endpoint=endpoint,
        release=release,
        words=words,
        monitor=monitor.name,
        signals=signals_of(monitor),
        lateness=lateness,
    )


def _watermark(rows: sa.Connection, watched: Watched) -> datetime | None:
    """Return how far event time has come: the newest event less the allowed lateness, or what somebody stated."""
    span = traffic.span(rows, watched.stage, watched.endpoint)
    stated = traffic.stated_watermark(rows, watched.stage, watched.endpoint)
    seen = None if span is None else watched.lateness.before(span[1])
    known = [one for one in (seen, stated) if one is not None]
    return max(known, default=None)


def _due(rows: sa.Connection, watched: Watched) -> Sequence[tuple[Window, Signal]]:
    """Return the closed windows of each signal that were not judged, or got labels since."""
    span, watermark = traffic.span(rows, watched.stage, watched.endpoint), _watermark(rows, watched)
    if span is None or watermark is None:
        return []
    due = []
    for signal in watched.signals:
        for window in closed_windows(span[0], watermark, signal.period):
            before = findings.find_labelled(rows, watched.stage, watched.endpoint, signal.name, window)
            now = len([one for one in _rows(rows, watched, window) if one.label is not None])
            if before is None or (signal.kind == "model_performance" and before != now):
                due.append((window, signal))
    return due


def _rows(rows: sa.Connection, watched: Watched, window: Window) -> Sequence[Scored]:
    return traffic.in_window(rows, watched.stage, watched.endpoint, window)


def _judge(world: World, watched: Watched, window: Window, signal: Signal) -> None:
    with world.records.write(world.clock()) as transaction:
        scored = _rows(transaction.rows, watched, window)
        try:
            said = _said(watched, signal, scored)
        except (errors.BadRequest, ValueError, TypeError) as fault:  # rows or labels of a kind nobody expected
            labelled = len([one for one in scored if one.label is not None])
            said = could_not_judge(signal, str(fault), len(scored), labelled)
        served = scored[-1].release if scored else watched.release.digest
        findings.put_finding(transaction, watched.stage, watched.endpoint, window, served, said)
        silent = said.verdict == "no data" and (
            findings.verdict_before(transaction.rows, watched.stage, watched.endpoint, signal.name, window) == "no data"
        )
        if said.verdict in {"alert", "failed"} or silent:
            _open(world, transaction, watched, window, said)


def _said(watched: Watched, signal: Signal, scored: Sequence[Scored]) -> Finding:
    if signal.kind == "data_drift":
        names = [column["name"] for column in watched.release.manifest["model"]["inputs"]]
        columns = {name: [one.columns.get(name) for one in scored] for name in names}
        return judge_drift(signal, watched.release.profile, columns)
    labelled = [one for one in scored if one.label is not None]
    rows = None
    if labelled:
        target, prediction = numbers_of([(one.label, one.prediction) for one in labelled], watched.words.task)
        parts = {name: [str(one.columns.get(name)) for one in labelled] for name in columns_of(watched.words)}
        rows = Rows(target=target, prediction=prediction, columns=parts)
    return judge_performance(signal, rows, len(scored), watched.words.task)


def _open(world: World, transaction: Transaction, watched: Watched, window: Window, said: Finding) -> None:
    document = {
        "monitor": watched.monitor,
        "window_start_at": to_text(window.start),
        "window_end_at": to_text(window.end),
        "release": watched.release.alias,
        **said.document(),
    }
    made = Incident(
        id=world.new_id(),
        stage=watched.stage,
        endpoint=watched.endpoint,
        signal=said.signal,
        window_end_at=window.end,
        document=document,
        opened_at=transaction.now,
        closed=False,
        answered_by=None,
    )
    if findings.open_incident(transaction, made):
        transaction.record(
            Event(
                chain=watched.stage,
                who="platform",
                via="clock",
                what="alerts/open",
                subject=f"endpoints/{watched.endpoint}/{said.signal}",
                after={"verdict": said.verdict, "why": said.why, "window_end_at": to_text(window.end)},
            )
        )


def _told(found: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: to_text(found[name]) for name in ("window_start_at", "window_end_at")}
    return {**found, **times}


def _incident_document(found: Incident) -> dict[str, Any]:
    return {
        **found.document,
        "id": found.id,
        "opened_at": to_text(found.opened_at),
        "closed": found.closed,
        "answered_by": found.answered_by,
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else to_text(at)
