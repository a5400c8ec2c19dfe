"""The lease of a server on its records: who works on them, and the number that fences off whoever did before."""

from dataclasses import dataclass

import sqlalchemy as sa

from bucle import errors
from bucle.store.records import Records
from bucle.store.tables.store import lease

NAME = "server"
LEASE_S = 30
RENEW_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A server's right to write: `node` names its state folder, `epoch` rises with each taking."""

    node: str
    epoch: int

    def check(self, rows: sa.Connection) -> None:
        """Conflict when another server has taken the records over since; run first in every writing transaction."""
        found = rows.execute(sa.select(lease.c.epoch).where(lease.c.name == NAME)).scalar_one_or_none()
        if found != self.epoch:
            raise errors.Conflict("store.superseded")


def take(records: Records, node: str) -> Lease:
    """Take the records for a server and fence off the one before; Conflict while another one is alive.

    Ages are told by the database's clock, so that two servers need not agree on the time.
    """
    with records.engine.begin() as rows:
        now = _micros(rows)
        found = rows.execute(sa.select(lease).where(lease.c.name == NAME)).one_or_none()
        if found is None:
            rows.execute(lease.insert().values(name=NAME, node=node, epoch=1, renewed_at=now))
            return Lease(node=node, epoch=1)
        ago_s = (now - found.renewed_at) // 1_000_000
        if found.node != node and ago_s < LEASE_S:
            raise errors.Conflict("store.held", node=found.node, ago_s=ago_s, lease_s=LEASE_S)
        taken = {"node": node, "epoch": found.epoch + 1, "renewed_at": now}
        rows.execute(lease.update().where(lease.c.name == NAME).values(**taken))
        return Lease(node=node, epoch=found.epoch + 1)


def epoch(rows: sa.Connection) -> int:
    """Return how often the records were taken by a server; 0 where none needs a lease."""
    return rows.execute(sa.select(lease.c.epoch).where(lease.c.name == NAME)).scalar_one_or_none() or 0


def renew(records: Records, mine: Lease) -> None:
    """Say that this server is alive; Conflict when another one has taken the records over."""
    with records.engine.begin() as rows:
        mine.check(rows)
        rows.execute(lease.update().where(lease.c.name == NAME).values(renewed_at=_micros(rows)))


def give_back(records: Records, mine: Lease) -> None:
    """Let the next server begin at once; nothing is given back that another one has taken."""
    with records.engine.begin() as rows:
        rows.execute(lease.update().where(lease.c.name == NAME, lease.c.epoch == mine.epoch).values(renewed_at=0))


def _micros(rows: sa.Connection) -> int:
    query = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
    return int(rows.exec_driver_sql(query).scalar_one())
