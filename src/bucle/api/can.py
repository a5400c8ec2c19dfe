"""Operations that say what somebody may do."""

from typing import Annotated, Any

from fastapi import Depends, Query

from bucle.api.door import SIGNED_IN, Called, Door, TheWorld
from bucle.core.classes import DataClass
from bucle.ops import can
from bucle.ops.can import Question

DOOR = Door()


def asked_question(
    action: Annotated[str, Query()],
    scope: Annotated[str, Query()],
    principal: Annotated[str | None, Query()] = None,
    data_class: Annotated[DataClass | None, Query(alias="class")] = None,
) -> Question:
    """Return the question of a request; without a principal it is about the caller."""
    return Question(principal=principal, action=action, scope=scope, data_class=data_class)


Asked = Annotated[Question, Depends(asked_question)]


@DOOR.operation("GET", "/can", name="can.check", permission=SIGNED_IN)
def check(world: TheWorld, call: Called, question: Asked) -> dict[str, Any]:
    """Say whether the caller may do an action at a scope; about another under `assignments/read`."""
    return can.check(world, call, question)


@DOOR.operation("GET", "/can:why-denied", name="can.why_denied", permission=SIGNED_IN)
def why_denied(world: TheWorld, call: Called, question: Asked) -> dict[str, Any]:
    """Say why an act is refused and who can mend that; about another under `assignments/read`."""
    return can.why_denied(world, call, question)


@DOOR.operation("GET", "/stages/{stage}/can", name="can.matrix", permission="assignments/read")
def matrix(world: TheWorld, call: Called, stage: str) -> dict[str, Any]:
    """Show who may do what in a stage."""
    return can.matrix(world, call, stage)
