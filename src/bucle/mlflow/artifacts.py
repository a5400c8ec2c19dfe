"""Calls on artifacts: bytes stream in and out, a path is a text, a listing is one of the records."""

from collections.abc import Iterator, Mapping
from http import HTTPMethod
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from bucle import errors
from bucle.mlflow.door import Asked, Route, add, answer, enter, failed
from bucle.mlflow.runs import run_id_of
from bucle.mlflow.wire import ARTIFACTS
from bucle.ops import tracking_artifact, tracking_run
from bucle.store.objects import CHUNK, spooled
from bucle.tracking.artifacts import Listed

ROOT = "/api/2.0/mlflow-artifacts/artifacts"


def add_artifacts(router: APIRouter) -> None:
    """Add the calls on files."""
    add(router, "GET", ROOT, "experiments/read", listed)
    add(router, "GET", ROOT + "/{path:path}", "models/content/read", read)
    add(router, "PUT", ROOT + "/{path:path}", "experiments/write", send)
    add(router, "DELETE", ROOT + "/{path:path}", "experiments/write", delete)


async def listed(request: Request) -> Response:
    """List what lies right below a path; names are relative to it."""

    def work() -> Response:
        world, call, workspace = enter(request)
        path = request.query_params.get("path", "").strip("/")
        found = tracking_artifact.listed(world, call, workspace, path)
        return JSONResponse({"files": [_file(one, one.name) for one in found]})

    return await answer(request, work)


async def read(request: Request) -> Response:
    """Send the bytes of a file."""

    def work() -> Response:
        world, call, workspace = enter(request)
        found = tracking_artifact.read(world, call, workspace, request.path_params["path"])
        return FileResponse(found, media_type="application/octet-stream")

    return await answer(request, work)


async def send(request: Request) -> Response:
    """Take the bytes of a file; who may not send it is refused before its first byte is read."""
    path = request.path_params["path"]

    def allow() -> Path:
        world, call, workspace = enter(request)
        tracking_artifact.may_send(world, call, workspace, path)
        return world.home.objects

    try:
        folder = await run_in_threadpool(allow)
        async with spooled(folder, request.stream()) as spool:

            def work() -> Response:
                world, call, workspace = enter(request)
                tracking_artifact.send(world, call, workspace, path, _chunks(spool))
                return JSONResponse({})

            return await answer(request, work)
    except errors.BucleError as error:
        return await failed(request, error)


async def delete(request: Request) -> Response:
    """Take a file or a folder away."""

    def work() -> Response:
        world, call, workspace = enter(request)
        tracking_artifact.delete(world, call, workspace, request.path_params["path"])
        return JSONResponse({})

    return await answer(request, work)


def list_of_run(asked: Asked) -> Mapping[str, Any]:
    """List the artifacts of a run; names are relative to the run's root."""
    run = tracking_run.show(asked.world, asked.call, asked.workspace, run_id_of(asked.fields)).run
    below = asked.fields.text_or("path", "").strip("/")
    path = "/".join(part for part in (run.artifact_root, below) if part)
    found = tracking_artifact.listed(asked.world, asked.call, asked.workspace, path)
    files = [_file(one, f"{below}/{one.name}" if below else one.name) for one in found]
    return {"root_uri": ARTIFACTS + run.artifact_root, "files": files}


def _file(found: Listed, path: str) -> dict[str, Any]:
    if found.size is None:
        return {"path": path, "is_dir": True}
    return {"path": path, "is_dir": False, "file_size": found.size}


def _chunks(spool: Path) -> Iterator[bytes]:
    with spool.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


CALLS = (Route(method=HTTPMethod.GET, path="artifacts/list", permission="experiments/read", verb=list_of_run),)
