"""Records in PostgreSQL: one writer among many servers, a crash of the database, moving there."""

import os
import signal
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bucle import errors
from bucle.store import events
from bucle.store.migrate import migrate
from bucle.store.moving import move
from bucle.store.records import Records
from bucle.store.tables.store import event
from tests.conftest import Installation, write
from tests.postgresql import cluster
from tests.store.conftest import tell

WRITERS, LINES = 4, 15


def test_two_servers_write_one_chain(on_server: Records) -> None:
    """Eight writers on two connections of their own: no line is lost, doubled or out of order."""
    with closing(Records(on_server.url)) as other:
        chosen = [on_server, other] * WRITERS
        writers = [threading.Thread(target=_write, args=(records, n)) for n, records in enumerate(chosen)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    with on_server.read() as rows:
        assert events.verify_chain(rows, "platform") is None
        told = [line["what"] for line in events.read_chain(rows, "platform", limit=1000)]
    assert sorted(told) == sorted(f"{n}-{line}" for n in range(2 * WRITERS) for line in range(LINES))


def _write(records: Records, number: int) -> None:
    for line in range(LINES):
        tell(records, f"{number}-{line}")


def test_a_snapshot_stays_what_it_was(on_server: Records) -> None:
    """What a reader saw once it sees again, whatever is written meanwhile; the next reader sees it."""
    tell(on_server, "before")
    count = sa.select(sa.func.count()).select_from(event)
    with on_server.read() as rows:
        assert rows.execute(count).scalar_one() == 1
        tell(on_server, "meanwhile")
        assert rows.execute(count).scalar_one() == 1
    with on_server.read() as rows:
        assert rows.execute(count).scalar_one() == 2


def test_names_sort_by_their_bytes(on_server: Records, on_file: Records) -> None:
    """Pages go on after a name: both databases must put every name in the same place."""
    names = ["b", "B", "a", "_", "ä", "A-1", "a 1", "Z", "é"]
    for records in (on_server, on_file):
        for name in names:
            tell(records, name)
        with records.read() as rows:
            found = rows.execute(sa.select(event.c.what).order_by(event.c.what)).scalars().all()
        assert found == sorted(names, key=str.encode)


def test_a_database_that_crashes_loses_nothing(installation: Installation, tmp_path: Path) -> None:
    """Jobs are created while PostgreSQL is crashed three times; each that was acknowledged ends once."""
    up = installation.bucle("up", "--port", "0", "--records", cluster().database())
    assert up.code == 0, up.err
    job = write(tmp_path / "job.yml", "command: 'true'\nenvironment: {image: python}\n")
    acknowledged: list[str] = []
    stop = threading.Event()
    submitting = threading.Thread(target=_submit, args=(installation, job, acknowledged, stop))
    submitting.start()
    try:
        for _ in range(3):
            time.sleep(1)
            cluster().stop()
            cluster().start()
    finally:
        time.sleep(1)
        stop.set()
        submitting.join()
    with installation.client() as client:
        ended = {name: client.job.wait(name)["status"] for name in acknowledged}
        assert client.audit.verify()["intact"]
    assert len(ended) == len(acknowledged) > 3
    assert set(ended.values()) == {"completed"}


def _submit(installation: Installation, job: Path, acknowledged: list[str], stop: threading.Event) -> None:
    while not stop.is_set():
        with installation.client() as client:
            try:
                acknowledged.append(client.job.create(job)["name"])
            except errors.Unavailable as fault:
                assert "cannot be reached" in str(fault)  # noqa: PT017  whether it comes is a matter of time
        time.sleep(0.05)


def test_records_are_moved_whole(on_file: Records, on_server: Records) -> None:
    """The same rows on both sides; a database that holds records already is left alone."""
    for line in range(3):
        tell(on_file, f"line {line}")
    with closing(Records(cluster().database())) as target:
        moved = {one.table: one.rows for one in move(on_file, target)}
        assert moved["event"] == 3
        with on_file.read() as before, target.read() as after:
            assert events.verify_chain(after, "platform") is None
            assert _rows(before) == _rows(after)
        tell(target, "goes on")
    tell(on_server, "mine")
    with pytest.raises(errors.Conflict, match="holds records already"):
        move(on_file, on_server)


def _rows(rows: sa.Connection) -> list[dict[str, Any]]:
    return [row._asdict() for row in rows.execute(sa.select(event).order_by(event.c.seq))]


def test_an_installation_moves_to_postgresql(installation: Installation, tmp_path: Path) -> None:
    """Stopped, moved, started: the same jobs, the same audit; another address is refused and nothing is lost."""
    assert installation.bucle("up", "--port", "0").code == 0
    job = write(tmp_path / "job.yml", "command: 'true'\nenvironment: {image: python}\n")
    with installation.client() as client:
        made = client.job.wait(client.job.create(job)["name"])
    address = cluster().database()
    running = installation.bucle("db", "migrate", "--to", address)
    assert (running.code, "already runs" in running.err) == (5, True)
    installation.bucle("down")
    moved = installation.bucle("db", "migrate", "--to", address)
    assert (moved.code, "the same on both sides" in moved.out + moved.err) == (0, True), moved.err
    assert (installation.home / "records-address").stat().st_mode & 0o777 == 0o600
    assert installation.bucle("up", "--port", "0").code == 0
    with installation.client() as client:
        assert client.job.show(made["name"]) == made
        assert client.audit.verify()["intact"]
    installation.bucle("down")
    other = installation.bucle("up", "--port", "0", "--records", cluster().database())
    assert (other.code, "keeps its records in" in other.err) == (5, True)


def test_a_second_folder_on_the_same_records(installation: Installation, tmp_path: Path) -> None:
    """While the first runs, and with another key file, it is refused by name; killed, the first is back at once."""
    address = cluster().database()
    assert installation.bucle("up", "--port", "0", "--records", address).code == 0
    other = Installation(home=tmp_path / "other")
    ran = other.bucle("up", "--port", "0", "--records", address)
    assert (ran.code, "another server" in ran.err) == (5, True), ran.err
    os.kill(installation.pid, signal.SIGKILL)
    assert installation.bucle("up", "--port", "0").code == 0
    installation.bucle("down")
    ran = other.bucle("up", "--port", "0", "--records", address)
    assert (ran.code, "another key file" in ran.err) == (5, True), ran.err


@pytest.mark.parametrize("url", ["mysql://root:secret@host/db", "records.db", "postgresql"])
def test_other_addresses_are_no_records(url: str, tmp_path: Path) -> None:
    """The sentence says what is taken, and never shows a password."""
    with pytest.raises(errors.BadRequest, match="no address of records") as refused:
        Records(url)
    assert "secret" not in str(refused.value)
    with closing(Records(f"sqlite:///{tmp_path / 'records.db'}")) as taken:
        migrate(taken)
