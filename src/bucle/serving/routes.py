"""The routing table on its way: drawn from the records, written for gateway and keeper, and what they answer."""

import hmac
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from bucle.core.routing import DeploymentRoute, EndpointRoute, Secrets, Worker, table_of
from bucle.runtime import hold
from bucle.serving import deployments, endpoints
from bucle.serving.deployments import Deployment
from bucle.serving.endpoints import Derive, Endpoint
from bucle.serving.generation import generation_of
from bucle.store.objects import write_file
from bucle.store.records import Records

WorkerState = Literal["starting", "ready", "restarting", "failed", "stopping"]
_LOOK_S = 0.02
_TAKES = 10
"""Of half a second each."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a deployment's environment and model lie on this host, and what is signed of its release.

    `lock` is the lock file of the environment, `statement` a DSSE envelope.
    """

    python: Path
    read: tuple[Path, ...]
    lock: Path
    lock_digest: str
    model: Path
    statement: str
    isolation: Literal["auto", "strict", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerNow:
    """What the keeper sees of a worker. `failed`: its last start did not come to be ready, `last_error` says why."""

    state: WorkerState
    pid: int | None
    restarts: int
    given_up: bool
    last_error: str | None
    tail: str
    log: Path
    cpu_s: float
    rss_bytes: int
    up_s: float | None
    """How long its present process has run, in seconds; None where it has none."""

    hello: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The folder through which the server speaks to gateway and keeper; nothing else is said between them."""

    folder: Path
    records: Records
    derive: Derive
    place_of: Callable[[sa.Connection, Endpoint, Deployment], Place | None]
    """None while the environment of a deployment is not built: it has no worker then."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self) -> int:
        """Write the table that the records hold now; return its generation. Call it after each commit, and at start.

        Whoever comes last writes the newest state, so it does not matter in which order commits are published, nor by
        which of several servers.
        """
        with self.lock, _alone(self.folder / "routes.lock"), self.records.read() as rows:
            document = self.draw(rows)
            write_file(self.folder / "routes.json", json.dumps(document).encode())
            return int(document["generation"])

    def catch_up(self) -> None:
        """Write the table when it is not the one that the records hold.

        So it is after a disk that was full, and when a deployment got its place on this host at last.
        """
        written = self._read("routes.json")
        with self.records.read() as rows:
            behind = written.get("generation") != generation_of(rows)
            behind = behind or (_traffic_of(written) != _traffic_in(rows) and self.draw(rows) != written)
        if behind:
            self.publish()

    def draw(self, rows: sa.Connection) -> dict[str, Any]:
        """Return the table that the records hold."""
        salt = self.derive("gateway-salt")
        drawn = [self._endpoint(rows, endpoint, salt) for endpoint in endpoints.every(rows)]
        secrets = Secrets(salt=salt, replay=digest_of_key(salt, self.replay_token()))
        return table_of(generation_of(rows), secrets, drawn)

    def replay_token(self) -> str:
        """Return the server's own key to every endpoint; what is asked with it is collected apart."""
        return self.derive("replay-token")

    def applied(self) -> int:
        """Return the generation that the gateway follows, 0 before the first."""
        return int(self._read("applied.json").get("generation", 0))

    def linked(self) -> frozenset[str]:
        """Return the workers, by the ids of deployments, that the gateway can reach."""
        return frozenset(self._read("applied.json").get("linked", ()))

    def refused(self) -> str | None:
        """Return why the gateway refuses the newest table, or None."""
        found: str | None = self._read("applied.json").get("refused")
        return found

    def await_applied(self, generation: int, *, timeout_s: float) -> bool:
        """Wait until the gateway follows `generation` or a later one; False when it does not in time."""
        return _await(lambda: self.applied() >= generation, timeout_s)

    def workers(self) -> Mapping[str, WorkerNow]:
        """Return what the keeper sees, by the ids of deployments."""
        found = self._read("workers.json").get("workers", {})
        return {name: _worker_now(seen) for name, seen in found.items()}

    def await_worker(self, deployment_id: str, *, timeout_s: float) -> WorkerNow | None:
        """Wait until a worker is ready and linked, or its start has failed; None when it is neither in time."""

        def decided() -> bool:
            seen = self.workers().get(deployment_id)
            ready = seen is not None and seen.state == "ready" and deployment_id in self.linked()
            return ready or (seen is not None and seen.state == "failed")

        return self.workers().get(deployment_id) if _await(decided, timeout_s) else None

    def stats(self) -> Mapping[str, Any]:
        """Return the gateway's counts: of each deployment answers by status, latency and time in the model."""
        return self._read("stats.json")

    def counts_of(self, stage: str, endpoint: str, deployment: str) -> Mapping[str, Any] | None:
        """Return the gateway's counts of one deployment since it began, or None while it has none."""
        for row in self.stats().get("deployments", ()):
            if (row["stage"], row["endpoint"], row["deployment"]) == (stage, endpoint, deployment):
                return dict(row)
        return None

    def _read(self, name: str) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            found = json.loads((self.folder / name).read_bytes())
            return found if isinstance(found, dict) else {}
        return {}

    def _endpoint(self, rows: sa.Connection, endpoint: Endpoint, salt: str) -> EndpointRoute:
        keys = [digest_of_key(salt, endpoint.key(slot, self.derive)) for slot in ("primary", "secondary")]
        drawn = tuple(
            self._deployment(found, place)
            for found in deployments.of_endpoint(rows, endpoint)
            if (place := self.place_of(rows, endpoint, found)) is not None
        )
        return EndpointRoute(
            stage=endpoint.stage,
            name=endpoint.name,
            keys=tuple(keys),
            traffic=_reachable(endpoint, drawn),
            deployments=drawn,
        )

    def _deployment(self, found: Deployment, place: Place) -> DeploymentRoute:
        settings = found.settings
        worker = Worker(
            id=found.id,
            python=str(place.python),
            read=tuple(str(path) for path in place.read),
            model=str(place.model),
            model_digest=found.model_digest,
            lock=str(place.lock),
            lock_digest=place.lock_digest,
            isolation=place.isolation,
            pass_through=found.pass_through,
            most_rows=settings.most_rows,
            variables=settings.variables,
            statement=place.statement,
        )
        return DeploymentRoute(
            name=found.name,
            release=found.release_digest,
            worker=worker,
            most_in_flight=settings.most_in_flight,
            timeout_ms=settings.timeout_ms,
            collect=settings.collect,
        )


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Shut out the other servers of this folder.

    One that was stopped meanwhile is not waited for longer than a few seconds: `catch_up` mends what it writes
    when it wakes up.
    """
    lock = next((taken for _ in range(_TAKES) if (taken := hold.take(file)) is not None), None)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def digest_of_key(salt: str, key: str) -> str:
    """Return what the table holds of a key: HMAC-SHA-256 under `salt`, both in hexadecimal."""
    return hmac.new(bytes.fromhex(salt), key.encode(), sha256).hexdigest()


def _worker_now(seen: Mapping[str, Any]) -> WorkerNow:
    return WorkerNow(
        state=seen["state"],
        pid=seen["pid"],
        restarts=seen["restarts"],
        given_up=seen["given_up"],
        last_error=seen["last_error"],
        tail=seen["tail"],
        log=Path(seen["log"]),
        cpu_s=seen["cpu_s"],
        rss_bytes=seen["rss_bytes"],
        up_s=_up_s(seen["start"]),
        hello=seen["hello"],
    )


def _up_s(start: int | None) -> float | None:
    """Return how long ago a process started that started so many clock ticks after boot, as proc(5) counts them."""
    return None if start is None else max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - start / _TICKS)


def _traffic_of(written: Mapping[str, Any]) -> Mapping[tuple[str, str], Mapping[str, int]]:
    return {(one["stage"], one["name"]): one["traffic"] for one in written.get("endpoints", ())}


def _traffic_in(rows: sa.Connection) -> Mapping[tuple[str, str], Mapping[str, int]]:
    return {(one.stage, one.name): one.traffic for one in endpoints.every(rows)}


def _reachable(endpoint: Endpoint, drawn: Sequence[DeploymentRoute]) -> Mapping[str, int]:
    """Return an endpoint's traffic; none while a deployment that it goes to has no place on this host.

    So it is after a restore, until its environment is built: this endpoint is served by nobody, the others go on.
    """
    names = {one.name for one in drawn}
    if any(share and name not in names for name, share in endpoint.traffic.items()):
        return {}
    return {name: share for name, share in endpoint.traffic.items() if name in names}


def _await(holds: Callable[[], bool], timeout_s: float) -> bool:
    until = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True
