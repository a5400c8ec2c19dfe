"""Comparisons of candidate and champion on rows that neither was trained on: evidence for an entry gate."""

from dataclasses import asdict

import sqlalchemy as sa

from bucle.core.evaluation import Compared
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables.release import comparison


def add(transaction: Transaction, champion: str, candidate: str, rows_digest: str, compared: Compared) -> None:
    """Write a comparison of two releases by their digests; a newer one on the same rows replaces it."""
    mine = sa.and_(comparison.c.champion == champion, comparison.c.candidate == candidate)
    transaction.rows.execute(comparison.delete().where(mine))
    transaction.rows.execute(
        comparison.insert().values(
            champion=champion,
            candidate=candidate,
            rows=rows_digest,
            document=asdict(compared),
            compared_at=to_micros(transaction.now),
        )
    )


def find(rows: sa.Connection, champion: str, candidate: str) -> Compared | None:
    """Return the comparison of two releases, or None."""
    mine = sa.and_(comparison.c.champion == champion, comparison.c.candidate == candidate)
    document = rows.execute(sa.select(comparison.c.document).where(mine)).scalar_one_or_none()
    return None if document is None else Compared(**document)
