"""Backups: taken under load, of both databases, and none that is half a one."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bucle import errors
from bucle.client import Client
from bucle.config import Home
from bucle.server.backup import take
from bucle.server.drill import drill
from bucle.server.restore import restore
from tests.conftest import Installation, write
from tests.operator.conftest import JOB, Kept, manifest, rows_of, worked
from tests.postgresql import cluster

ENOUGH = 12
BIG = 400 << 20


def test_a_backup_under_load_is_a_prefix(installation: Installation, tmp_path: Path) -> None:
    """Data and jobs arrive meanwhile: everything acknowledged before is in it, and nothing names what it lacks."""
    installation.up()
    with installation.client() as client:
        worked(client, tmp_path)
    told: list[str] = []
    stop = threading.Event()
    loads = [threading.Thread(target=load, args=(installation, tmp_path, told, stop)) for load in (_data, _jobs)]
    for load in loads:
        load.start()
    try:
        _await(lambda: len(told) >= ENOUGH)
        before = tuple(told)
        ran = installation.bucle("backup", str(tmp_path / "backup"))
    finally:
        stop.set()
        for load in loads:
            load.join()
    assert ran.code == 0, ran.err
    assert len(told) > len(before), "it was no load"
    assert [(check.name, check.wrong) for check in drill(tmp_path / "backup") if check.wrong] == []
    restored = Installation(home=tmp_path / "restored")
    restore(tmp_path / "backup", Home(root=restored.home), None)
    installation.bucle("down")
    restored.up()
    try:
        with restored.client() as client:
            assert client.audit.verify()["intact"]
            assert [one for one in before if not _is_there(client, one)] == []
            assert not _is_there(client, "data 999")
    finally:
        restored.bucle("down")


def _data(installation: Installation, folder: Path, told: list[str], stop: threading.Event) -> None:
    number = 2
    with installation.client() as client:
        while not stop.is_set():
            client.data.create(rows_of(folder, str(number), f"a,b\n{number},2\n" * 2000))
            told.append(f"data {number}")
            number += 1


def _jobs(installation: Installation, folder: Path, told: list[str], stop: threading.Event) -> None:
    document = write(folder / "load.yml", JOB)
    with installation.client() as client:
        while not stop.is_set():
            told.append(f"job {client.job.create(document)['name']}")
            time.sleep(0.1)


def _is_there(client: Client, one: str) -> bool:
    kind, _, name = one.partition(" ")
    try:
        _ = client.data.show("rows", name) if kind == "data" else client.job.show(name)
    except errors.NotFound:
        return False
    return True


def test_a_backup_holds_no_way_in_but_its_own(kept: Kept) -> None:
    """Only its owner reads it; the orders of attempts, which hold the tokens of jobs, are not in it."""
    assert (kept.installation.home / "keys.json").read_bytes() == (kept.folder / "keys.json").read_bytes()
    for here, folders, files in os.walk(kept.folder):
        modes = {name: Path(here, name).stat().st_mode & 0o077 for name in (*folders, *files)}
        assert set(modes.values()) <= {0}, modes
    assert list(kept.installation.home.rglob("spec.json")) != []
    assert list(kept.folder.rglob("spec.json")) == []


def test_unchanging_files_are_linked(kept: Kept) -> None:
    """An object costs no second copy where the file system has links; what is written to never shares its bytes."""
    name = kept.some_object()
    assert (kept.folder / name).stat().st_ino == (kept.installation.home / name).stat().st_ino
    for written in (name for name in manifest(kept.folder)["files"] if "/jobs/" in name or name.endswith("out.log")):
        assert (kept.folder / written).stat().st_nlink == 1, written


def test_a_folder_in_use_is_refused(kept: Kept, tmp_path: Path) -> None:
    """An empty folder is taken; one that holds something is not written to."""
    home = Home(root=kept.installation.home)
    (tmp_path / "new").mkdir()
    assert take(home, tmp_path / "new").backup.rows > 0
    write(tmp_path / "used" / "mine.txt", "mine")
    with pytest.raises(errors.Conflict, match="holds something already"):
        take(home, tmp_path / "used")
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["mine.txt"]
    with pytest.raises(errors.BadRequest, match="lies in the state folder"):
        take(home, home.root / "datastores" / "backup")
    with pytest.raises(errors.NotFound, match="holds no records"):
        take(Home(root=tmp_path / "nothing"), tmp_path / "other")


def test_a_killed_backup_is_none(kept: Kept, tmp_path: Path) -> None:
    """Killed while it copies, it leaves no manifest, and a restore says what that means."""
    big = _big(kept)
    command = [sys.executable, "-m", "bucle.server.safekeeping", "backup", "--folder", str(tmp_path / "half")]
    process = subprocess.Popen([*command, "--home", str(kept.installation.home)])
    copied = tmp_path / "half" / big.relative_to(kept.installation.home)
    _await(copied.exists)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    big.unlink()
    with pytest.raises(errors.BucleError, match=r"no whole backup: it has no backup\.json"):
        restore(tmp_path / "half", Home(root=tmp_path / "new"), None)
    assert not (tmp_path / "new").exists()


def test_a_full_disk_is_one_sentence(kept: Kept, tmp_path: Path) -> None:
    """No room for a file: exit 7, what to do, no manifest; with room the same backup is taken."""
    big = _big(kept, size=8 << 20)
    command = (
        f'ulimit -f 4096; exec {sys.executable} -m bucle backup "{tmp_path}/full" --home "{kept.installation.home}"'
    )
    ran = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=False)
    assert (ran.returncode, "was not finished: File too large" in ran.stderr) == (7, True), ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "full" / "backup.json").exists()
    assert take(Home(root=kept.installation.home), tmp_path / "enough").backup.size > 8 << 20
    big.unlink()


def _big(kept: Kept, size: int = BIG) -> Path:
    place = kept.installation.home / "datastores" / "dev" / "workspaceblobstore" / "jobs" / "big"
    place.parent.mkdir(exist_ok=True)
    with place.open("wb") as stream:
        stream.truncate(size)
    return place


def test_records_in_postgresql_are_backed_up_alike(installation: Installation, tmp_path: Path) -> None:
    """The server keeps its lease; the backup is served from a file, and from another database."""
    up = installation.bucle("up", "--port", "0", "--records", cluster().database())
    assert up.code == 0, up.err
    with installation.client() as client:
        done = worked(client, tmp_path)
        ran = installation.bucle("backup", str(tmp_path / "backup"))
        assert ran.code == 0, ran.err
        client.data.create(rows_of(tmp_path, "2", "still\n"))
    installation.bucle("down")
    assert [check.wrong for check in drill(tmp_path / "backup") if check.wrong] == []
    for name, options in (("file", ()), ("moved", ("--records", cluster().database()))):
        restored = Installation(home=tmp_path / name)
        ran = restored.bucle("restore", str(tmp_path / "backup"), "--home", str(restored.home), *options)
        assert ran.code == 0, ran.err
        assert (restored.home / "records.db").exists() == (name == "file")
        assert restored.bucle("up", "--port", "0").code == 0
        with restored.client() as client:
            assert client.job.show(done["name"])["status"] == "completed"
            assert client.audit.verify()["intact"]
        restored.bucle("down")


def _await(holds: object) -> None:
    assert callable(holds)
    until = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)
