"""Routing: the table that server, keeper and gateway share, and the rule of traffic, from frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bucle import errors

FORMAT = 1
WHOLE = 1000
"""All traffic, in per-mille."""

DeploymentState = Literal["building", "starting", "ready", "failed"]
"""`building`: its environment is not there yet, and it has no worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One scoring worker. Paths are absolute; `read` is what its environment lies in, `lock` its lock file."""

    id: str
    python: str
    read: tuple[str, ...]
    model: str
    model_digest: str
    lock: str
    lock_digest: str
    isolation: Literal["auto", "strict", "none"]
    pass_through: tuple[str, ...] = ()
    most_rows: int = 10_000
    variables: Mapping[str, str] = field(default_factory=dict)
    statement: str = ""
    """The envelope of what is signed of its release."""

    def document(self) -> dict[str, Any]:
        """Return what the keeper reads of it."""
        return {
            "id": self.id,
            "python": self.python,
            "read": list(self.read),
            "model": self.model,
            "model_digest": self.model_digest,
            "lock": self.lock,
            "lock_digest": self.lock_digest,
            "isolation": self.isolation,
            "pass_through": list(self.pass_through),
            "most_rows": self.most_rows,
            "variables": dict(self.variables),
            "statement": self.statement,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRoute:
    """One deployment: what it is, its worker, how much it may have in flight and for how many milliseconds."""

    name: str
    release: str
    worker: Worker
    most_in_flight: int = 64
    timeout_ms: int = 5000
    collect: bool = True

    def document(self) -> dict[str, Any]:
        """Return what the gateway reads of it."""
        return {
            "name": self.name,
            "worker": self.worker.id,
            "release": self.release,
            "model": self.worker.model_digest,
            "most_in_flight": self.most_in_flight,
            "timeout_ms": self.timeout_ms,
            "collect": self.collect,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRoute:
    """One endpoint: HMACs of its keys in hexadecimal, traffic in per-mille, deployments."""

    stage: str
    name: str
    keys: tuple[str, ...]
    traffic: Mapping[str, int]
    deployments: tuple[DeploymentRoute, ...]

    def document(self) -> dict[str, Any]:
        """Return what the gateway reads of it."""
        return {
            "stage": self.stage,
            "name": self.name,
            "keys": list(self.keys),
            "traffic": {name: share for name, share in self.traffic.items() if share},
            "deployments": [deployment.document() for deployment in self.deployments],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What keys are held against: the key of their HMAC and the HMAC of the server's own token, in hexadecimal."""

    salt: str = field(repr=False)
    replay: str | None = field(repr=False)


def table_of(generation: int, secrets: Secrets, endpoints: Sequence[EndpointRoute]) -> dict[str, Any]:
    """Return generation `generation` of the routing table as one JSON document."""
    for endpoint in endpoints:
        check_traffic(endpoint.traffic, {deployment.name: "ready" for deployment in endpoint.deployments})
    workers = [deployment.worker for endpoint in endpoints for deployment in endpoint.deployments]
    return {
        "format": FORMAT,
        "generation": generation,
        "salt": secrets.salt,
        "replay": secrets.replay,
        "endpoints": [endpoint.document() for endpoint in endpoints],
        "workers": [worker.document() for worker in workers],
    }


def check_traffic(traffic: Mapping[str, int], states: Mapping[str, DeploymentState]) -> None:
    """Refuse traffic (per-mille) that does not sum to all or nothing, or goes where nobody is ready."""
    for name, share in traffic.items():
        if name not in states:
            raise errors.NotFound("serving.no_such_deployment", deployment=name)
        if not 0 <= share <= WHOLE:
            raise errors.BadRequest("serving.share", deployment=name, percent=share / 10)
        if share and states[name] != "ready":
            raise errors.Conflict("serving.not_ready", deployment=name, state=states[name])
    total = sum(traffic.values())
    if total not in {0, WHOLE}:
        raise errors.BadRequest("serving.traffic_sum", percent=total / 10)
