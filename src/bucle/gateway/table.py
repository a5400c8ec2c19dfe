"""The routing table as the gateway holds it: keys, traffic and deployments of each endpoint."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

FORMAT = 1
WHOLE = 1000
"""All traffic, in per-mille."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment: the worker that answers for it, and what its requests may cost."""

    name: str
    worker: str
    release: str
    model: str
    most_in_flight: int
    timeout_ms: int
    collect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint. `keys` are HMACs; `shares` are running sums of per-mille, the last of them 1000, or none."""

    stage: str
    name: str
    keys: tuple[bytes, ...]
    shares: tuple[tuple[int, Deployment], ...]
    deployments: Mapping[str, Deployment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One generation. `keys` are those of every endpoint, to tell a stranger from a guest at the wrong door."""

    generation: int
    salt: bytes
    replay: bytes | None
    endpoints: Mapping[tuple[str, str], Endpoint]
    keys: frozenset[bytes]


EMPTY = Table(generation=0, salt=b"", replay=None, endpoints={}, keys=frozenset())


def read_table(document: bytes) -> Table:
    """Return the table that `document` holds; ValueError says what is wrong with it."""
    try:
        found = json.loads(document)
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {found['format']}, not {FORMAT}")
        endpoints = [_endpoint(entry) for entry in found["endpoints"]]
        return Table(
            generation=int(found["generation"]),
            salt=bytes.fromhex(found["salt"]),
            replay=None if found["replay"] is None else bytes.fromhex(found["replay"]),
            endpoints={(endpoint.stage, endpoint.name): endpoint for endpoint in endpoints},
            keys=frozenset(key for endpoint in endpoints for key in endpoint.keys),
        )
    except (KeyError, TypeError) as fault:
        raise ValueError(f"it lacks {fault}") from fault


def choose(endpoint: Endpoint, request_id: str, salt: bytes) -> Deployment | None:
    """Return whose turn a request is, None when the endpoint has no traffic.

    The same request goes to the same deployment; a caller cannot choose it by choosing an id, since the hash is keyed.
    """
    if not endpoint.shares:
        return None
    text = f"{endpoint.stage}/{endpoint.name}/{request_id}".encode()
    point = int.from_bytes(blake2b(text, key=salt[:64], digest_size=8).digest()) % WHOLE
    return next(deployment for upper, deployment in endpoint.shares if point < upper)


def _endpoint(entry: Mapping[str, Any]) -> Endpoint:
    deployments = {found["name"]: _deployment(found) for found in entry["deployments"]}
    shares, upper = [], 0
    for name, share in entry["traffic"].items():
        if name not in deployments:
            raise ValueError(f"traffic of {entry['name']} goes to {name}, which is not there")
        if share < 0:
            raise ValueError(f"traffic of {entry['name']} to {name} is negative")
        upper += share
        shares.append((upper, deployments[name]))
    if upper not in {0, WHOLE}:
        raise ValueError(f"traffic of {entry['name']} sums to {upper} per mille")
    return Endpoint(
        stage=entry["stage"],
        name=entry["name"],
        keys=tuple(bytes.fromhex(key) for key in entry["keys"]),
        shares=tuple(shares) if upper else (),
        deployments=deployments,
    )


def _deployment(entry: Mapping[str, Any]) -> Deployment:
    return Deployment(
        name=entry["name"],
        worker=entry["worker"],
        release=entry["release"],
        model=entry["model"],
        most_in_flight=int(entry["most_in_flight"]),
        timeout_ms=int(entry["timeout_ms"]),
        collect=bool(entry["collect"]),
    )
