"""What the tests of documents share: faults as short lines, and a folder as the caller's machine."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bucle.spec.faults import FaultyDocument
from bucle.spec.loading import load
from bucle.spec.resolving import Snapshot

# Beside the repository, where the design and the example files of others lie.
CONFORMANCE = Path(__file__).parents[3] / "shared" / "conformance" / "azureml-examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder whose files can be read and digested."""

    root: Path

    def read(self, path: str) -> bytes:
        """Return the bytes of a file below the root."""
        return (self.root / path).read_bytes()

    def snapshot(self, path: str) -> Snapshot:
        """Return a digest of the path's first file."""
        place = self.root / path
        first = place if place.is_file() else min(place.iterdir())
        digest = hashlib.sha256(first.read_bytes() if first.is_file() else b"").hexdigest()
        return Snapshot(digest=f"sha256:{digest}", kind="file" if place.is_file() else "folder")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return an empty folder."""
    return Folder(root=tmp_path)


@pytest.fixture
def faults() -> Callable[..., list[str]]:
    """Return a function from a text and its kind to the lines of its faults; none means that it is right."""

    def lines(text: str, kind: str | None = None, **options: object) -> list[str]:
        try:
            load(text.encode(), "f.yml", kind, **options)  # type: ignore[arg-type]
        except FaultyDocument as error:
            return [str(fault) for fault in error.faults]
        return []

    return lines


@pytest.fixture
def conformance() -> Path:
    """Return the folder of Azure's own example files; skip where it is not."""
    if not CONFORMANCE.exists():
        pytest.skip("the azureml-examples files are not on this machine")
    return CONFORMANCE
