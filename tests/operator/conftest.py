"""A server that has worked, and the backup that was taken of it while it ran."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bucle.client import Client
from tests.access.conftest import House, house
from tests.conftest import Installation, write
from tests.endpoints.conftest import Shelf, shelf

__all__ = ["House", "Shelf", "house", "shelf"]

JOB = """
command: cp ${{inputs.rows}} ${{outputs.table}}/copied.csv && echo note > outputs/note.txt
inputs: {rows: {type: uri_file, path: "azureml:rows:1"}}
outputs: {table: {type: uri_folder}}
environment: {image: python}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An installation, its backup, the job it had done, and who might do what in it."""

    installation: Installation
    folder: Path
    job: dict[str, Any]
    matrix: dict[str, Any]

    def another(self, place: Path) -> Path:
        """Return a copy of the backup that a test may spoil."""
        shutil.copytree(self.folder, place, symlinks=True)
        return place

    def some_object(self) -> str:
        """Return the name of an object in the backup."""
        return str(next(name for name in manifest(self.folder)["files"] if name.startswith("objects/")))


def manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a backup, as it is written."""
    found: dict[str, Any] = json.loads((folder / "backup.json").read_bytes())
    return found


def forget(folder: Path, name: str) -> None:
    """Make a backup that never held one of its files: what a faulty backup would look like."""
    document = manifest(folder)
    del document["files"][name]
    (folder / "backup.json").write_text(json.dumps(document))
    (folder / name).unlink()


def rows_of(folder: Path, version: str, text: str) -> Path:
    """Write a file of data and its document; return the document."""
    write(folder / f"rows-{version}.csv", text)
    words = f'name: rows\nversion: "{version}"\ntype: uri_file\npath: rows-{version}.csv\n'
    return write(folder / f"rows-{version}.yml", words)


def worked(client: Client, folder: Path) -> dict[str, Any]:
    """Register data and run a job on it; return the job."""
    client.data.create(rows_of(folder, "1", "a,b\n1,2\n"))
    done = client.job.wait(client.job.create(write(folder / "job.yml", JOB))["name"])
    assert done["status"] == "completed"
    return done


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Give a running installation and the backup that was taken of it."""
    root = tmp_path_factory.mktemp("kept")
    made = Installation(home=root / "home")
    made.up()
    with made.client() as client:
        job, matrix = worked(client, root), client.can.matrix("prod")
    ran = made.bucle("backup", str(root / "backup"))
    assert ran.code == 0, ran.err
    yield Kept(installation=made, folder=root / "backup", job=job, matrix=matrix)
    made.bucle("down")
