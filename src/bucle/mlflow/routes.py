"""All routes of the door in one router, and the last one, which says of everything else that it is not served."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from bucle.mlflow import artifacts, experiments, logging_calls, models, runs
from bucle.mlflow.artifacts import add_artifacts
from bucle.mlflow.door import add, add_calls, unknown

OPEN = "open"
VERSION = "3.17.2"
"""The version of MLflow whose protocol is served; clients ask it before they use newer calls."""


def mlflow_router() -> APIRouter:
    """Return the router of `/mlflow/{workspace}`."""
    router = APIRouter()
    add(router, "GET", "/health", OPEN, health)
    add(router, "GET", "/version", OPEN, version)
    add(router, "GET", "/api/3.0/mlflow/server-info", OPEN, server_info)
    for module in (experiments, runs, logging_calls, models, artifacts):
        add_calls(router, module.CALLS)
    add_artifacts(router)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        add(router, method, "/{rest:path}", OPEN, unknown)
    return router


def health() -> PlainTextResponse:
    """Say that the door answers."""
    return PlainTextResponse("OK")


def version() -> PlainTextResponse:
    """Say which protocol is served."""
    return PlainTextResponse(VERSION)


def server_info() -> JSONResponse:
    """Say what this server can do: neither workspaces of MLflow's kind nor uploads in parts."""
    return JSONResponse({"store_type": "SqlStore", "workspaces_enabled": False, "trace_archival_enabled": False})
