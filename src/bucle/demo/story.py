"""The story, hop by hop: each line is printed when it has happened, with the seconds that it took."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.client import Client
from bucle.demo.stage_set import StageSet


def tell(stage_set: StageSet) -> None:
    """Walk the whole way."""
    known = stage_set.build()
    hop("demo", lambda: f"{stage_set.folder}{' (was there: continuing)' if known else ''}")
    with stage_set.start() as client:
        hop("platform", lambda: _platform(client))
        hop("data", lambda: _data(client, stage_set.folder))
        hop("train", lambda: _train(client, stage_set.folder))
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
    job = _run(client, folder / "train.yml")
    log = client.job.log(job["name"], stage="dev", step="main").decode()
    metrics = json.loads(log.splitlines()[-1])
    step = next(step for step in job["steps"] if step["name"] == "main")
    used = f"{step['cpu_s']:.1f} s of CPU, {step['peak_rss_bytes'] / 1e6:.0f} MB"
    return f"{metrics['rows']} cars: MAE {metrics['mae']:.4f} mpg, R² {metrics['r2']:.3f}, cross-validated; {used}"


def _denied(client: Client, stage_set: StageSet) -> str:
    """Read a file of another stage: first outside a job, where it can be read, then inside one."""
    client.data.create(stage_set.folder / "data.yml", stage="prod", assignments=("version=1",))
    path = next((stage_set.home / "datastores" / "prod").rglob("auto_mpg.csv"))
    path.read_bytes()
    document = stage_set.folder / ".bucle" / "cat.yml"
    document.write_text(json.dumps({"command": f"cat {path}", "environment": {"image": "python"}}))
    made = client.job.create(document, stage="dev")
    job = client.job.wait(made["name"], stage="dev")
    said = client.job.log(made["name"], stage="dev", step="main").decode().strip()
    if job["status"] != "failed" or "Permission denied" not in said:
        raise errors.PlatformFault("demo.not_denied", said=said)
    return f"`cat` of a file of prod inside a job of dev: {said.rpartition(': ')[2]} (the kernel's word)"


def _run(client: Client, document: Path) -> dict[str, Any]:
    made = client.job.create(document, stage="dev")
    job = client.job.wait(made["name"], stage="dev")
    if job["status"] != "completed":
        raise errors.WorkFailed("job.failed", name=job["name"], state=job["status"], why="")
    return job
