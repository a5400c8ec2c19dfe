"""A route without a permission stops the start, however deep it lies (T1)."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.routing import Mount

from bucle import errors
from bucle.api.can import DOOR
from bucle.server.app import build_application, refuse_unguarded
from tests.access.conftest import House


async def answer() -> None:
    """Answer a planted route."""


async def talk(socket: WebSocket) -> None:
    """Answer a planted websocket."""
    await socket.close()


@contextmanager
def planted() -> Iterator[None]:
    """Plant an unprotected route inside a router of the product, and take it out again."""
    DOOR.router.add_api_route("/planted", answer)
    try:
        yield
    finally:
        DOOR.router.routes.pop()


def test_a_planted_route_stops_the_start(house: House) -> None:
    """The installation stands, built a moment ago; with the plant in it it refuses to be built again."""
    assert house.ask("GET", "/health").status_code == 200
    build_application(house.world)
    with planted(), pytest.raises(errors.PlatformFault, match="/planted"):
        build_application(house.world)


@pytest.mark.parametrize("kind", ["route", "websocket", "mount", "unknown permission", "two deep"])
def test_whatever_answers_needs_a_permission(kind: str) -> None:
    """Routes, websockets, mounts; a permission that nobody knows is none. With a real one the same is let in."""
    application, outer, inner = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), APIRouter(), APIRouter()
    inner.add_api_route("/good", answer, openapi_extra={"x-permission": "jobs/read"})
    refuse_unguarded(inner.routes)
    match kind:
        case "websocket":
            inner.add_api_websocket_route("/bad", talk)
        case "mount":
            application.routes.append(Mount("/mounted", app=FastAPI()))
        case _:
            permission = {"unknown permission": {"x-permission": "jobs/everything"}}.get(kind)
            inner.add_api_route("/bad", answer, openapi_extra=permission)
    outer.include_router(inner)
    application.include_router(outer if kind == "two deep" else inner)
    with pytest.raises(errors.PlatformFault):
        refuse_unguarded(application.routes)
