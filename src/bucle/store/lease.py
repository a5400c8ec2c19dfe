"""The leases of the servers of a database: who works on the records, which one drives, and who is fenced off.

Each server has a row, renewed as long as it lives. A server whose row is gone writes nothing any more: `Member.check`
runs first in each of its transactions, under the lock of the one writer. Who takes the driver's place deletes the row
of the driver before. Ages are told by the database's clock, so that servers need not agree on the time.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.store import engines
from bucle.store.records import Records
from bucle.store.tables.store import lease, server

DRIVER = "driver"
OLDER = "server"
"""The name of the one lease that an older bucle held."""
OLDER_LEASE_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One server, for one life: its id is never used again. `place` is where it runs, in words.

    Servers share a database when they share the state folder, which `folder` identifies. Those of one `machine` see
    each other's locks.
    """

    id: str
    folder: str
    machine: str
    place: str
    lease_s: float

    def check(self, rows: sa.Connection) -> None:
        """Conflict when this server's lease was taken from it; run first in every writing transaction."""
        if rows.execute(sa.select(server.c.id).where(server.c.id == self.id)).first() is None:
            raise errors.Conflict("store.superseded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The server that drives: its id and machine, and whether its lease has ended."""

    id: str
    machine: str
    expired: bool


def refuse_used(records: Records, me: Member, *, newest: str, found: str | None) -> None:
    """Conflict when servers of another folder, or of another version, work on the records; nothing is changed.

    `found` is the schema that the records are at, `newest` the one that this server would bring them to.
    """
    with _writing(records) as rows:
        tables = set(sa.inspect(rows).get_table_names())
        now = _micros(rows)
        if server.name in tables:
            alive = rows.execute(sa.select(server).where(server.c.expires_at > now)).all()
            _refuse_others(alive, me, now)
            if alive and found != newest:
                raise errors.Conflict("store.other_version", node=alive[0].place)
        elif lease.name in tables:
            older = rows.execute(sa.select(lease).where(lease.c.name == OLDER)).one_or_none()
            if older is not None and older.node != me.place:
                left_s = OLDER_LEASE_S - (now - older.renewed_at) // 1_000_000
                if left_s > 0:
                    raise errors.Conflict("store.held", node=older.node, left_s=left_s)


def epoch(rows: sa.Connection) -> int:
    """Return how often a server began to drive; 0 where none needs a lease."""
    return rows.execute(sa.select(lease.c.epoch).where(lease.c.name == DRIVER)).scalar_one_or_none() or 0


def join(records: Records, me: Member) -> None:
    """Become one of the servers of the records; Conflict while servers of another state folder live."""
    with _writing(records) as rows:
        now = _micros(rows)
        _refuse_others(rows.execute(sa.select(server).where(server.c.expires_at > now)).all(), me, now)
        rows.execute(server.delete().where(server.c.folder != me.folder))
        rows.execute(
            server.insert().values(
                id=me.id, folder=me.folder, machine=me.machine, place=me.place, expires_at=now + _length(me)
            )
        )


def renew(records: Records, me: Member) -> None:
    """Say that this server is alive; Conflict when its lease was taken from it."""
    with _writing(records) as rows:
        me.check(rows)
        rows.execute(server.update().where(server.c.id == me.id).values(expires_at=_micros(rows) + _length(me)))


def driver(records: Records, me: Member) -> Driver | None:
    """Return who drives, or None where nobody does; Conflict when this server's lease was taken from it."""
    query = sa.select(server.c.id, server.c.machine, server.c.expires_at).join(lease, lease.c.node == server.c.id)
    with records.read() as rows:
        me.check(rows)
        found = rows.execute(query.where(lease.c.name == DRIVER)).one_or_none()
        return found and Driver(id=found.id, machine=found.machine, expired=found.expires_at <= _micros(rows))


def drive(records: Records, me: Member, before: Driver | None) -> bool:
    """Become the driver in place of `before`, who is fenced off; False when the place was taken or is alive again.

    Whoever else has let its lease end is fenced off too: what a server does that wakes up late is refused.
    """
    with _writing(records) as rows:
        me.check(rows)
        now = _micros(rows)
        found = rows.execute(sa.select(lease).where(lease.c.name == DRIVER)).one_or_none()
        holder = found and rows.execute(sa.select(server).where(server.c.id == found.node)).one_or_none()
        if holder is not None and (before is None or before.id != holder.id):
            return False
        if holder is not None and before is not None and before.expired and holder.expires_at > now:
            return False
        fenced = server.c.expires_at <= now
        if holder is not None:
            fenced |= server.c.id == holder.id
        rows.execute(server.delete().where(fenced, server.c.id != me.id))
        epoch = 1 if found is None else found.epoch + 1
        rows.execute(lease.delete().where(lease.c.name == DRIVER))
        rows.execute(lease.insert().values(name=DRIVER, node=me.id, epoch=epoch, renewed_at=now))
        return True


def leave(records: Records, me: Member) -> None:
    """Let another server drive at once, if this one did; nothing is written under this lease any more."""
    with _writing(records) as rows:
        rows.execute(server.delete().where(server.c.id == me.id))


@contextmanager
def _writing(records: Records) -> Iterator[sa.Connection]:
    with engines.told_plainly(), records.engine.begin() as rows:
        yield rows


def _refuse_others(alive: Iterable[sa.Row[Any]], me: Member, now: int) -> None:
    for one in alive:
        if one.folder != me.folder:
            left_s = (one.expires_at - now) // 1_000_000 + 1
            raise errors.Conflict("store.held", node=one.place, left_s=left_s)


def _length(me: Member) -> int:
    return int(me.lease_s * 1_000_000)


def _micros(rows: sa.Connection) -> int:
    query = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
    return int(rows.exec_driver_sql(query).scalar_one())
