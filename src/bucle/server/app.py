"""Builds the one ASGI application from the doors, and refuses to start when a route has no permission."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from bucle import __version__, errors
from bucle.api import routers
from bucle.api.documented import document
from bucle.api.problems import install_problems
from bucle.core.actions import ACTIONS
from bucle.mlflow.routes import mlflow_router
from bucle.ops.world import World
from bucle.server.guard import LOOPBACK, Guard
from bucle.studio import read_pages, studio_routers

WITHOUT_RIGHTS = frozenset({"open", "signed-in"})
FRAMEWORK_ROUTES = frozenset({"/api/v1/openapi.json"})


def build_application(world: World, hosts: Iterable[str] = ()) -> ASGIApp:
    """Return the application on `world`, answering to loopback and to `hosts`."""
    application = FastAPI(
        title="bucle", version=__version__, openapi_url="/api/v1/openapi.json", docs_url=None, redoc_url=None
    )
    application.state.world = world
    application.state.pages = read_pages()
    install_problems(application)
    for router in (*routers(), *studio_routers()):
        application.include_router(router)
    application.include_router(mlflow_router())
    refuse_unguarded(application.routes)
    application.openapi = partial(document, application)  # type: ignore[method-assign]  # FastAPI's way to change it
    return Guard(application=application, hosts=LOOPBACK | frozenset(hosts), counts=world.requests)


def refuse_unguarded(routes: Sequence[BaseRoute]) -> None:
    """Raise PlatformFault when a route, however deep it is mounted, names no permission or one that does not exist."""
    for route in effective_routes(routes):
        permission = (route.openapi_extra or {}).get("x-permission") if isinstance(route, APIRoute) else None
        path = getattr(route, "path", "?")
        if path in FRAMEWORK_ROUTES or permission in WITHOUT_RIGHTS or permission in ACTIONS:
            continue
        raise errors.PlatformFault("server.unguarded_route", path=path, permission=permission)


def effective_routes(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """Yield every route that answers, those inside included routers and mounts too.

    FastAPI ≥ 0.165 keeps an included router as one object without a path: `application.routes` sees nothing of it.
    """
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from effective_routes(inner)
        else:
            yield route
