"""The generation of the routing table: raised in the transaction of every change that the gateway must follow."""

import sqlalchemy as sa

from bucle.store.records import Transaction
from bucle.store.tables.serving import routing

_ONE = "routes"


def raise_generation(transaction: Transaction) -> int:
    """Return the next generation, which this transaction makes."""
    generation = generation_of(transaction.rows) + 1
    done = transaction.rows.execute(routing.update().where(routing.c.id == _ONE).values(generation=generation))
    if done.rowcount == 0:
        transaction.rows.execute(routing.insert().values(id=_ONE, generation=generation))
    return generation


def generation_of(rows: sa.Connection) -> int:
    """Return the present generation, 0 before the first change."""
    found = rows.execute(sa.select(routing.c.generation).where(routing.c.id == _ONE)).scalar_one_or_none()
    return found or 0
