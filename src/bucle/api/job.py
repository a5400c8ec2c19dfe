"""Operations on jobs."""

from typing import Annotated, Any

from fastapi import Body, Query, Response

from bucle import errors
from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops import job, job_wait
from bucle.spec.command_job import CommandJob
from bucle.spec.loading import load_body
from bucle.spec.pipeline_job import PipelineJob

DOOR = Door()


@DOOR.operation("POST", "/stages/{stage}/jobs", name="job.create", permission="jobs/submit", status=201)
def create(world: TheWorld, call: Called, stage: str, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Submit a job; the body is the YAML document as JSON, its local paths replaced by digests."""
    loaded = load_body(body, "job")
    if not isinstance(loaded.value, CommandJob | PipelineJob):
        raise errors.BadRequest("job.kind_not_run", type=loaded.kind)
    return job.create(world, call, stage, loaded.value, loaded.document)


@DOOR.operation("GET", "/stages/{stage}/jobs", name="job.list", permission="jobs/read")
def listed(world: TheWorld, call: Called, stage: str, page: AskedPage) -> dict[str, Any]:
    """List jobs, newest first."""
    rows, last = job.listed(world, call, stage, limit=page.limit, after=page.after)
    return page_of(world, rows, last)


@DOOR.operation("GET", "/stages/{stage}/jobs/{name}:why", name="job.why", permission="jobs/logs/read")
def why(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Say what each step of a job waits for, or why it failed, with the last lines of its log."""
    return job_wait.why(world, call, stage, name)


@DOOR.operation("GET", "/stages/{stage}/jobs/{name}", name="job.show", permission="jobs/read")
def show(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Show a job and its steps."""
    return job.show(world, call, stage, name)


@DOOR.operation("GET", "/stages/{stage}/jobs/{name}/log", name="job.log", permission="jobs/logs/read")
def log(
    world: TheWorld,
    call: Called,
    stage: str,
    name: str,
    step: Annotated[str | None, Query()] = None,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Return a piece of a step's log from a byte offset on; empty when there is nothing more now."""
    return Response(job.log(world, call, stage, name, step, offset), media_type="application/octet-stream")


@DOOR.operation("POST", "/stages/{stage}/jobs/{name}:cancel", name="job.cancel", permission="jobs/cancel")
def cancel(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Ask a job to stop."""
    return job.cancel(world, call, stage, name)
