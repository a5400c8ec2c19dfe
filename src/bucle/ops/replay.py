"""Replay: a past prediction computed again with the release's own bytes in its own environment, and how it compares."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.access.stages import find_stage
from bucle.assets import datastores
from bucle.core.job_plan import JobPlan, Mount, StepPlan, SystemJob, command_of_tool
from bucle.execution import jobs
from bucle.monitoring import traffic
from bucle.monitoring.traffic import Scored
from bucle.ops.authority import authorise_found
from bucle.ops.deploying import place_model
from bucle.ops.monitor import fold
from bucle.ops.world import Call, World
from bucle.release import releases
from bucle.release.releases import Release
from bucle.spec.digest import digest_of

TIMEOUT_S = 300.0


def begin(world: World, call: Call, request_id: str) -> dict[str, Any]:
    """Submit the system step that computes a request's rows again; `show` compares when it has ended."""
    fold(world)
    with world.write(call) as transaction:
        rows = transaction.rows
        found, missing = traffic.of_request(rows, request_id), errors.NotFound("trace.not_found", request=request_id)
        if not found:
            raise missing
        stage = find_stage(rows, found[0].stage)
        authorise_found(world, rows, call, "jobs/submit", stage.name, missing)
        release = next(one for one in releases.every(rows) if one.digest == found[0].release)
        folder = place_model(world, stage, release)
        name = _job_of(request_id)
        if jobs.find(rows, stage.name, name) is None:
            store = datastores.find(rows, stage.name, datastores.DEFAULT)
            plan = _plan(world, stage.name, release, found, (str(folder), f"{store.root}/jobs/{name}/replay/again"))
            jobs.submit(transaction, plan, world.new_id, by=call.principal.id, by_name=call.principal.name)
            transaction.record(call.event(stage.name, "replay", f"request/{request_id}"))
        answer = transaction.answers({"request": request_id, "stage": stage.name, "job": name, "state": "running"})
    world.wake()
    return answer


def show(world: World, call: Call, request_id: str) -> dict[str, Any]:
    """Return whether the recomputed predictions equal those that were answered, row by row, or how they differ."""
    with world.read() as rows:
        found = traffic.of_request(rows, request_id)
        job = None if not found else jobs.find(rows, found[0].stage, _job_of(request_id))
        missing = errors.NotFound("trace.not_found", request=request_id)
        if job is None:
            raise missing
        authorise_found(world, rows, call, "jobs/read", job.stage, missing)
        steps = jobs.steps_of(rows, job.id)
    if job.state != "completed":
        return {"request": request_id, "job": job.name, "state": job.state, "equal": None, "rows": []}
    outputs = steps[0].outputs or {}
    again = json.loads((Path(outputs["again"]["path"]) / "again.json").read_bytes())["prediction"]
    told = [
        {"correlation_id": one.correlation_id, "answered": one.prediction, "again": now, "equal": one.prediction == now}
        for one, now in zip(found, again, strict=True)
    ]
    equal = all(one["equal"] for one in told)
    return {"request": request_id, "job": job.name, "state": "completed", "equal": equal, "rows": told}


def _job_of(request_id: str) -> str:
    return f"replay-{digest_of(request_id).removeprefix('sha256:')[:24]}"


def _plan(world: World, stage: str, release: Release, found: Sequence[Scored], places: tuple[str, str]) -> JobPlan:
    folder, out = places
    order = {"task": "predict", "model": folder, "rows": [dict(one.columns) for one in found], "out": out}
    model = Mount(name="model", path=folder, form="folder", digest=release.manifest["model"]["digest"])
    tool = world.tools.package_model
    step = StepPlan(
        name="replay",
        kind="system",
        command=command_of_tool(tool, order),
        environment=release.manifest["environment"]["ask"],
        inputs=(model,),
        outputs=(Mount(name="again", path=out, form="folder"),),
        timeout_s=TIMEOUT_S,
        tools=(tool,),
    )
    asked = SystemJob(
        stage=stage,
        name=_job_of(found[0].request_id),
        display_name=f"replay of {found[0].request_id}",
        experiment="replays",
        document=order,
        data_class=release.manifest["class"],
    )
    return asked.plan(step)
