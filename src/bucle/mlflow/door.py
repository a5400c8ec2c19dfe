"""The door itself: each route with its one permission, who calls, which workspace, errors as MLflow writes them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPMethod
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from bucle import errors
from bucle.core.actions import Action
from bucle.mlflow.fields import Fields
from bucle.ops.audit import record_denial
from bucle.ops.sign_in import identify
from bucle.ops.tracking_place import stage_workspace
from bucle.ops.world import Call, World
from bucle.spec.json_text import read_json

LOG = logging.getLogger("bucle.mlflow")
PREFIX = "/mlflow/{workspace}"
LONGEST_BODY = 16 << 20
"""Bytes of a JSON body; MLflow's own limit for a batch is a million."""
WORKSPACE_HEADER = "x-mlflow-workspace"
_CODES: Mapping[type[errors.BucleError], tuple[int, str]] = {
    errors.BadRequest: (400, "INVALID_PARAMETER_VALUE"),
    errors.NotSignedIn: (401, "UNAUTHENTICATED"),
    errors.Refused: (403, "PERMISSION_DENIED"),
    errors.NotFound: (404, "RESOURCE_DOES_NOT_EXIST"),
    errors.Conflict: (400, "RESOURCE_ALREADY_EXISTS"),
    errors.TooMany: (429, "REQUEST_LIMIT_EXCEEDED"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: the world, the caller, the workspace of its address, its fields (those of its path too)."""

    world: World
    call: Call
    workspace: str
    fields: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call of the protocol: method, path below `/api/2.0/mlflow/`, the one permission, the verb."""

    method: HTTPMethod
    path: str
    permission: Action
    verb: Callable[[Asked], Mapping[str, Any]]
    longest: int = LONGEST_BODY


def add_calls(router: APIRouter, routes: Sequence[Route]) -> None:
    """Add calls that take and give JSON."""
    for route in routes:
        add(router, route.method, f"/api/2.0/mlflow/{route.path}", route.permission, _answering(route))


def add(router: APIRouter, method: str, path: str, permission: str, endpoint: Callable[..., Any]) -> None:
    """Add one route below the workspace's address, with its permission."""
    router.add_api_route(
        PREFIX + path,
        endpoint,
        methods=[method],
        openapi_extra={"x-permission": permission},
        include_in_schema=False,  # MLflow documents its protocol itself
        response_model=None,
    )


def enter(request: Request) -> tuple[World, Call, str]:
    """Return the world, who calls, and the workspace; NotSignedIn for nobody, Refused where a header disagrees."""
    world: World = request.app.state.world
    identity = identify(world, request.headers.get("authorization"))
    call = Call(
        caller=identity.caller,
        principal=identity.principal,
        via="mlflow",
        request_id=request.state.request_id,
    )
    request.state.call = call
    workspace: str = request.path_params["workspace"]
    named = request.headers.get(WORKSPACE_HEADER)
    if named and named != workspace:
        raise errors.Refused("tracking.other_workspace", named=workspace, other=named[:80])
    return world, call, stage_workspace(world, call, workspace)


async def answer(request: Request, work: Callable[[], Response]) -> Response:
    """Do the work of a request in a thread; whatever goes wrong leaves as MLflow's clients read it."""
    told = {"request_id": request.state.request_id}
    try:
        return await run_in_threadpool(work)
    except errors.Unavailable as fault:  # the client's retry is right
        LOG.warning("request %s was not answered: %s", request.state.request_id, fault, extra=told)
        return _error(503, "TEMPORARILY_UNAVAILABLE", str(fault))
    except errors.BucleError as error:
        return await failed(request, error)
    except Exception:  # the outer door: the log line has the request's id
        LOG.exception("request %s failed", request.state.request_id, extra=told)
        return _error(500, "INTERNAL_ERROR", f"the platform failed; its log says why under {request.state.request_id}")


async def failed(request: Request, error: errors.BucleError) -> JSONResponse:
    """Return an error of ours in MLflow's form, `error_code` and `message`; what was refused is written down."""
    call: Call | None = getattr(request.state, "call", None)
    if isinstance(error, errors.Refused) and call is not None:
        what = f"{request.method} {request.url.path}"
        await run_in_threadpool(record_denial, request.app.state.world, call, error, what)
    status, code = _CODES.get(type(error), (500, "INTERNAL_ERROR"))
    return _error(status, code, str(error))


async def unknown(request: Request) -> Response:
    """Say that this call of the protocol is not served; clients tell by the code what the server lacks."""
    return _error(404, "ENDPOINT_NOT_FOUND", f"{request.method} {request.url.path} is not served here")


def _answering(route: Route) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            fields = await _fields(request, route.longest)
        except errors.BucleError as error:
            return await failed(request, error)

        def work() -> Response:
            world, call, workspace = enter(request)
            return JSONResponse(route.verb(Asked(world=world, call=call, workspace=workspace, fields=fields)))

        return await answer(request, work)

    return endpoint


async def _fields(request: Request, longest: int) -> Fields:
    """Return the fields of a request: of its query for GET, else of its body; those of its path join them."""
    named = {name: value for name, value in request.path_params.items() if name != "workspace"}
    if request.method == "GET":
        query = request.query_params
        return Fields(values={name: _single(query.getlist(name)) for name in query} | named)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > longest:
            raise errors.BadRequest("tracking.batch_too_large", what="bytes", count=len(body), most=longest)
    try:
        document = read_json(bytes(body) or b"{}", constant=str)  # NaN as a word of its own is the text "NaN"
    except ValueError as fault:
        raise errors.BadRequest("tracking.bad_body") from fault
    if not isinstance(document, dict):
        raise errors.BadRequest("tracking.bad_body")
    return Fields(values=document | named)


def _single(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _error(status: int, code: str, message: str) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse({"error_code": code, "message": message}, status_code=status, headers=headers)
