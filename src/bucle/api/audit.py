"""Operations on the event chains."""

from typing import Annotated, Any

from fastapi import Body, Query

from bucle.api.door import SIGNED_IN, Called, Door, TheWorld
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


@DOOR.operation("GET", "/audit:export", name="audit.export", permission="audit/export")
def export(
    world: TheWorld, call: Called, page: AskedPage, chain: Annotated[str, Query()] = "platform"
) -> dict[str, Any]:
    """Return the lines of a chain as they are digested, oldest first."""
    after = int(page.after[0]) if page.after else 0
    lines, last = audit.exported(world, call, chain, after=after, limit=page.limit)
    return page_of(world, lines, None if last is None else (last,))


@DOOR.operation("GET", "/audit:anchor", name="audit.anchor", permission="audit/export")
def anchor(world: TheWorld, call: Called) -> dict[str, Any]:
    """Return the signed heads of all chains (DSSE); to be kept elsewhere."""
    return audit.anchor(world, call)


@DOOR.operation("POST", "/audit:compare", name="audit.compare", permission="audit/read")
def compare(world: TheWorld, call: Called, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Hold every chain against signed heads of earlier; say where a tail was cut off or rewritten."""
    return audit.compare(world, call, body)


@DOOR.operation("GET", "/audit:key", name="audit.key", permission=SIGNED_IN)
def key(world: TheWorld, _call: Called) -> dict[str, Any]:
    """Return the public keys that verify what the platform signs."""
    return audit.keys(world)
