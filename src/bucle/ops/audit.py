"""The event chains: verify them, read them, sign their heads, and write down what was refused."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO

from bucle import errors
from bucle.core.scopes import PLATFORM as PLATFORM_SCOPE
from bucle.core.statement import HEADS, statement_of
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.store import events
from bucle.store.events import PLATFORM, Head
from bucle.store.instants import text_of_micros, to_text

LONGEST_LINE = 1 << 20
"""Bytes at the end of the file of heads among which its last line is."""


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


def exported(
    world: World, call: Call, chain: str, *, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return lines of a chain as they are digested, oldest first, and the number behind which more follow."""
    with world.read() as rows:
        authorise(world, rows, call, "audit/export", PLATFORM_SCOPE)
        found = [dict(line) for line in events.read_chain(rows, chain, after=after, limit=limit + 1)]
    shown = found[:limit]
    return shown, shown[-1]["seq"] if len(found) > limit else None


def anchor(world: World, call: Call) -> dict[str, Any]:
    """Return the signed heads of all chains; kept elsewhere, they show a tail that was cut off or rewritten later."""
    with world.read() as rows:
        authorise(world, rows, call, "audit/export", PLATFORM_SCOPE)
    return signed_heads(world)


def signed_heads(world: World) -> dict[str, Any]:
    """Return the envelope of the heads as they are now."""
    with world.read() as rows:
        found = events.heads(rows)
    told = {"at": to_text(world.clock()), "heads": [asdict(head) for head in found]}
    envelope: dict[str, Any] = json.loads(
        world.signing.sign(statement_of([(head.chain, head.digest) for head in found], HEADS, told))
    )
    return envelope


def keep_heads(world: World) -> None:
    """Append the signed heads to a file beside the log, for whoever ships logs to a place that this host cannot write.

    Nothing is written while nothing has happened since the last line.
    """
    file = world.home.heads
    line = json.dumps(signed_heads(world)) + "\n"
    with file.open("a+b") as stream:
        if _told(_last_line(stream)) == _told(line.encode()):
            return
        stream.write(line.encode())
        stream.flush()
        os.fsync(stream.fileno())


def compare(world: World, call: Call, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Hold every chain against signed heads of earlier; BadRequest when none of the platform's keys signed them.

    A chain recomputes well after its tail was cut off or rewritten, head included: only what was kept elsewhere tells.
    """
    with world.read() as rows:
        authorise(world, rows, call, "audit/read", PLATFORM_SCOPE)
        try:
            told = world.signing.opened(json.dumps(dict(envelope)), HEADS, "the anchor")["predicate"]
        except errors.Refused as fault:
            raise errors.BadRequest("audit.anchor_wrong", why=fault.detail) from fault
        known = [Head(**one) for one in told["heads"]]
        found = [_compared(events.verify_chain(rows, head.chain) or events.departed_from(rows, head)) for head in known]
        chains = [
            {"chain": head.chain, "lines": events.length(rows, head.chain), "anchored": head.lines, **compared}
            for head, compared in zip(known, found, strict=True)
        ]
    return {"intact": all(row["broken_at"] is None for row in chains), "anchored_at": told["at"], "chains": chains}


def keys(world: World) -> dict[str, str]:
    """Return the public keys that verify what the platform signs; they are no secret."""
    found = world.signing.public()
    return {"id": found.id, "statements": found.statements, "models": found.bundles}


def record_denial(world: World, call: Call, error: errors.BucleError, what: str) -> None:
    """Write a refusal to the platform's chain, in a transaction of its own: the refused one was rolled back."""
    with world.records.write(world.clock()) as transaction:
        after = {"code": error.code, "detail": error.detail}
        transaction.record(call.event(PLATFORM, "denied", what, after=after))


def _compared(broken: events.Broken | None) -> dict[str, Any]:
    return {"broken_at": broken and broken.seq, "why": broken and broken.why}


def _last_line(stream: BinaryIO) -> bytes:
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - LONGEST_LINE))
    lines = stream.read().splitlines()
    return lines[-1] if lines else b""


def _told(line: bytes) -> object:
    """Return the heads that a line tells of, or None where it is cut short."""
    try:
        return json.loads(base64.b64decode(json.loads(line)["payload"]))["predicate"]["heads"]
    except (ValueError, KeyError, TypeError):
        return None
