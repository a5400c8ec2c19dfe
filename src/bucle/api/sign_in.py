"""Operations by which a person signs in and out."""

from typing import Annotated, Any

from fastapi import Body, Request

from bucle.access.passwords import LONGEST
from bucle.api.door import OPEN, SIGNED_IN, Called, Door, TheWorld
from bucle.ops import sign_in
from bucle.ops.sign_in import Knock

DOOR = Door()
Typed = Annotated[str, Body(max_length=LONGEST)]


@DOOR.operation("POST", "/sign-in:login", name="sign_in.login", permission=OPEN)
def login(request: Request, world: TheWorld, name: Typed, password: Typed) -> dict[str, Any]:
    """Open a session by name and password; one that was presented ends."""
    return sign_in.login(world, _knock(request), name, password)


@DOOR.operation("POST", "/sign-in:redeem", name="sign_in.redeem", permission=OPEN)
def redeem(request: Request, world: TheWorld, code: Typed, password: Typed) -> dict[str, Any]:
    """Set a password with the one-use code of an invitation, and open a session."""
    return sign_in.redeem(world, _knock(request), code, password)


@DOOR.operation("POST", "/sign-in:logout", name="sign_in.logout", permission=SIGNED_IN)
def logout(request: Request, world: TheWorld, call: Called) -> dict[str, Any]:
    """End the session that calls."""
    return sign_in.logout(world, call, request.headers.get("authorization"))


def _knock(request: Request) -> Knock:
    return Knock(
        address=request.client.host if request.client else "",
        request_id=request.state.request_id,
        authorization=request.headers.get("authorization"),
    )
