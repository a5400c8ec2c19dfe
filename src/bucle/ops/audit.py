"""The event chains: verify them, read them, and write down what was refused."""

from typing import Any

from bucle import errors
from bucle.core.scopes import PLATFORM as PLATFORM_SCOPE
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.store import events
from bucle.store.events import PLATFORM
from bucle.store.instants import text_of_micros


def verify(world: World, call: Call) -> dict[str, Any]:
    """Recompute every chain; return how many lines each has, and the first break where there is one."""
    with world.read() as rows:
        authorise(world, rows, call, "audit/read", PLATFORM_SCOPE)
        found = []
        for chain in events.chains(rows):
            broken = events.verify_chain(rows, chain)
            lines = events.length(rows, chain)
            found.append(
                {
                    "chain": chain,
                    "lines": lines,
                    "broken_at": broken and broken.seq,
                    "why": broken and broken.why,
                }
            )
        return {"intact": all(row["broken_at"] is None for row in found), "chains": found}


def listed(world: World, call: Call, chain: str, *, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
    """Return lines of a chain, oldest first, and the number behind which more follow."""
    with world.read() as rows:
        authorise(world, rows, call, "audit/read", PLATFORM_SCOPE)
        found = [dict(line) for line in events.read_chain(rows, chain, after=after, limit=limit + 1)]
    shown = found[:limit]
    lines = [{**line, "at": text_of_micros(line["at"])} for line in shown]
    return lines, shown[-1]["seq"] if len(found) > limit else None


def record_denial(world: World, call: Call, error: errors.BucleError, what: str) -> None:
    """Write a refusal to the platform's chain, in a transaction of its own: the refused one was rolled back."""
    with world.records.write(world.clock()) as transaction:
        after = {"code": error.code, "detail": error.detail}
        transaction.record(call.event(PLATFORM, "denied", what, after=after))
