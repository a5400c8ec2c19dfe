"""Pages by which a person signs in, by password or invitation, and out."""

import re
from typing import Annotated, Any

from fastapi import Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from bucle import errors
from bucle.access.passwords import LONGEST
from bucle.ops import sign_in
from bucle.ops.sign_in import Knock
from bucle.ops.world import World
from bucle.studio.door import (
    OPEN,
    PREFIX,
    SIGN_IN,
    SIGNED_IN,
    Door,
    Posted,
    cookie_name,
    cookie_path,
    refuse_foreign_form,
)
from bucle.studio.page import Pages

DOOR = Door()
HOME = f"{PREFIX}/loop"
Typed = Annotated[str, Form(max_length=LONGEST)]
Next = Annotated[str, Form(max_length=2000)]
_OWN_PAGE = re.compile(r"/studio(/[A-Za-z0-9][A-Za-z0-9._~:%-]*)+")


@DOOR.page("GET", "/sign-in", permission=OPEN)
def show(request: Request, next_page: Annotated[str, Query(alias="next", max_length=2000)] = "") -> HTMLResponse:
    """Show the two forms."""
    return _forms(request, next_page)


@DOOR.page("POST", "/sign-in", permission=OPEN)
def login(request: Request, name: Typed, password: Typed, next_page: Next = "") -> Response:
    """Open a session by name and password, in the place of the one that the browser had."""
    refuse_foreign_form(request)
    try:
        opened = sign_in.login(_world(request), _knock(request), name, password)
    except errors.BucleError as error:
        return _forms(request, next_page, name=name, refusal=error)
    return _seated(request, opened, next_page)


@DOOR.page("POST", "/sign-in:redeem", permission=OPEN)
def redeem(request: Request, code: Typed, password: Typed, next_page: Next = "") -> Response:
    """Set a password with an invitation's code, and open a session."""
    refuse_foreign_form(request)
    try:
        opened = sign_in.redeem(_world(request), _knock(request), code, password)
    except errors.BucleError as error:
        return _forms(request, next_page, refusal=error)
    return _seated(request, opened, next_page)


@DOOR.page("POST", "/sign-out", permission=SIGNED_IN)
def logout(visit: Posted) -> Response:
    """End the session of the cookie."""
    sign_in.logout(visit.world, visit.call, f"Bearer {visit.request.cookies[cookie_name(visit.request)]}")
    answer = RedirectResponse(SIGN_IN, 303)
    name, path = cookie_name(visit.request), cookie_path(visit.request)
    answer.delete_cookie(name, path=path, secure=visit.request.url.scheme == "https", httponly=True, samesite="lax")
    return answer


def own_page(wanted: str) -> str:
    """Return the page to go to after signing in: one of ours, whatever was asked for."""
    return wanted if _OWN_PAGE.fullmatch(wanted) else HOME


def _forms(
    request: Request, next_page: str, *, name: str = "", refusal: errors.BucleError | None = None
) -> HTMLResponse:
    pages: Pages = request.app.state.pages
    body = pages.render("sign_in.html", me=None, tiers={}, next_page=own_page(next_page), name=name, refusal=refusal)
    answer = HTMLResponse(body, 200 if refusal is None else refusal.http_status)
    if isinstance(refusal, errors.TooMany):
        answer.headers["retry-after"] = str(refusal.values["retry_after_s"])
    return answer


def _seated(request: Request, opened: dict[str, Any], next_page: str) -> Response:
    answer = RedirectResponse(own_page(next_page), 303)
    answer.set_cookie(
        cookie_name(request),
        opened["session"],
        path=cookie_path(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


def _knock(request: Request) -> Knock:
    earlier = request.cookies.get(cookie_name(request))
    return Knock(
        address=request.client.host if request.client else "",
        request_id=request.state.request_id,
        authorization=None if earlier is None else f"Bearer {earlier}",
        via="studio",
    )
