"""The core: who may ask, which deployment answers, how long it may take, what is counted and collected.

It knows no HTTP: a front hands it a Request and gets an Answer, at once or later.
"""

import asyncio
import hmac
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from bucle.gateway.answers import Answer, refuse
from bucle.gateway.collect import Collector
from bucle.gateway.counts import Counts
from bucle.gateway.link import Link
from bucle.gateway.seen import Seen
from bucle.gateway.table import EMPTY, Deployment, Endpoint, Table, choose
from bucle.runtime.frame import Frame
from bucle.runtime.segment import Collected

SHED_PAUSE_S = 0.05
"""How long a refusal for overload waits: without it a storm of retries costs a quarter of the good answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a front has read of one request; a header that was not sent is None."""

    method: str
    path: str
    body: bytes
    authorization: str | None
    content_type: str | None
    request_id: str | None
    deployment: str | None


Done = Callable[[Answer], None]


class Core:
    """One table, one link a worker, and the requests that are in flight."""

    def __init__(self, collector: Collector | None, seen: Seen) -> None:
        self._collector = collector
        self._seen = seen
        self._loop = asyncio.get_running_loop()
        self.table: Table = EMPTY
        self.links: dict[str, Link] = {}
        self.counts: dict[tuple[str, str, str], Counts] = defaultdict(Counts)
        self.refused: dict[int, int] = defaultdict(int)
        self.in_flight = 0
        self.quiet = asyncio.Event()
        self.quiet.set()

    def score(self, request: Request, done: Done) -> "InFlight | None":
        """Answer a request through `done`; return what can be given up when the client leaves, if it waits."""
        name = self._seen.name(request.request_id)
        found = self._admit(request, name)
        if isinstance(found, Answer):
            self._seen.release(name)
            self.refused[found.status] += 1
            answer = Answer(status=found.status, body=found.body, headers=(*found.headers, ("x-request-id", name)))
            if found.status == 429:
                self._loop.call_later(SHED_PAUSE_S, done, answer)
            else:
                done(answer)
            return None
        return InFlight(self, request, found, name, done)

    def _admit(self, request: Request, name: str) -> "Answer | _Admitted":
        """Return who answers a request, or why nobody does; the first fault decides, in this order."""
        endpoint = self._endpoint(request)
        if isinstance(endpoint, Answer):
            return endpoint
        key = self._key(request.authorization, endpoint)
        if isinstance(key, Answer):
            return key
        deployment = self._deployment(request.deployment, endpoint, name)
        if isinstance(deployment, Answer):
            return deployment
        return self._room(endpoint, deployment, replayed=key == "replay")

    def _endpoint(self, request: Request) -> Endpoint | Answer:
        stage, name, *rest = _parts(request.path)
        if rest != ["score"]:
            return refuse("gateway.no_path")
        endpoint = self.table.endpoints.get((stage, name))
        if endpoint is None:
            return refuse("gateway.no_endpoint", stage=stage, endpoint=name)
        if request.method != "POST":
            return refuse("gateway.only_post")
        if not _is_json(request.content_type):
            return refuse("gateway.not_json")
        return endpoint

    def _key(self, authorization: str | None, endpoint: Endpoint) -> str | Answer:
        """Return whose key it is: `key` of the endpoint or `replay` of the server; both keys are always compared."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            return refuse("gateway.no_key")
        mine = hmac.new(self.table.salt, key.strip().encode(), sha256).digest()
        if any([hmac.compare_digest(mine, theirs) for theirs in endpoint.keys]):  # noqa: C419  never cut short
            return "key"
        if self.table.replay is not None and hmac.compare_digest(mine, self.table.replay):
            return "replay"
        if mine in self.table.keys:
            return refuse("gateway.other_endpoint", endpoint=endpoint.name)
        return refuse("gateway.wrong_key")

    def _deployment(self, asked: str | None, endpoint: Endpoint, name: str) -> Deployment | Answer:
        if asked is not None:
            named = endpoint.deployments.get(asked)
            return named or refuse("gateway.no_deployment", endpoint=endpoint.name, deployment=asked)
        chosen = choose(endpoint, name, self.table.salt)
        return chosen or refuse("gateway.no_traffic", endpoint=endpoint.name)

    def _room(self, endpoint: Endpoint, deployment: Deployment, *, replayed: bool) -> "Answer | _Admitted":
        counts = self.counts[endpoint.stage, endpoint.name, deployment.name]
        link = self.links.get(deployment.worker)
        if link is None or not link.usable or not link.serves(deployment.model):
            counts.statuses[503] += 1
            return refuse("gateway.no_replica", deployment=deployment.name)
        if counts.in_flight >= deployment.most_in_flight:
            counts.shed += 1
            counts.statuses[429] += 1
            return refuse("gateway.shed", deployment=deployment.name, most=deployment.most_in_flight)
        return _Admitted(endpoint=endpoint, deployment=deployment, link=link, counts=counts, replayed=replayed)

    def collect(self, collected: Collected) -> None:
        """Keep what was asked and answered."""
        if self._collector is not None:
            self._collector.put(collected)

    def forget(self, name: str) -> None:
        """Let a client use an id again whose request got no prediction."""
        self._seen.release(name)

    def document(self) -> Mapping[str, object]:
        """Return what the server reads of the gateway's counts."""
        deployments = [
            {"stage": stage, "endpoint": endpoint, "deployment": deployment, **counts.document()}
            for (stage, endpoint, deployment), counts in self.counts.items()
        ]
        collector = self._collector
        return {
            "in_flight": self.in_flight,
            "refused": {str(status): count for status, count in sorted(self.refused.items())},
            "collected": 0 if collector is None else collector.written,
            "dropped": 0 if collector is None else collector.dropped,
            "deployments": deployments,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Admitted:
    """A request's way: its endpoint, the deployment that answers, the link to its worker."""

    endpoint: Endpoint
    deployment: Deployment
    link: Link
    counts: Counts
    replayed: bool


class InFlight:
    """One request between the front and a worker; it ends once: answered, too late, or given up."""

    __slots__ = ("_accepted_ns", "_began_ns", "_core", "_done", "_name", "_number", "_request", "_timer", "_way")

    def __init__(self, core: Core, request: Request, way: _Admitted, name: str, done: Done) -> None:
        self._core = core
        self._request = request
        self._way = way
        self._name = name
        self._done: Done | None = done
        self._accepted_ns = time.time_ns()
        self._began_ns = time.monotonic_ns()
        core.in_flight += 1
        core.quiet.clear()
        way.counts.in_flight += 1
        timeout_ms = way.deployment.timeout_ms
        self._timer = asyncio.get_running_loop().call_later(timeout_ms / 1000, self._too_late)
        self._number = way.link.send(request.body, name, timeout_ms, self._answered)

    def give_up(self) -> None:
        """Stop waiting: the client has left."""
        if self._done is not None:
            self._way.link.cancel(self._number)
            self._way.counts.gone += 1
            self._end()
            self._core.forget(self._name)

    def _too_late(self) -> None:
        self._way.link.cancel(self._number)
        deployment = self._way.deployment
        self._finish(refuse("gateway.deadline", deployment=deployment.name, most=deployment.timeout_ms), 0)

    def _answered(self, found: Frame | None) -> None:
        if found is None:
            self._finish(refuse("gateway.worker_died", deployment=self._way.deployment.name), 0)
        else:
            later = (("retry-after", "1"),) if found.status == 503 else ()
            self._finish(Answer(status=found.status, body=found.body, headers=later), found.aux)

    def _finish(self, answer: Answer, took_us: int) -> None:
        if self._done is None:
            return
        done, latency_us = self._done, (time.monotonic_ns() - self._began_ns) // 1000
        self._end()
        self._way.counts.statuses[answer.status] += 1
        self._way.counts.latency.add(latency_us)
        if took_us:
            self._way.counts.took.add(took_us)
        if self._way.deployment.collect:
            self._collect(answer, latency_us, took_us)
        if answer.status != 200:
            self._core.forget(self._name)
        names = (("x-request-id", self._name), ("azureml-model-deployment", self._way.deployment.name))
        done(Answer(status=answer.status, body=answer.body, headers=(*answer.headers, *names)))

    def _end(self) -> None:
        self._done = None
        self._timer.cancel()
        self._core.in_flight -= 1
        if not self._core.in_flight:
            self._core.quiet.set()
        self._way.counts.in_flight -= 1

    def _collect(self, answer: Answer, latency_us: int, took_us: int) -> None:
        good = answer.status == 200
        way = self._way
        self._core.collect(
            Collected(
                request_id=self._name,
                accepted_us=self._accepted_ns // 1000,
                stage=way.endpoint.stage,
                endpoint=way.endpoint.name,
                deployment=way.deployment.name,
                release=way.deployment.release,
                model=way.deployment.model,
                replayed=way.replayed,
                status=answer.status,
                latency_us=latency_us,
                took_us=took_us,
                request=self._request.body if good else b"",
                response=answer.body if good else b"",
            )
        )


def _parts(path: str) -> list[str]:
    """Return the segments of a path, at least two."""
    parts = path.partition("?")[0].removeprefix("/").split("/")
    return parts if len(parts) >= 2 else [*parts, "", ""]


def _is_json(content_type: str | None) -> bool:
    return content_type is not None and content_type.partition(";")[0].strip().lower() == "application/json"
