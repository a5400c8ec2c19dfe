"""Records on both databases, written to as verbs write."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bucle.store.events import Event
from bucle.store.migrate import migrate
from bucle.store.records import Records
from tests.postgresql import cluster

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def opened(url: str) -> Records:
    """Return records at the newest schema."""
    made = Records(url)
    migrate(made)
    return made


def tell(records: Records, what: str) -> None:
    """Write one event, as every change does."""
    with records.write(NOW) as transaction:
        transaction.record(Event(chain="platform", who="somebody", via="test", what=what, subject="it"))


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Records]:
    """Give records in a SQLite file."""
    with closing(opened(f"sqlite:///{tmp_path / 'records.db'}")) as made:
        yield made


@pytest.fixture
def on_server() -> Iterator[Records]:
    """Give records in a PostgreSQL database of the test's own."""
    with closing(opened(cluster().database())) as made:
        yield made
