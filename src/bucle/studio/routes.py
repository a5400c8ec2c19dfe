"""Every route of the pages in the order in which they are tried: nouns, the style sheet, home, and what is no page."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from bucle import errors
from bucle.studio import loop, promotion, sign_in
from bucle.studio.door import OPEN, Door
from bucle.studio.page import Pages

DOOR = Door()
KEPT = "public, max-age=31536000, immutable"


def studio_routers() -> Sequence[APIRouter]:
    """Return the routers of every page."""
    return [module.DOOR.router for module in (sign_in, loop, promotion)] + [DOOR.router]


@DOOR.page("GET", "/static/{name}", permission=OPEN)
def style(request: Request, name: str) -> Response:
    """Return the style sheet; its name changes with its bytes."""
    pages: Pages = request.app.state.pages
    if name != pages.style_name:
        raise errors.NotFound("studio.no_page", path=request.url.path)
    return Response(pages.style, media_type="text/css", headers={"cache-control": KEPT})


@DOOR.page("GET", "", permission=OPEN)
@DOOR.page("GET", "/", permission=OPEN)
def home() -> Response:
    """Go to the Loop."""
    return RedirectResponse(sign_in.HOME, 303)


@DOOR.page("GET", "/{path:path}", permission=OPEN)
def nothing(request: Request) -> Response:
    """Say that there is no such page."""
    raise errors.NotFound("studio.no_page", path=request.url.path)


DOOR.router.add_api_route("/", home, methods=["GET"], response_model=None, openapi_extra={"x-permission": OPEN})
