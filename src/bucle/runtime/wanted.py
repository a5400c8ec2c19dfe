"""Wanted workers: what the routing table says of each scoring worker, and the attempt that it becomes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bucle.runtime.attempt import LISTENER, AttemptSpec, Attested, Isolation, Mode, Verified

_LOG_LIMIT_BYTES = 16 << 20
_DRAIN_S = 30.0
_RUNTIME = Path(__file__).resolve().parent

# The worker finds this folder and nothing else of ours: the two packages are made of thin air, since the folder
# above would offer the server's own packages to a model that lacks one.
_START = """
import sys, types
for name in ("bucle", "bucle.runtime"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [sys.argv[1]]
from bucle.runtime.worker import main
sys.exit(main(sys.argv[2]))
"""

# Batching is our parallelism; OpenMP's own limit holds for one thread only, so it must be in the environment.
_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One worker that the table names. Paths are absolute; `read` is what its environment lies in."""

    id: str
    python: str
    read: tuple[str, ...]
    model: str
    model_digest: str
    lock: str
    lock_digest: str
    isolation: Mode
    pass_through: tuple[str, ...]
    most_rows: int
    variables: Mapping[str, str]
    statement: str
    """The envelope of its release's statement; empty in the table of an older server: such a worker does not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The part of the routing table that the keeper reads."""

    generation: int
    workers: tuple[Wanted, ...]


def read_table(document: bytes) -> Table:
    """Return the workers that a routing table names; ValueError when it is none of ours."""
    try:
        found = json.loads(document)
        workers = tuple(_wanted(entry) for entry in found["workers"])
        return Table(generation=int(found["generation"]), workers=workers)
    except (KeyError, TypeError) as fault:
        raise ValueError(f"the routing table lacks {fault}") from fault


def attempt_of(wanted: Wanted, place: Path, socket: str, keys: Path) -> AttemptSpec:
    """Return the order for a supervisor to run a worker in the attempt folder `place`, behind its socket.

    `keys` is the platform's file of public keys: the table says what is signed, never whom to believe.
    """
    home = place / "home"
    order = {
        "listener": LISTENER,
        "model": wanted.model,
        "model_digest": wanted.model_digest,
        "ready": str(home / "ready.json"),
        "pass_through": list(wanted.pass_through),
        "most_rows": wanted.most_rows,
    }
    return AttemptSpec(
        argv=(wanted.python, "-I", "-B", "-c", _START, str(_RUNTIME), json.dumps(order)),
        env={**_VARIABLES, **wanted.variables},
        cwd=str(home),
        isolation=Isolation(mode=wanted.isolation, read=(*wanted.read, wanted.model, str(_RUNTIME))),
        grace_s=_DRAIN_S,
        verify=(
            Verified(path=wanted.model, digest=wanted.model_digest),
            Verified(path=wanted.lock, digest=wanted.lock_digest),
        ),
        log_limit_bytes=_LOG_LIMIT_BYTES,
        listen=socket,
        attested=Attested(envelope=wanted.statement, keys=str(keys), model_digest=wanted.model_digest),
    )


def socket_of(spec: AttemptSpec) -> str:
    """Return the socket's name that a worker's attempt was ordered with; ValueError when it has none."""
    if spec.listen is None:
        raise ValueError("this attempt listens on nothing: it is no worker")
    return spec.listen


def _wanted(entry: Mapping[str, Any]) -> Wanted:
    identity = str(entry["id"])
    if not identity or not all(letter.isalnum() or letter == "-" for letter in identity):
        raise ValueError(f"{identity!r} cannot name a worker")  # it names a folder
    return Wanted(
        id=identity,
        python=entry["python"],
        read=tuple(entry["read"]),
        model=entry["model"],
        model_digest=entry["model_digest"],
        lock=entry["lock"],
        lock_digest=entry["lock_digest"],
        isolation=entry["isolation"],
        pass_through=tuple(entry["pass_through"]),
        most_rows=entry["most_rows"],
        variables=dict(entry["variables"]),
        statement=entry.get("statement", ""),
    )
