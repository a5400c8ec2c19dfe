"""Deployments as the records hold them: add, find, list, how they stand, remove."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.core.routing import DeploymentState
from bucle.serving.endpoints import Endpoint
from bucle.serving.generation import raise_generation
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.serving import deployment, endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a deployment's requests may cost, and the variables of its worker."""

    most_in_flight: int = 64
    timeout_ms: int = 5000
    most_rows: int = 10_000
    collect: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One release behind an endpoint; its id is its worker's. `environment` is the digest of the ask."""

    id: str
    endpoint_id: str
    name: str
    release_digest: str
    model_digest: str
    environment: str
    document: Mapping[str, Any]
    pass_through: tuple[str, ...]
    event_time: str | None
    settings: Settings
    state: DeploymentState
    reason: str | None
    made_by: str
    created_at: datetime


def add(transaction: Transaction, endpoint: Endpoint, made: Deployment) -> Deployment:
    """Write a new deployment, without traffic; Conflict when the endpoint has one of that name."""
    if find(transaction.rows, endpoint, made.name) is not None:
        raise errors.Conflict("serving.deployment_exists", name=made.name, endpoint=endpoint.name)
    transaction.rows.execute(
        deployment.insert().values(
            id=made.id, endpoint_id=endpoint.id, name=made.name, release_digest=made.release_digest,
            model_digest=made.model_digest, environment=made.environment, document=dict(made.document),
            pass_through=list(made.pass_through), event_time=made.event_time, settings=asdict(made.settings),
            state=made.state, reason=made.reason, made_by=made.made_by, created_at=to_micros(made.created_at),
        )
    )  # fmt: skip
    raise_generation(transaction)
    return made


def find(rows: sa.Connection, endpoint: Endpoint, name: str) -> Deployment | None:
    """Return a deployment of `endpoint`, or None."""
    query = sa.select(deployment).where(deployment.c.endpoint_id == endpoint.id, deployment.c.name == name)
    row = rows.execute(query).one_or_none()
    return None if row is None else _of_row(row)


def of_endpoint(rows: sa.Connection, endpoint: Endpoint) -> Sequence[Deployment]:
    """Return the deployments of `endpoint`, oldest first."""
    query = sa.select(deployment).where(deployment.c.endpoint_id == endpoint.id)
    return [_of_row(row) for row in rows.execute(query.order_by(deployment.c.created_at, deployment.c.id))]


def mark(transaction: Transaction, found: Deployment, state: DeploymentState, reason: str | None) -> Deployment:
    """Write how a deployment stands; the table stays as it is."""
    changed = deployment.update().where(deployment.c.id == found.id).values(state=state, reason=reason)
    transaction.rows.execute(changed)
    return replace(found, state=state, reason=reason)


def admit(transaction: Transaction, found: Deployment) -> Deployment:
    """Let a deployment whose environment has been built have its worker: the table names it from now on."""
    raise_generation(transaction)
    return mark(transaction, found, "starting", None)


def adjust(transaction: Transaction, found: Deployment, document: Mapping[str, Any], settings: Settings) -> Deployment:
    """Give a deployment other settings under the same worker."""
    values = {"document": dict(document), "settings": asdict(settings)}
    transaction.rows.execute(deployment.update().where(deployment.c.id == found.id).values(values))
    raise_generation(transaction)
    return replace(found, document=document, settings=settings)


def by_state(rows: sa.Connection) -> Mapping[tuple[str, str], int]:
    """Return how many deployments there are, by stage and state."""
    query = sa.select(endpoint.c.stage, deployment.c.state, sa.func.count())
    joined = query.join(endpoint, endpoint.c.id == deployment.c.endpoint_id)
    found = rows.execute(joined.group_by(endpoint.c.stage, deployment.c.state))
    return {(stage, state): count for stage, state, count in found}


def in_states(rows: sa.Connection, states: Sequence[DeploymentState]) -> Sequence[Deployment]:
    """Return the deployments of all endpoints that are in one of these states, oldest first."""
    query = sa.select(deployment).where(deployment.c.state.in_(states))
    return [_of_row(row) for row in rows.execute(query.order_by(deployment.c.created_at, deployment.c.id))]


def remove(transaction: Transaction, endpoint: Endpoint, found: Deployment) -> None:
    """Remove a deployment: its worker is drained and stopped; Conflict while it gets traffic."""
    share = endpoint.traffic.get(found.name, 0)
    if share:
        raise errors.Conflict("serving.has_traffic", deployment=found.name, percent=share / 10)
    transaction.rows.execute(deployment.delete().where(deployment.c.id == found.id))
    raise_generation(transaction)


def _of_row(row: sa.Row[Any]) -> Deployment:
    fields = row._asdict()
    fields["created_at"] = of_micros(fields["created_at"])
    fields["pass_through"] = tuple(fields["pass_through"])
    fields["settings"] = Settings(**fields["settings"])
    return Deployment(**fields)
