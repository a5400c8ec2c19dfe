"""Records: the engine, one writer at a time, and the transaction that carries its events and its answer."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.spec.digest import digest_of
from bucle.store import engines
from bucle.store.events import Event, append_events
from bucle.store.instants import to_micros
from bucle.store.tables.store import answer


class ReplayedError(Exception):
    """The same idempotency key with the same request was answered before; `body` is that answer."""

    def __init__(self, body: Any) -> None:
        self.body = body
        super().__init__("answered before")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """A request that may be repeated: who sent it, under which key, and the digest of what it asks."""

    who: str
    key: str
    request_digest: str


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One change: rows, the events that tell of it, the answer to be repeated. All are committed, or none."""

    rows: sa.Connection
    now: datetime
    attempted: Attempted | None = None
    events: list[Event] = field(default_factory=list)
    kept: Mapping[str, Any] | None = None

    def record(self, event: Event) -> None:
        """Add an event to its chain; chains are written last, so that their heads are locked for an instant only."""
        self.events.append(event)

    def answers(self, body: dict[str, Any]) -> dict[str, Any]:
        """Keep `body` as the answer of this request, to be given again when the request is repeated."""
        self.kept = body
        return body


class Records:
    """A database of records: `read()` sees a snapshot, `write()` is one transaction with its events.

    One transaction writes at a time, in this server and in all others on the same database: what a verb has read
    stays true until it commits. `fence`, once set, is run first in every writing transaction, and refuses those of a
    server whose lease another one has taken.
    """

    def __init__(self, url: str) -> None:
        self.url = engines.normal(url)
        self._one_writer = threading.Lock()
        self._writer, self._reader = engines.connect(self.url)
        self.fence: Callable[[sa.Connection], None] | None = None

    @property
    def engine(self) -> sa.Engine:
        """The writing engine, for the migrations."""
        return self._writer

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield a connection that sees one consistent state and writes nothing."""
        with engines.told_plainly(), self._reader.connect() as rows:
            yield rows

    @contextmanager
    def write(self, now: datetime, attempted: Attempted | None = None) -> Iterator[Transaction]:
        """Yield a transaction at `now`; it commits on leaving, rolls back on an error.

        Raises ReplayedError when `attempted` was answered before, Conflict when its key was used for another request.
        """
        with self._one_writer, engines.told_plainly(), self._writer.begin() as rows:
            if self.fence is not None:
                self.fence(rows)
            if attempted:
                _refuse_repetition(rows, attempted)
            transaction = Transaction(rows=rows, now=now, attempted=attempted)
            yield transaction
            if attempted and transaction.kept is not None:
                rows.execute(
                    answer.insert().values(
                        who=attempted.who,
                        key=attempted.key,
                        request_digest=attempted.request_digest,
                        body=dict(transaction.kept),
                        created_at=to_micros(now),
                    )
                )
            append_events(rows, transaction.events, now)

    def close(self) -> None:
        """Give back every connection."""
        self._writer.dispose()
        self._reader.dispose()


def _refuse_repetition(rows: sa.Connection, attempted: Attempted) -> None:
    found = rows.execute(
        sa.select(answer.c.request_digest, answer.c.body).where(
            answer.c.who == attempted.who, answer.c.key == attempted.key
        )
    ).one_or_none()
    if found is None:
        return
    if found.request_digest != attempted.request_digest:
        raise errors.Conflict("store.key_reused", key=attempted.key)
    raise ReplayedError(found.body)


def request_digest(method: str, path: str, body: Any) -> str:
    """Return the digest that tells one request from another under the same idempotency key."""
    return digest_of({"method": method, "path": path, "body": body})
