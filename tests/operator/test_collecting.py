"""Garbage: nothing that a row names goes, whatever is collected when; what nobody needs goes after the grace time."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bucle.config import Home
from bucle.server.collecting import collect, find
from bucle.server.compose import Installation as Composed
from bucle.server.disk import use_of
from bucle.store.tables.assets import asset
from tests.conftest import IN_POSTGRESQL, Installation, composed, write
from tests.operator.conftest import JOB, worked

NOW = datetime(2030, 1, 1, tzinfo=UTC)
"""Everything that a test writes today is older than any grace time by then."""
WEEK = timedelta(days=7)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Composed]:
    """Give an installation on which nothing turns."""
    with composed(Home(root=tmp_path / "home")) as one:
        yield one


def named(made: Composed, digest: str) -> None:
    """Register a version of a model with that digest."""
    values = {"scope": "dev", "kind": "model", "type": "custom_model", "data_class": "internal", "version": "1"}
    with made.world.records.write(NOW) as transaction:
        row = {**values, "id": digest, "name": digest, "digest": digest, "size": 1, "document": {}, "made_by": "x"}
        transaction.rows.execute(asset.insert().values(**row, created_at=0))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.lists(st.sampled_from(["nothing", "file", "tree", "loose tree"]), min_size=1, max_size=8))
def test_exactly_what_nothing_names_goes(made: Composed, chosen: list[str]) -> None:
    """Files, and trees with a file each, named by a row or not: what is named is there, to the last file; no more."""
    workspace, objects, expected = secrets.token_hex(4), made.world.objects, set()
    for place, what in enumerate(chosen):
        content = f"{workspace} {place}".encode()
        mine = {objects.put(workspace, [content]).digest}
        if what.endswith("tree"):
            (file,) = mine
            mine.add(objects.put(workspace, [json.dumps([["file", False, len(content), file]]).encode()]).digest)
        if what in {"file", "tree"}:
            named(made, next(iter(mine - {file}) if what == "tree" else iter(mine)))
            expected |= mine
    collect(made.world.home, made.world.records.url, NOW, WEEK)
    left = {f"sha256:{path.name}" for path in made.world.home.objects.glob(f"{workspace}/*/*")}
    assert left == expected


def test_the_grace_time(made: Composed) -> None:
    """What was sent within it stays; what is asked for again by an upload is young again; a draft is of no use."""
    home, objects = made.world.home, made.world.objects
    old, asked = (objects.put("dev", [content]).digest for content in (b"old", b"asked"))
    draft = home.objects / ".arriving-1"
    draft.write_bytes(b"half")
    for path in (objects.path("dev", old), objects.path("dev", asked), draft):
        os.utime(path, (0, 0))
    young = objects.put("dev", [b"young"]).digest
    assert objects.has("dev", asked)
    assert {one.path for one in find(home, made.world.records.url, datetime.now(UTC), WEEK)} == {
        objects.path("dev", old),
        draft,
    }
    removed = collect(home, made.world.records.url, datetime.now(UTC), WEEK)
    assert [(one.kind, one.workspace, one.size) for one in removed] == [("objects", "dev", 3), ("drafts", "", 4)]
    assert [objects.has("dev", digest) for digest in (old, asked, young)] == [False, True, True]


def test_killed_at_any_moment(made: Composed) -> None:
    """Killed while it removes, again and again: everything named is there, and the last one ends its work."""
    home, objects = made.world.home, made.world.objects
    kept = [objects.put("dev", [f"kept {place}".encode()]).digest for place in range(20)]
    for digest in kept:
        named(made, digest)
    for place in range(1500):
        path = home.objects / "dev" / "00" / f"{place:064x}"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    for path in home.objects.glob("*/*/*"):
        os.utime(path, (0, 0))
    for place in range(3):
        _killed(home, after_gone=300 * (place + 1))
    assert all(objects.has("dev", digest) for digest in kept)
    collect(home, made.world.records.url, datetime.now(UTC), WEEK)
    assert len(list(home.objects.glob("dev/*/*"))) == len(kept)


def test_beside_a_running_server(installation: Installation, tmp_path: Path) -> None:
    """By the command line without any grace: what nothing names goes; data, job, outputs and environments go on."""
    installation.up()
    with installation.client() as client:
        worked(client, tmp_path)
    home = Home(root=installation.home)
    loose = home.environments / "dev" / ("0" * 32) / "venv"
    loose.mkdir(parents=True)
    (home.attempts / "nobody's").mkdir()
    used: Any = installation.bucle("disk").json()
    assert {(row["workspace"], row["kind"]) for row in used} >= {
        ("dev", "data"),
        ("dev", "logs"),
        *(() if IN_POSTGRESQL else [("-", "records")]),
    }
    time.sleep(1.1)
    planned: Any = installation.bucle("gc", "--plan", "--grace", "1s").json()
    assert loose.exists()
    assert installation.bucle("gc", "--grace", "1s").json() == planned
    assert {row["kind"] for row in planned} >= {"environments", "attempts"}
    assert not loose.exists()
    folder = tmp_path / "again"
    with installation.client() as client:
        done = client.job.wait(client.job.create(write(folder / "job.yml", JOB))["name"])
        assert done["status"] == "completed", client.job.log(done["name"])


def test_disk_counts_a_file_once(made: Composed) -> None:
    """Two names of one file are its bytes once; they are told under the workspace that they lie in."""
    home = made.world.home
    stored = made.world.objects.path("dev", made.world.objects.put("dev", [b"12345"]).digest)
    os.link(stored, stored.with_name("0" * 64))
    (row,) = (row for row in use_of(home, made.world.records.url) if row["kind"] == "objects")
    assert row == {"workspace": "dev", "kind": "objects", "files": 2, "bytes": 5}


def _killed(home: Home, after_gone: int) -> None:
    words = (
        "import sys\nfrom datetime import UTC, datetime, timedelta\nfrom pathlib import Path\n"
        "from bucle.config import Home\nfrom bucle.server.collecting import collect\n"
        "home = Home(root=Path(sys.argv[1]))\n"
        "collect(home, f'sqlite:///{home.records}', datetime.now(UTC), timedelta(days=7))\n"
    )
    left = len(list((home.objects / "dev" / "00").iterdir())) - min(after_gone, 300)
    process = subprocess.Popen([sys.executable, "-c", words, str(home.root)])
    while process.poll() is None and len(list((home.objects / "dev" / "00").iterdir())) > left:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
