"""The story, hop by hop: each line is printed when it has happened, with the seconds that it took."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.client import Client
from bucle.demo.stage_set import StageSet

EXPERIMENT = "fuel-consumption"


def tell(stage_set: StageSet) -> None:
    """Walk the whole way."""
    known = stage_set.build()
    hop("demo", lambda: f"{stage_set.folder}{' (was there: continuing)' if known else ''}")
    with stage_set.start() as client:
        hop("platform", lambda: _platform(client))
        hop("data", lambda: _data(client, stage_set.folder))
        hop("train", lambda: _train(client, stage_set.folder))
        hop("package", lambda: _package(client))
        hop("denied", lambda: _denied(client, stage_set))


def hop(name: str, act: Callable[[], str]) -> None:
    """Do one hop and print its line."""
    started = time.monotonic()
    told = act()
    print(f"{name:<10} {told}   {time.monotonic() - started:.1f} s", flush=True)


def _platform(client: Client) -> str:
    stages = client.stage.list()
    return f"{len(stages)} stages: {' → '.join(stage['name'] for stage in stages)}"


def _data(client: Client, folder: Path) -> str:
    made = client.data.create(folder / "data.yml", stage="dev", assignments=("version=1",))
    return f"{made['name']}:{made['version']} {made['digest'][:19]}… ({made['class']})"


def _train(client: Client, folder: Path) -> str:
    job = _run(client, folder / "pipeline.yml")
    metrics = json.loads(_log(client, job, "evaluate"))
    steps = " → ".join(step["name"] for step in job["steps"] if step["kind"] == "command")
    used = sum(step["cpu_s"] for step in job["steps"])
    told = f"MAE {metrics['mae']:.4f} mpg, R² {metrics['r2']:.3f} on {metrics['rows']} cars, cross-validated"
    return f"{steps}: {told}; {used:.1f} s of CPU"


def _package(client: Client) -> str:
    """Package the model of the newest job; it is loaded in a clean process and predicts its example first."""
    job = next(job for job in client.job.list(stage="dev") if job["experiment_name"] == EXPERIMENT)
    begun = client.model.create(job["name"], stage="dev")
    made = client.model.wait(begun["name"], begun["version"], stage="dev")
    release = made["release"]
    environment = release["manifest"]["environment"]["lock"][:19]
    told = f"{made['name']}:{made['version']} · release {release['alias']} {release['digest'][:19]}…"
    return f"{told} · {made['format']}, re-imported, environment locked {environment}…"


def _denied(client: Client, stage_set: StageSet) -> str:
    """Read a file of another stage: first outside a job, where it can be read, then inside one."""
    client.data.create(stage_set.folder / "data.yml", stage="prod", assignments=("version=1",))
    path = next((stage_set.home / "datastores" / "prod").rglob("*.csv"))
    path.read_bytes()
    document = stage_set.folder / ".bucle" / "cat.yml"
    document.write_text(json.dumps({"command": f"cat {path}", "environment": {"image": "python"}}))
    made = client.job.create(document, stage="dev")
    job = client.job.wait(made["name"], stage="dev")
    said = client.job.log(made["name"], stage="dev", step="main").decode().strip()
    if job["status"] != "failed" or "Permission denied" not in said:
        raise errors.PlatformFault("demo.not_denied", said=said)
    return f"`cat` of a file of prod inside a job of dev: {said.rpartition(': ')[2]} (the kernel's word)"


def _log(client: Client, job: dict[str, Any], step: str) -> str:
    """Return the last line that a step wrote."""
    return client.job.log(job["name"], stage="dev", step=step).decode().splitlines()[-1]


def _run(client: Client, document: Path) -> dict[str, Any]:
    made = client.job.create(document, stage="dev")
    job = client.job.wait(made["name"], stage="dev")
    if job["status"] != "completed":
        raise errors.WorkFailed("job.failed", name=job["name"], state=job["status"], why="")
    return job
