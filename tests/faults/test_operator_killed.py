"""Acts of an operator that are killed on their way: a first start, a backup, a restore, a move."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bucle.config import Home
from bucle.server.drill import drill
from bucle.server.restore import restore
from tests.conftest import Installation
from tests.faults.house import House, die_at
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
    die_at(tmp_path, point, "bucle.server.safekeeping", "move", "--home", str(installation.home), records=address)
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
