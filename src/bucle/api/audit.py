"""Operations on the event chains."""

from typing import Annotated, Any

from fastapi import Query

from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops import audit

DOOR = Door()


@DOOR.operation("GET", "/audit:verify", name="audit.verify", permission="audit/read")
def verify(world: TheWorld, call: Called) -> dict[str, Any]:
    """Recompute every chain of events; say whether each holds, and where it first does not."""
    return audit.verify(world, call)


@DOOR.operation("GET", "/audit", name="audit.list", permission="audit/read")
def listed(
    world: TheWorld, call: Called, page: AskedPage, chain: Annotated[str, Query()] = "platform"
) -> dict[str, Any]:
    """List the lines of a chain (a stage's name, or `platform`), oldest first."""
    after = int(page.after[0]) if page.after else 0
    lines, last = audit.listed(world, call, chain, after=after, limit=page.limit)
    return page_of(world, lines, None if last is None else (last,))
