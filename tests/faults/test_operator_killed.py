"""Acts of an operator that are killed on their way: a first start, an upgrade, a backup, a restore, a move."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bucle import errors
from bucle.client import Client
from bucle.config import Home
from bucle.server.drill import drill
from bucle.server.restore import restore
from bucle.store.lease import LEASE_S
from bucle.store.records import Records
from bucle.store.tables.store import lease as lease_table
from tests.conftest import Installation, composed
from tests.faults.house import House, await_true, die_at, is_alive
from tests.postgresql import cluster

pytestmark = pytest.mark.skipif(
    os.environ.get("BUCLE_TEST_RECORDS") == "postgresql", reason="says itself where its records lie"
)


def make_service(installation: Installation, name: str) -> None:
    """Change something, so that it can be looked for later."""
    with installation.client() as client:
        client.principal.create(name, kind="service", owner="admin")


def services(installation: Installation) -> list[str]:
    """Return what was made; the chain of events is whole, and the administrator was made once."""
    with installation.client() as client:
        assert client.audit.verify()["intact"]
        assert [line["what"] for line in client.audit.list()].count("platform/first-run") == 1
        return [one["name"] for one in client.principal.list() if one["kind"] == "service"]


@pytest.mark.parametrize(
    "point",
    [
        "before commit: INSERT INTO policy",
        pytest.param("before commit: CREATE TABLE", marks=pytest.mark.slow),
        pytest.param("after commit: CREATE TABLE", marks=pytest.mark.slow),
        pytest.param("after commit: INSERT INTO policy", marks=pytest.mark.slow),
        pytest.param("before rename: /server.json", marks=pytest.mark.slow),
    ],
)
def test_a_first_start(installation: Installation, tmp_path: Path, point: str) -> None:
    """Killed while it makes the tables or the first administrator, it is made whole by the next start, once."""
    die_at(tmp_path, point, "bucle.server", "--home", str(installation.home))
    installation.up()
    make_service(installation, "first")
    assert services(installation) == ["first"]


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=pytest.mark.slow)])
def test_an_upgrade(installation: Installation, tmp_path: Path, when: str) -> None:
    """Killed in the midst of a migration, older records are what they were or at the newest schema, and go on."""
    with composed(Home(root=installation.home)):
        pass
    records = installation.home / "records.db"
    with closing(sqlite3.connect(records)) as rows:
        newest = rows.execute("SELECT version_num FROM alembic_version").fetchone()
        rows.execute("DROP TABLE lease")
        rows.execute("UPDATE alembic_version SET version_num = '0001'")
        rows.commit()
    die_at(tmp_path, f"{when} commit: CREATE TABLE lease", "bucle.server", "--home", str(installation.home))
    with closing(sqlite3.connect(records)) as rows:
        found = rows.execute("SELECT version_num FROM alembic_version").fetchone()
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert found == (("0001",) if when == "before" else newest)
    installation.up()
    make_service(installation, "upgraded")
    assert services(installation) == ["upgraded"]


@pytest.mark.slow
def test_a_backup_and_its_restore(house: House, tmp_path: Path) -> None:
    """A backup killed before its manifest is none; a restore killed before its last step leaves no folder behind."""
    make_service(house.installation, "kept")
    safe, home = "bucle.server.safekeeping", str(house.home)
    die_at(tmp_path, "before rename: /backup.json", safe, "backup", str(tmp_path / "half"), "--home", home)
    refused = house.installation.bucle("restore", str(tmp_path / "half"), "--home", str(tmp_path / "new"))
    assert (refused.code, "no whole backup" in refused.err) == (2, True), refused.err
    assert house.installation.bucle("backup", str(tmp_path / "whole")).code == 0
    die_at(tmp_path, "before rename: /new", safe, "restore", str(tmp_path / "whole"), "--home", str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    restore(tmp_path / "whole", Home(root=tmp_path / "new"), None)
    restored = Installation(home=tmp_path / "new")
    restored.up()
    try:
        assert services(restored) == services(house.installation)
    finally:
        restored.bucle("down")


@pytest.mark.slow
def test_a_backup_of_a_server_that_is_killed(house: House, tmp_path: Path) -> None:
    """A backup needs no server: whoever dies and comes back beside it, it is whole, and holds what was acknowledged."""
    make_service(house.installation, "before")
    command = [sys.executable, "-m", "bucle", "backup", str(tmp_path / "backup"), "--home", str(house.home)]
    backup = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while backup.poll() is None:
        house.kill_server()
        house.start()
    assert backup.returncode == 0
    assert [(check.name, check.wrong) for check in drill(tmp_path / "backup") if check.wrong] == []
    with closing(sqlite3.connect(tmp_path / "backup" / "records.db")) as rows:
        assert rows.execute("SELECT count(*) FROM principal WHERE name = 'before'").fetchone() == (1,)


@pytest.mark.slow
@pytest.mark.parametrize(("point", "code"), [("before commit: INSERT INTO policy", 0), ("before rename: -address", 5)])
def test_a_move_to_postgresql(installation: Installation, tmp_path: Path, point: str, code: int) -> None:
    """Killed on its way, nothing is switched: the old records serve; asked again it is done, a base in use refused."""
    installation.up()
    make_service(installation, "moved")
    installation.bucle("down")
    address = cluster().database()
    die_at(tmp_path, point, "bucle.server", "--home", str(installation.home), "--move-records", records=address)
    installation.up()
    assert services(installation) == ["moved"]
    installation.bucle("down")
    again = installation.bucle("db", "migrate", "--to", address)
    assert again.code == code, again.err
    if code:
        assert "holds records already" in again.err
        assert installation.bucle("db", "migrate", "--to", cluster().database()).code == 0
    installation.up()
    assert services(installation) == ["moved"]


@pytest.mark.slow
def test_a_server_that_comes_back(installation: Installation, tmp_path: Path) -> None:
    """Stopped for longer than its lease while another takes over, it writes nothing more, and leaves by itself."""
    address = cluster().database()
    assert installation.bucle("up", "--port", "0", "--records", address).code == 0
    make_service(installation, "before")
    pid, client = installation.pid, installation.client()
    os.kill(pid, signal.SIGSTOP)
    other = Installation(home=tmp_path / "other" / "home")
    other.home.mkdir(parents=True, mode=0o700)
    for name in ("keys.json", "admin-token"):
        shutil.copy(installation.home / name, other.home)
    assert "another server" in other.bucle("up", "--port", "0", "--records", address).err
    _age_lease(address)
    assert other.bucle("up", "--port", "0", "--records", address).code == 0
    try:
        os.kill(pid, signal.SIGCONT)
        _assert_superseded(client, pid)
        make_service(other, "after")
        assert services(other) == ["after", "before"]
    finally:
        client.close()
        other.bucle("down")


def _age_lease(address: str) -> None:
    """Let more than a lease pass on the database's clock."""
    with closing(Records(address)) as records, records.engine.begin() as rows:
        rows.execute(lease_table.update().values(renewed_at=lease_table.c.renewed_at - (LEASE_S + 1) * 1_000_000))


def _assert_superseded(client: Client, pid: int) -> None:
    """Ask a server that was superseded for a change: it refuses, or has left already; then it is gone."""
    with pytest.raises(errors.BucleError) as refused:
        client.principal.create("late", kind="service", owner="admin")
    assert refused.value.code in {"store.superseded", "server.unreachable"}
    await_true(lambda: not is_alive(pid), "it leaves")
