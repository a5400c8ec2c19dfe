"""The event chains: append-only lines, each with the digest of the one before; one a stage, one for the platform."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle.spec.digest import digest_of
from bucle.store.instants import to_micros
from bucle.store.tables.store import chain_head, event

PLATFORM = "platform"
GENESIS = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line: who did what to which subject, through which door, before and after. Never a secret."""

    chain: str
    who: str
    via: str
    what: str
    subject: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first line of a chain that does not follow from the one before it."""

    chain: str
    seq: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far a chain goes: how many lines, and the digest of the last, which stands for all of them."""

    chain: str
    lines: int
    digest: str


def append_events(rows: sa.Connection, events: Sequence[Event], now: datetime) -> None:
    """Append `events` to their chains in the caller's transaction; in one order of chains, so that none waits."""
    for chain in sorted({line.chain for line in events}):
        _append_to(rows, chain, [line for line in events if line.chain == chain], to_micros(now))


def acted_since(rows: sa.Connection, since: datetime) -> frozenset[tuple[str, str]]:
    """Return who did something that is written since an instant, each name with the chain that it is written in."""
    query = sa.select(event.c.who, event.c.chain).where(event.c.at >= to_micros(since)).distinct()
    return frozenset((row.who, row.chain) for row in rows.execute(query))


def verify_chain(rows: sa.Connection, chain: str) -> Broken | None:
    """Recompute `chain` from its first line; return the first break, or None when it holds."""
    previous, seq = GENESIS, 0
    for row in rows.execute(sa.select(event).where(event.c.chain == chain).order_by(event.c.seq)):
        line = row._asdict()
        seq += 1
        if line["seq"] != seq:
            return Broken(chain=chain, seq=seq, why="a line is missing")
        if line["previous"] != previous or line["digest"] != _digest_of(line):
            return Broken(chain=chain, seq=seq, why="the line was changed")
        previous = line["digest"]
    head = rows.execute(sa.select(chain_head).where(chain_head.c.chain == chain)).one_or_none()
    if head is not None and (head.seq, head.digest) != (seq, previous):
        return Broken(chain=chain, seq=seq + 1, why="the tail is missing")
    return None


def read_chain(rows: sa.Connection, chain: str, *, after: int = 0, limit: int = 100) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of `chain` with a number above `after`, oldest first."""
    query = sa.select(event).where(event.c.chain == chain, event.c.seq > after).order_by(event.c.seq).limit(limit)
    return (row._asdict() for row in rows.execute(query))


def chains(rows: sa.Connection) -> tuple[str, ...]:
    """Return the names of all chains."""
    return tuple(rows.execute(sa.select(chain_head.c.chain).order_by(chain_head.c.chain)).scalars())


def length(rows: sa.Connection, chain: str) -> int:
    """Return how many lines the head of `chain` counts."""
    return rows.execute(sa.select(chain_head.c.seq).where(chain_head.c.chain == chain)).scalar_one_or_none() or 0


def heads(rows: sa.Connection) -> Sequence[Head]:
    """Return the head of every chain."""
    found = rows.execute(sa.select(chain_head).order_by(chain_head.c.chain))
    return [Head(chain=row.chain, lines=row.seq, digest=row.digest) for row in found]


def departed_from(rows: sa.Connection, head: Head) -> Broken | None:
    """Return where a chain is no longer what an earlier head of it says, or None when it still begins with that."""
    query = sa.select(event.c.digest).where(event.c.chain == head.chain, event.c.seq == head.lines)
    found = rows.execute(query).scalar_one_or_none()
    if found is None:
        left = rows.execute(sa.select(sa.func.max(event.c.seq)).where(event.c.chain == head.chain)).scalar_one() or 0
        return Broken(chain=head.chain, seq=left + 1, why=f"the tail is missing: there were {head.lines} lines")
    if found != head.digest:
        return Broken(chain=head.chain, seq=head.lines, why="this line, or one before it, was rewritten")
    return None


def _append_to(rows: sa.Connection, chain: str, lines: Sequence[Event], at: int) -> None:
    head = rows.execute(sa.select(chain_head).where(chain_head.c.chain == chain).with_for_update()).one_or_none()
    seq, previous = (head.seq, head.digest) if head else (0, GENESIS)
    written = []
    for line in lines:
        seq += 1
        row = {
            "chain": chain, "seq": seq, "at": at, "who": line.who, "via": line.via, "what": line.what,
            "subject": line.subject, "before": _plain(line.before), "after": _plain(line.after),
            "request_id": line.request_id, "previous": previous,
        }  # fmt: skip
        previous = row["digest"] = _digest_of(row)
        written.append(row)
    rows.execute(event.insert(), written)
    moved = {"seq": seq, "digest": previous}
    if head:
        rows.execute(chain_head.update().where(chain_head.c.chain == chain).values(**moved))
    else:
        rows.execute(chain_head.insert().values(chain=chain, **moved))


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)


def _digest_of(row: Mapping[str, Any]) -> str:
    return digest_of({name: value for name, value in row.items() if name != "digest"})
