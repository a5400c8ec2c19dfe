"""The door every API operation goes through: its name, its one permission, its caller, its idempotency key."""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from bucle import errors
from bucle.ops.sign_in import Identity, identify
from bucle.ops.world import Call, World
from bucle.spec.json_text import read_json
from bucle.store.records import Attempted, request_digest

Verb = TypeVar("Verb", bound=Callable[..., Any])
PREFIX = "/api/v1"
OPEN = "open"
"""The permission of an operation that anyone may call: it says nothing of anybody's work."""
SIGNED_IN = "signed-in"
"""The permission of an operation that concerns the caller himself only."""
LONGEST_KEY = 255
"""Characters of an idempotency key."""


class _Asking(Request):
    """A request whose JSON body is read as the platform reads JSON everywhere."""

    async def json(self) -> Any:
        body = await self.body()
        try:
            return read_json(body)
        except ValueError as fault:
            raise json.JSONDecodeError(str(fault), "", 0) from fault


class _Route(APIRoute):
    """A route that reads its body so; FastAPI's documented way to do that."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def read_and_answer(request: Request) -> Response:
            return await answer(_Asking(request.scope, request.receive))

        return read_and_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A router whose every route names one operation and exactly one permission."""

    router: APIRouter = field(default_factory=lambda: APIRouter(prefix=PREFIX, route_class=_Route))

    def operation(
        self, method: str, path: str, *, name: str, permission: str, status: int = 200
    ) -> Callable[[Verb], Verb]:
        """Return the decorator that makes a function the operation `name` (`noun.verb`) under `permission`."""

        def add(verb: Verb) -> Verb:
            self.router.add_api_route(
                path,
                verb,
                methods=[method],
                status_code=status,
                operation_id=name,
                tags=[name.partition(".")[0]],
                openapi_extra={"x-permission": permission},
                response_model=None,
                summary=(verb.__doc__ or "").partition("\n")[0],
                description=verb.__doc__,
            )
            return verb

        return add


def the_world(request: Request) -> World:
    """Return the world this application was built on."""
    world: World = request.app.state.world
    return world


async def raw_body(request: Request) -> bytes:
    """Return the body as sent; only requests with an idempotency key are digested."""
    return await request.body() if "idempotency-key" in request.headers else b""


def called(
    request: Request, world: Annotated[World, Depends(the_world)], body: Annotated[bytes, Depends(raw_body)]
) -> Call:
    """Return who calls, through which door, under which idempotency key; NotSignedIn when nobody is known."""
    identity = identify(world, request.headers.get("authorization"))
    key = request.headers.get("idempotency-key")
    attempted = None
    if key and len(key) > LONGEST_KEY:
        raise errors.BadRequest("wire.key_too_long", most=LONGEST_KEY)
    if key:
        asked = f"{request.url.path}?{request.url.query}"
        digest = request_digest(request.method, asked, body.decode("utf-8", "replace"))
        attempted = Attempted(who=identity.principal.id, key=key, request_digest=digest)
    return _call(request, identity, attempted)


def streamed(request: Request, world: Annotated[World, Depends(the_world)]) -> Call:
    """Return who calls a route that reads its body as a stream; such routes are idempotent by the digest they name."""
    if "idempotency-key" in request.headers:
        raise errors.BadRequest("wire.key_not_wanted")
    return _call(request, identify(world, request.headers.get("authorization")), None)


def _call(request: Request, identity: Identity, attempted: Attempted | None) -> Call:
    call = Call(
        caller=identity.caller,
        principal=identity.principal,
        via="api",
        request_id=request.state.request_id,
        attempted=attempted,
    )
    request.state.call = call  # a refusal is recorded with its caller
    return call


TheWorld = Annotated[World, Depends(the_world)]
Called = Annotated[Call, Depends(called)]
Streamed = Annotated[Call, Depends(streamed)]
