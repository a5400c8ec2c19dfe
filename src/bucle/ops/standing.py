"""How a deployment at 0 % stands: asked the sample of its release, timed, held against the registered model."""

import json
import statistics
import time
from typing import Any

import httpx2

from bucle.core.gate import Standing
from bucle.ops import deploying
from bucle.ops.world import World
from bucle.release.promotions import Promotion
from bucle.release.releases import Release
from bucle.spec.gate import Gate

MOST_REPLAYS = 200
REPLAY_TIMEOUT_S = 10.0
JSON = {"Content-Type": "application/json"}


def replay(world: World, found: Promotion, release: Release, gate: Gate) -> Standing:
    """Return how a deployment answers the sample of its release, asked with the server's own token."""
    sample = release.sample
    rule = gate.checks.standing
    wanted = min(rule.replay if rule and rule.replay else len(sample["data"]), MOST_REPLAYS)
    headers = {
        "Authorization": f"Bearer {world.routes.replay_token()}",
        "azureml-model-deployment": found.deployment,
    }
    address = f"{world.scoring_address()}/{found.stage}/{found.endpoint}/score"
    failed = differing = 0
    taken: list[float] = []
    with httpx2.Client(headers=headers, timeout=REPLAY_TIMEOUT_S, trust_env=False) as http:
        for number in range(wanted):
            place = number % len(sample["data"])
            row = {"columns": sample["columns"], "index": [0], "data": [sample["data"][place]]}
            started = time.monotonic()
            answer = _ask(http, address, row)
            taken.append((time.monotonic() - started) * 1000)
            if answer is None:  # whoever hangs once is not waited for again: other promotions want their turn
                failed += wanted - number
                break
            if answer.status_code != 200:
                failed += 1
            elif not _same(answer.json()[0], sample["prediction"][place], release):
                differing += 1
    ordered = sorted(taken) or [0.0]
    return Standing(
        ready=wanted > failed or wanted == 0,
        reason=None if wanted > failed or wanted == 0 else f"{failed} of {wanted} replayed requests failed",
        bytes_equal=_serves(world, found, release),
        requests=wanted,
        failed=failed,
        differing=differing,
        p50_ms=statistics.median(ordered),
        p95_ms=ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        p99_ms=ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))],
    )


def _ask(http: httpx2.Client, address: str, row: dict[str, Any]) -> httpx2.Response | None:
    try:
        return http.post(address, content=json.dumps({"input_data": row}), headers=JSON)
    except httpx2.TransportError:
        return None


def _serves(world: World, found: Promotion, release: Release) -> bool:
    """Say whether the worker loaded the release's bytes: it digests its model's folder before it loads it."""
    with world.read() as rows:
        _, deployment = deploying.find_deployment(rows, found.stage, found.endpoint, found.deployment)
    worker = world.routes.workers().get(deployment.id)
    hello = None if worker is None else worker.hello
    return hello is not None and hello["model"] == release.manifest["model"]["digest"]


def _same(one: Any, other: Any, release: Release) -> bool:
    tolerance = float(release.manifest["release"].get("tolerance", 0.0))
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= tolerance
    return bool(one == other)
