"""Operations on the gates of stages."""

from typing import Annotated, Any

from fastapi import Body

from bucle.api.door import Called, Door, TheWorld
from bucle.ops import gate
from bucle.spec.gate import Gate
from bucle.spec.loading import load_body

DOOR = Door()


@DOOR.operation("POST", "/stages/{stage}/gate", name="gate.set", permission="platform/configure")
def set_gate(world: TheWorld, call: Called, stage: str, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Give a stage its gate; the body is gate.yml as JSON."""
    asked = load_body(body, "gate").value
    assert isinstance(asked, Gate)
    return gate.set_gate(world, call, stage, asked)


@DOOR.operation("GET", "/stages/{stage}/gate", name="gate.show", permission="promotions/read")
def show(world: TheWorld, call: Called, stage: str) -> dict[str, Any]:
    """Show what a release must prove before the stage lets it in."""
    return gate.show(world, call, stage)
