"""The OpenAPI document: FastAPI's, with what every operation of the door answers when it says no, and who may ask."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bucle.api.door import OPEN

_PROBLEM: Mapping[str, Any] = MappingProxyType(
    {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "hint"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "What was refused or failed; it stays when the words change."},
            "detail": {"type": "string"},
            "hint": {"type": "string", "description": "The next command or edit."},
            "request_id": {"type": ["string", "null"]},
        },
    }
)
_SCHEMES: Mapping[str, Any] = MappingProxyType(
    {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token, or the session of a person."},
        "basic": {"type": "http", "scheme": "basic", "description": "A token as the password, as MLflow sends it."},
    }
)
_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_NO_JSON: Mapping[str, str] = MappingProxyType(
    {"job.log": "application/octet-stream", "platform.metrics": "text/plain"}
)
"""Operations that answer with something else."""


def document(application: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the API, made once."""
    if application.openapi_schema is None:
        made = get_openapi(title=application.title, version=application.version, routes=application.routes)
        components = made.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):  # faults of a body are problems like all others
            schemas.pop(unused, None)
        schemas["Problem"] = dict(_PROBLEM)
        components["securitySchemes"] = dict(_SCHEMES)
        for verbs in made["paths"].values():
            for method, operation in verbs.items():
                _complete(method, operation)
        application.openapi_schema = made
    return application.openapi_schema


def allowed(application: FastAPI, path: str) -> str:
    """Return the methods that a documented address takes, as `Allow` lists them (RFC 9110, 10.2.1)."""
    paths = document(application)["paths"]
    found = (template for template in paths if _is_at(template, path))
    nearest = max(found, key=lambda template: len(_PLACEHOLDER.sub("", template)), default=None)
    return "" if nearest is None else ", ".join(sorted(method.upper() for method in paths[nearest]))


def _is_at(template: str, path: str) -> bool:
    return re.fullmatch("[^/]+".join(map(re.escape, _PLACEHOLDER.split(template))), path) is not None


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Add to an operation who may ask and how it refuses."""
    is_open = operation["x-permission"] == OPEN
    operation["security"] = [] if is_open else [{"bearer": []}, {"basic": []}]
    operation["responses"].pop("422", None)
    other = _NO_JSON.get(operation["operationId"])
    if other is not None:
        operation["responses"]["200"]["content"] = {other: {"schema": {"type": "string"}}}
    for status in sorted(_refusals(method, is_open=is_open)):
        operation["responses"][str(status.value)] = {
            "description": status.phrase,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _refusals(method: str, *, is_open: bool) -> set[HTTPStatus]:
    """Return the statuses of the refusals that an operation may meet; 500 is none: that is a fault."""
    found = {HTTPStatus.BAD_REQUEST, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE}
    if not is_open:
        found |= {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
    if method != "get":
        found.add(HTTPStatus.CONFLICT)
        found.add(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        found.add(HTTPStatus.TOO_MANY_REQUESTS)
    if not is_open or method != "get":
        found.add(HTTPStatus.UNAUTHORIZED)
    return found
