"""The door of the pages: whose cookie it is, forms of our own pages only, refusals as sentences, strict headers."""

import hmac
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from bucle import errors
from bucle.ops import stage
from bucle.ops.audit import record_denial
from bucle.ops.sign_in import Identity, Seat, identify, seat
from bucle.ops.world import Call, World
from bucle.studio.page import HEADERS, Pages

LOG = logging.getLogger("bucle.server")
Route = TypeVar("Route", bound=Callable[..., Any])
PREFIX = "/studio"
COOKIE = "bucle_session"
SIGN_IN = f"{PREFIX}/sign-in"
OPEN, SIGNED_IN = "open", "signed-in"


class PageRoute(APIRoute):
    """The place FastAPI gives to what surrounds a route: refusals become pages, every answer gets its headers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def answer_as_page(request: Request) -> Response:
            try:
                response = await answer(request)
            except errors.BucleError as error:
                if request.url.path.endswith(".json"):
                    raise  # a twin is refused as the API refuses
                response = await run_in_threadpool(refused, request, error)
            except RequestValidationError as faults:
                named = ", ".join(str(fault["loc"][-1]) for fault in faults.errors())
                response = await run_in_threadpool(refused, request, errors.BadRequest("studio.bad_form", fields=named))
            response.headers.update(HEADERS)
            return response

        return answer_as_page


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A router of pages, each under exactly one permission."""

    router: APIRouter = field(default_factory=lambda: APIRouter(route_class=PageRoute, include_in_schema=False))

    def page(self, method: str, path: str, *, permission: str) -> Callable[[Route], Route]:
        """Return the decorator that makes a function the answer of a path below the prefix."""

        def add(answer: Route) -> Route:
            self.router.add_api_route(
                f"{PREFIX}{path}",
                answer,
                methods=[method],
                response_model=None,
                openapi_extra={"x-permission": permission},
            )
            return answer

        return add


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request for a page, or a twin of one: who asks, in which session, and what answers are made of."""

    request: Request
    world: World
    call: Call
    seat: Seat

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page with what every page of somebody signed in shows."""
        tiers = {one["name"]: one["tier"] for one in stage.listed(self.world, self.call)}
        pages: Pages = self.request.app.state.pages
        me = {"name": self.call.principal.name, "ends_at": self.seat.ends_at, "form_token": self.seat.form_token}
        return HTMLResponse(pages.render(template, me=me, tiers=tiers, **values), status)


def cookie_name(request: Request) -> str:
    """Return the name of the session's cookie; over TLS one that no other host and no plain page can set."""
    return f"__Host-{COOKIE}" if _over_tls(request) else COOKIE


def cookie_path(request: Request) -> str:
    """Return the pages that are sent the cookie; a `__Host-` one is for all, or browsers refuse it."""
    return "/" if _over_tls(request) else PREFIX


def visited(request: Request) -> Visit:
    """Return who asks for a page, by his cookie; NotSignedIn otherwise."""
    world: World = request.app.state.world
    found = seat(world, request.cookies.get(cookie_name(request), ""))
    return Visit(request=request, world=world, call=_call(request, found.identity), seat=found)


def asked(request: Request) -> tuple[World, Call]:
    """Return who asks for a twin: by his `Authorization`, which a cookie never adds to, else by his cookie."""
    world: World = request.app.state.world
    authorization, cookie = request.headers.get("authorization"), request.cookies.get(cookie_name(request))
    if authorization is None and cookie is not None:
        identity = seat(world, cookie).identity
    else:
        identity = identify(world, authorization)
    return world, _call(request, identity)


def refuse_foreign_form(request: Request) -> None:
    """Raise Refused unless the browser says that this form was sent from a page of ours."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if (origin is None and site is None) or origin not in {None, own} or site not in {None, "same-origin"}:
        raise errors.Refused("studio.foreign_form")


def posted(visit: Annotated[Visit, Depends(visited)], form_token: Annotated[str, Form()] = "") -> Visit:
    """Return who sends a form, after both proofs that it is his own: where it came from, and its token."""
    refuse_foreign_form(visit.request)
    if not hmac.compare_digest(form_token.encode(), visit.seat.form_token.encode()):
        raise errors.Refused("studio.stale_form")
    return visit


Visited = Annotated[Visit, Depends(visited)]
Asked = Annotated[tuple[World, Call], Depends(asked)]
Posted = Annotated[Visit, Depends(posted)]


def refused(request: Request, error: errors.BucleError) -> Response:
    """Return the page that says why not, or the way to the sign-in page where nobody is known."""
    if isinstance(error, errors.NotSignedIn):
        wanted = request.url.path if request.method == "GET" else ""
        return RedirectResponse(f"{SIGN_IN}?next={quote(wanted)}" if wanted else SIGN_IN, 303)
    note_refusal(request, error)
    pages: Pages = request.app.state.pages
    return HTMLResponse(pages.render("refusal.html", refusal=error, me=None, tiers={}), error.http_status)


def note_refusal(request: Request, error: errors.BucleError) -> None:
    """Write down who was refused what; a chain that cannot be written changes nothing about the answer."""
    call: Call | None = getattr(request.state, "call", None)
    if call is None or not isinstance(error, errors.Refused):
        return
    try:
        record_denial(request.app.state.world, call, error, f"{request.method} {request.url.path}")
    except Exception:
        LOG.exception("the refusal of request %s was not recorded", call.request_id)


def _over_tls(request: Request) -> bool:
    return request.url.scheme == "https"


def _call(request: Request, identity: Identity) -> Call:
    call = Call(caller=identity.caller, principal=identity.principal, via="studio", request_id=request.state.request_id)
    request.state.call = call  # a refusal is recorded with its caller
    return call
