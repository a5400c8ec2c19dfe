"""Problems: every error leaves as `application/problem+json` (RFC 9457) with `code`, `detail`, `hint`."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bucle import errors
from bucle.api.documented import allowed
from bucle.ops.audit import record_denial
from bucle.store.records import ReplayedError

LOG = logging.getLogger("bucle.server")


def install_problems(application: FastAPI) -> None:
    """Make `application` answer every error as a problem document, an unforeseen one with the id of its log line."""

    @application.exception_handler(errors.BucleError)
    def of_ours(request: Request, error: errors.BucleError) -> JSONResponse:
        if isinstance(error, errors.Refused):
            _record(request, error)
        return problem(request, error)

    @application.exception_handler(RequestValidationError)
    def of_body(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [{"field": _field(fault["loc"]), "message": _message(fault)} for fault in error.errors()]
        told = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
        return problem(request, errors.BadRequest("wire.bad_body", faults=told), faults=faults)

    @application.exception_handler(HTTPException)
    def of_route(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, errors.BucleError):  # met while the body was read
            return problem(request, error.__cause__)
        known = {404: errors.NotFound, 405: errors.BadRequest}.get(error.status_code, errors.BadRequest)
        unknown = known("wire.unknown_route", method=request.method, path=request.url.path)
        answer = problem(request, unknown, status=error.status_code)
        if error.status_code == 405:  # the router knows the first of the address's routes only
            answer.headers["Allow"] = allowed(request.app, request.url.path)
        return answer

    @application.exception_handler(ReplayedError)
    def of_repetition(_request: Request, earlier: ReplayedError) -> JSONResponse:
        return JSONResponse(earlier.body, headers={"Idempotency-Replayed": "true"})

    @application.exception_handler(Exception)
    def of_fault(request: Request, error: Exception) -> JSONResponse:
        request_id = request.state.request_id
        LOG.error("request %s failed", request_id, exc_info=error, extra={"request_id": request_id})
        return problem(request, errors.PlatformFault("wire.fault", error=type(error).__name__, request_id=request_id))


def problem(request: Request, error: errors.BucleError, *, status: int | None = None, **more: Any) -> JSONResponse:
    """Return `error` as a problem document with its HTTP status."""
    status = status or error.http_status
    body = {
        "type": "about:blank",
        "title": type(error).__name__,
        "status": status,
        "code": error.code,
        "detail": error.detail,
        "hint": error.hint,
        "request_id": getattr(request.state, "request_id", None),
        **more,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, errors.TooMany) and "retry_after_s" in error.values:
        headers["Retry-After"] = str(error.values["retry_after_s"])
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)


def _record(request: Request, error: errors.Refused) -> None:
    """Write down who was refused what; a chain that cannot be written changes nothing about the answer."""
    call = getattr(request.state, "call", None)
    if call is None:
        return
    try:
        record_denial(request.app.state.world, call, error, f"{request.method} {request.url.path}")
    except Exception:
        told = {"request_id": call.request_id}
        LOG.exception("the refusal of request %s was not recorded", call.request_id, extra=told)


def _message(fault: Mapping[str, Any]) -> str:
    """Return what is wrong with a field; of a body that is no JSON, why."""
    return f"{fault['msg']}: {fault['ctx']['error']}" if fault["type"] == "json_invalid" else str(fault["msg"])


def _field(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location if part != "body") or "body"
