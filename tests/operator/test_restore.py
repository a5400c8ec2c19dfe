"""Restores: the same rights, the same bytes, at another place; nothing from a damaged backup, none over a used home."""

import hashlib
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bucle import errors
from bucle.config import Home
from bucle.server.backup import take
from bucle.server.drill import Check, drill
from bucle.server.restore import restore
from tests.conftest import Installation, write
from tests.endpoints.conftest import ENDPOINTS, deployment
from tests.operator.conftest import JOB, House, Kept, Shelf, forget, manifest


def test_a_restored_home_goes_on(kept: Kept, tmp_path: Path) -> None:
    """Elsewhere and without the old home: the token opens it, rights are equal, and a job reads the data and ends."""
    restored = Installation(home=tmp_path / "elsewhere" / "home")
    ran = restored.bucle("restore", str(kept.folder), "--home", str(restored.home))
    assert ran.code == 0, ran.err
    restored.up()
    try:
        with restored.client(kept.installation.token) as client:
            assert client.can.matrix("prod") == kept.matrix
            assert _as_told(client.job.show(kept.job["name"])) == _as_told(kept.job)
            done = client.job.wait(client.job.create(write(tmp_path / "job.yml", JOB))["name"])
            assert done["status"] == "completed", client.job.log(done["name"])
        (copied,) = restored.home.rglob(f"jobs/{done['name']}/**/copied.csv")
        assert copied.read_text() == "a,b\n1,2\n"
    finally:
        restored.bucle("down")
    again = restored.bucle("restore", str(kept.folder), "--home", str(restored.home))
    assert (again.code, "holds something already" in again.err) == (5, True), again.err


def test_an_unfinished_job_is_taken_up(installation: Installation, tmp_path: Path) -> None:
    """Backed up while it ran, it is lost with its host; in the restored home it is tried again, and completes."""
    installation.up()
    document = write(tmp_path / "job.yml", "command: sleep 8; echo end\nenvironment: {image: python}\n")
    with installation.client() as client:
        name = client.job.create(document)["name"]
        while client.job.show(name)["status"] != "running" or not list(installation.home.glob("attempts/*/claim"))[1:]:
            assert client.job.show(name)["status"] != "completed"
        take(Home(root=installation.home), tmp_path / "backup")
        assert client.job.show(name)["status"] == "running"
    installation.bucle("down")
    restored = Installation(home=tmp_path / "restored")
    restore(tmp_path / "backup", Home(root=restored.home), None)
    restored.up()
    try:
        with restored.client() as client:
            assert client.job.wait(name)["status"] == "completed"
            assert client.audit.verify()["intact"]
    finally:
        restored.bucle("down")


def test_a_flipped_byte_is_refused(kept: Kept, tmp_path: Path) -> None:
    """The whole copy is good; with one bit of one file turned nothing is restored, and the file is named."""
    spoiled, name = kept.another(tmp_path / "spoiled"), kept.some_object()
    assert _wrong(drill(spoiled)) == []
    content = bytearray((spoiled / name).read_bytes())
    content[len(content) // 2] ^= 1
    (spoiled / name).chmod(0o600)
    (spoiled / name).write_bytes(content)
    with pytest.raises(errors.BadRequest, match=f"the first is {name}"):
        restore(spoiled, Home(root=tmp_path / "new"), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spoiled"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no whole backup"),
        ("", "cannot be read"),
        ('{"format": 2}', "this bucle reads 1"),
        ('{"format": 1, "files": {"../../outside": ["0o600", 1, "00"]}}', "leads out of the backup"),
    ],
)
def test_other_manifests_are_refused(kept: Kept, tmp_path: Path, text: str | None, words: str) -> None:
    """Missing, empty, of another format, pointing elsewhere: none of them restores anything."""
    spoiled = kept.another(tmp_path / "spoiled")
    if text is None:
        (spoiled / "backup.json").unlink()
    else:
        (spoiled / "backup.json").write_text(text)
    with pytest.raises(errors.BadRequest, match=words):
        restore(spoiled, Home(root=tmp_path / "new"), None)
    assert not (tmp_path / "new").exists()


