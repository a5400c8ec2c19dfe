"""What a scraper may measure of the platform: requests, queue, jobs, chains, deployments, incidents, this process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bucle import __version__
from bucle.core.scopes import PLATFORM
from bucle.execution import attempts, queue
from bucle.monitoring import findings
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.serving import deployments
from bucle.store import events, lease

Labels = TypeVar("Labels", bound=tuple[str, ...])
FORMAT = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measured:
    """What was measured in one state of the records, as prometheus-client asks for it."""

    families: tuple[Metric, ...]

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield from self.families


def read(world: World, call: Call) -> bytes:
    """Return the measurements in Prometheus' text format; names end with their unit, counters with `_total`."""
    with world.read() as rows:
        authorise(world, rows, call, "metrics/read", PLATFORM)
        families = (*_of_requests(world), *_of_jobs(rows), *_of_models(rows), *_of_records(rows))
    registry = CollectorRegistry()
    registry.register(_Measured(families=families))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _of_requests(world: World) -> Iterator[Metric]:
    yield _gauge("bucle_info", "1, with the version of this bucle.", ("version",), {(__version__,): 1})
    counts = {(method, route, str(status)): count for (method, route, status), count in world.requests.read().items()}
    words = "Requests answered since this server started."
    yield _counter("bucle_requests", words, ("method", "route", "status"), counts)


def _of_jobs(rows: sa.Connection) -> Iterator[Metric]:
    yield _gauge(
        "bucle_steps_waiting", "Steps that could start if there were a slot.", ("stage",), _by(queue.waiting(rows))
    )
    yield _gauge("bucle_attempts_running", "Attempts that have not ended.", ("stage",), _by(queue.busy(rows)))
    words = "Attempts that ended, each folded into its job, by why."
    yield _counter("bucle_attempts_ended", words, ("stage", "why"), attempts.ended(rows))
    yield _gauge("bucle_jobs", "Jobs by their state.", ("stage", "state"), attempts.jobs_by_state(rows))


def _of_models(rows: sa.Connection) -> Iterator[Metric]:
    found = deployments.by_state(rows)
    yield _gauge("bucle_deployments", "Deployments by their state.", ("stage", "state"), found)
    counted: dict[tuple[str, ...], int] = {}
    for incident in findings.open_incidents(rows):
        where = (incident.stage, incident.endpoint)
        counted[where] = counted.get(where, 0) + 1
    yield _gauge("bucle_incidents_open", "Incidents that are not closed.", ("stage", "endpoint"), counted)


def _of_records(rows: sa.Connection) -> Iterator[Metric]:
    lengths = {(head.chain,): head.lines for head in events.heads(rows)}
    yield _counter("bucle_events", "Lines of the event chains.", ("chain",), lengths)
    words = "How often a server has taken the records; 0 where they are a file."
    yield _gauge("bucle_lease_epoch", words, (), {(): lease.epoch(rows)})


def _by(counts: Mapping[str, int]) -> Mapping[tuple[str, ...], int]:
    return {(name,): count for name, count in counts.items()}


def _gauge(name: str, words: str, labels: tuple[str, ...], values: Mapping[Labels, int]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for which, value in values.items():
        family.add_metric(which, value)
    return family


def _counter(name: str, words: str, labels: tuple[str, ...], values: Mapping[Labels, int]) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    for which, value in values.items():
        family.add_metric(which, value)
    return family
