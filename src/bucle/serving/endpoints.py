"""Endpoints as the records hold them: create, find, list, keys, traffic, delete."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.core.routing import DeploymentState, check_traffic
from bucle.serving.generation import raise_generation
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.serving import deployment, endpoint

Slot = Literal["primary", "secondary"]
Derive = Callable[[str], str]
"""HMAC of a text under the pepper of the key file, in hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address. `traffic` is per-mille by deployment; its revision rises with each change."""

    id: str
    stage: str
    name: str
    document: Mapping[str, Any]
    traffic: Mapping[str, int]
    traffic_revision: int
    primary_nonce: str
    secondary_nonce: str
    made_by: str
    created_at: datetime

    def key(self, slot: Slot, derive: Derive) -> str:
        """Return a key of the endpoint.

        Keys are derived, from the pepper of the key file and a nonce of the records: whoever has one of the two
        (a backup, say) has no key, and a key can still be read back as Azure's clients do.
        """
        nonce = self.primary_nonce if slot == "primary" else self.secondary_nonce
        return derive(f"endpoint-key\n{self.id}\n{slot}\n{nonce}")


def create(transaction: Transaction, made: Endpoint) -> Endpoint:
    """Write a new endpoint without traffic; Conflict when its stage has one of that name."""
    if find(transaction.rows, made.stage, made.name) is not None:
        raise errors.Conflict("serving.endpoint_exists", name=made.name, stage=made.stage)
    transaction.rows.execute(
        endpoint.insert().values(
            id=made.id, stage=made.stage, name=made.name, document=dict(made.document), traffic={}, traffic_revision=0,
            primary_nonce=made.primary_nonce, secondary_nonce=made.secondary_nonce, made_by=made.made_by,
            created_at=to_micros(made.created_at),
        )
    )  # fmt: skip
    raise_generation(transaction)
    return made


def new_endpoint(endpoint_id: str, stage: str, document: Mapping[str, Any], *, made_by: str, now: datetime) -> Endpoint:
    """Return an endpoint of `document` with fresh keys, to be created."""
    return Endpoint(
        id=endpoint_id,
        stage=stage,
        name=str(document["name"]),
        document=document,
        traffic={},
        traffic_revision=0,
        primary_nonce=secrets.token_hex(16),
        secondary_nonce=secrets.token_hex(16),
        made_by=made_by,
        created_at=now,
    )


def find(rows: sa.Connection, stage: str, name: str) -> Endpoint | None:
    """Return an endpoint of `stage`, or None."""
    query = sa.select(endpoint).where(endpoint.c.stage == stage, endpoint.c.name == name)
    row = rows.execute(query).one_or_none()
    return None if row is None else _of_row(row)


def of_id(rows: sa.Connection, endpoint_id: str) -> Endpoint:
    """Return the endpoint of an internal id."""
    return _of_row(rows.execute(sa.select(endpoint).where(endpoint.c.id == endpoint_id)).one())


def change(transaction: Transaction, found: Endpoint, document: Mapping[str, Any]) -> Endpoint:
    """Give an endpoint another document; its keys and its traffic stay."""
    changed = endpoint.update().where(endpoint.c.id == found.id).values(document=dict(document))
    transaction.rows.execute(changed)
    return replace(found, document=document)


def page(rows: sa.Connection, stage: str, *, limit: int, after: str | None) -> Sequence[Endpoint]:
    """Return at most `limit` endpoints of `stage` by name, behind the one called `after`."""
    query = sa.select(endpoint).where(endpoint.c.stage == stage)
    if after is not None:
        query = query.where(endpoint.c.name > after)
    return [_of_row(row) for row in rows.execute(query.order_by(endpoint.c.name).limit(limit))]


def every(rows: sa.Connection) -> Sequence[Endpoint]:
    """Return all endpoints of all stages."""
    return [_of_row(row) for row in rows.execute(sa.select(endpoint).order_by(endpoint.c.stage, endpoint.c.name))]


def set_traffic(
    transaction: Transaction, found: Endpoint, traffic: Mapping[str, int], *, expected_revision: int | None = None
) -> Endpoint:
    """Set the traffic (per-mille; all or nothing); Conflict when it moved since `expected_revision` was read."""
    query = sa.select(deployment.c.name, deployment.c.state).where(deployment.c.endpoint_id == found.id)
    states: dict[str, DeploymentState] = {row.name: row.state for row in transaction.rows.execute(query)}
    check_traffic(traffic, states)
    expected = found.traffic_revision if expected_revision is None else expected_revision
    shares = {name: share for name, share in traffic.items() if share}
    done = transaction.rows.execute(
        endpoint.update()
        .where(endpoint.c.id == found.id, endpoint.c.traffic_revision == expected)
        .values(traffic=shares, traffic_revision=expected + 1)
    )
    if done.rowcount == 0:
        now = find(transaction.rows, found.stage, found.name)
        seen = "none" if now is None else now.traffic_revision
        raise errors.Conflict("serving.traffic_moved", endpoint=found.name, found=seen, expected=expected)
    raise_generation(transaction)
    return replace(found, traffic=shares, traffic_revision=expected + 1)


def regenerate_key(transaction: Transaction, found: Endpoint, slot: Slot) -> Endpoint:
    """Make one key anew; the old one is refused as soon as the gateway follows."""
    nonce = secrets.token_hex(16)
    column = {"primary": "primary_nonce", "secondary": "secondary_nonce"}[slot]
    transaction.rows.execute(endpoint.update().where(endpoint.c.id == found.id).values({column: nonce}))
    raise_generation(transaction)
    return replace(found, primary_nonce=nonce) if slot == "primary" else replace(found, secondary_nonce=nonce)


def delete(transaction: Transaction, found: Endpoint) -> None:
    """Remove an endpoint; Conflict while it has deployments."""
    query = sa.select(sa.func.count()).select_from(deployment).where(deployment.c.endpoint_id == found.id)
    count = transaction.rows.execute(query).scalar_one()
    if count:
        raise errors.Conflict("serving.has_deployments", endpoint=found.name, count=count)
    transaction.rows.execute(endpoint.delete().where(endpoint.c.id == found.id))
    raise_generation(transaction)


def _of_row(row: sa.Row[Any]) -> Endpoint:
    fields = row._asdict()
    fields["created_at"] = of_micros(fields["created_at"])
    return Endpoint(**fields)