def test_a_drill_says_what_it_looked_at(kept: Kept) -> None:
    """Exit 0 and a line for each check; nothing is left beside the backup, and the backup is as it was."""
    before = sorted(path.name for path in kept.folder.parent.iterdir()), manifest(kept.folder)
    ran = kept.installation.bucle("restore", str(kept.folder), "--drill", "--output", "tsv")
    assert (ran.code, "the backup is good" in ran.err) == (0, True), ran.err
    checks = [line.split("\t")[:3] for line in ran.out.splitlines()]
    assert [check[0] for check in checks] == [
        "files", "restored", "objects and folders", "models of deployments", "audit", "rights",
    ]  # fmt: skip
    assert {check[1] for check in checks} == {"True"}
    assert checks[2][2] == "4 named"  # the data's manifest and folder, two outputs of the job
    assert (sorted(path.name for path in kept.folder.parent.iterdir()), manifest(kept.folder)) == before


@pytest.mark.parametrize("part", ["objects/", "/uploads/", "/jobs/", "/outputs/"])
def test_a_drill_finds_what_is_missing(kept: Kept, tmp_path: Path, part: str) -> None:
    """A backup that never held a file which its records name is not good, however whole its manifest is."""
    faulty = kept.another(tmp_path / "faulty")
    assert _wrong(drill(faulty)) == []
    forget(faulty, next(name for name in manifest(faulty)["files"] if part in name))
    assert _wrong(drill(faulty)) == ["objects and folders"]


def test_a_drill_finds_a_deployments_model(house: House, shelf: Shelf, tmp_path: Path) -> None:
    """The model of what serves is looked for where its workers load it, and its bytes among the objects."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    house.done("POST", f"{ENDPOINTS}/car/deployments", scientist, deployment())
    take(house.world.home, tmp_path / "backup")
    found = {check.name: check for check in drill(tmp_path / "backup")}
    assert _wrong(list(found.values())) == []
    assert found["models of deployments"].looked_at == "1 named"
    assert found["rights"].looked_at == "3 stages, 2 principals"
    forget(tmp_path / "backup", next(name for name in manifest(tmp_path / "backup")["files"] if name[:7] == "models/"))
    assert _wrong(drill(tmp_path / "backup")) == ["models of deployments"]


def test_a_newer_schema_is_refused(kept: Kept, tmp_path: Path) -> None:
    """Records that a newer bucle wrote are left to it, and nothing is left behind."""
    newer = kept.another(tmp_path / "newer")
    _write_revision(newer, "m9999")
    with pytest.raises(errors.Conflict, match="written by a newer bucle"):
        restore(newer, Home(root=tmp_path / "new"), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["newer"]
    _write_revision(newer, manifest(newer)["schema"])
    restore(newer, Home(root=tmp_path / "new"), None)
    shutil.rmtree(tmp_path / "new")


def test_a_drill_finds_a_changed_line(kept: Kept, tmp_path: Path) -> None:
    """Records whose audit was rewritten before they were backed up verify as files, but not as a chain."""
    tampered = kept.another(tmp_path / "tampered")
    assert _wrong(drill(tampered)) == []
    _rewrite(tampered, "UPDATE event SET who = ? WHERE chain = 'dev' AND seq = 1", "somebody else")
    (found,) = [check for check in drill(tampered) if check.wrong]
    assert (found.name, found.wrong) == ("audit", ["dev at 1: the line was changed"])


def _write_revision(folder: Path, revision: str) -> None:
    _rewrite(folder, "UPDATE alembic_version SET version_num = ?", revision)


def _rewrite(folder: Path, statement: str, value: str) -> None:
    """Change a backup's records, and give its manifest the digest that goes with it."""
    file = folder / "records.db"
    with closing(sqlite3.connect(file)) as rows:
        rows.execute("PRAGMA journal_mode=DELETE")
        assert rows.execute(statement, (value,)).rowcount == 1
        rows.commit()
    document = manifest(folder)
    document["files"]["records.db"] = ["0o600", file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest()]
    (folder / "backup.json").write_text(json.dumps(document))


def _as_told(job: dict[str, Any]) -> str:
    """Return a job's document with the paths of its outputs, which moved, cut down to what lies in the home."""
    return re.sub(r'"[^"]*/(datastores|attempts)/', r'"\1/', json.dumps(job))


def _wrong(checks: list[Check]) -> list[str]:
    return [check.name for check in checks if check.wrong]
