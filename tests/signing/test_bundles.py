"""Release bundles: others verify the model's signature offline, and notice each change that they should."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucle import errors
from bucle.client.model_bundle import write_bundle
from tests.access.conftest import House, house
from tests.endpoints.conftest import Shelf, shelf
from tests.serving.conftest import models

__all__ = ["house", "models", "shelf"]
VERSION = "/stages/dev/models/bus/versions/1"


@pytest.fixture
def bundle(house: House, shelf: Shelf, tmp_path: Path) -> Path:
    """Give the folder of a release of several files, one in a folder, one of git's."""
    source = tmp_path / "source"
    for name, text in {"MLmodel": "flavors: {}\n", "data/model.skops": "bytes", ".gitattributes": "*\n"}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    shelf.register("bus", source)
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))

    def fetch(digest: str) -> Iterator[bytes]:
        answer = house.ask("GET", f"{VERSION}/files/{digest}", scientist)
        assert answer.status_code == 200, answer.text
        yield answer.content

    target = tmp_path / "bundle"
    write_bundle(target, house.done("GET", f"{VERSION}/bundle", scientist), fetch)
    with pytest.raises(errors.Conflict, match="holds something"):
        write_bundle(target, {"files": []}, fetch)
    return target


def _verified(bundle: Path, key: str = "model-key.pem") -> bool:
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(bundle / "model"), "--no-ignore-git-paths"]
    options = ["--signature", str(bundle / "model.sig"), "--public_key", str(bundle / key)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert "No module named" not in done.stderr
    return done.returncode == 0


def test_others_verify_it(bundle: Path) -> None:
    """OpenSSF's own tool accepts it; a changed, added or removed file, one of git's too, it does not."""
    pytest.importorskip("model_signing", reason="model-signing is a development dependency")
    assert _verified(bundle)
    assert json.loads((bundle / "release.dsse.json").read_bytes())["payloadType"] == "application/vnd.in-toto+json"
    model = bundle / "model"
    spoilt = {"MLmodel": "flavors: []\n", ".gitattributes": "* text\n", "added": "x", ".git/hooks/x": "x"}
    for name, text in spoilt.items():
        before = (model / name).read_text() if (model / name).exists() else None
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text(text)
        assert not _verified(bundle), name
        (model / name).unlink() if before is None else (model / name).write_text(before)
    assert _verified(bundle)
    (model / "MLmodel").unlink()
    assert not _verified(bundle)


def test_files_of_others_are_not_given(house: House, shelf: Shelf, tmp_path: Path) -> None:
    """A digest opens only what is in the model; who may not read models of the stage gets neither list nor file."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "MLmodel").write_text("flavors: {}\n")
    shelf.register("bus", tmp_path / "source")
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    reader = house.person("reader", ("Reader", "/stages/dev"))
    mine = house.done("GET", f"{VERSION}/bundle", scientist)["files"][0][3]
    other = house.world.objects.put("dev", (b"something else",)).digest
    assert house.ask("GET", f"{VERSION}/files/{mine}", scientist).content == b"flavors: {}\n"
    assert house.ask("GET", f"{VERSION}/files/{other}", scientist).status_code == 404
    for path in (f"{VERSION}/bundle", f"{VERSION}/files/{mine}"):
        assert house.ask("GET", path, reader).status_code == 403


def test_file_that_came_otherwise(tmp_path: Path) -> None:
    """Bytes that are not what their digest says, or a name that leads elsewhere, are refused."""
    empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    keys = {"models": "", "statements": ""}
    whole = {"model_signature": {}, "release_statement": {}, "approval_statements": [], "keys": keys}
    write_bundle(tmp_path / "good", {**whole, "files": [["f", False, 0, empty]]}, lambda _: iter((b"",)))
    with pytest.raises(errors.BadRequest, match="did not arrive"):
        write_bundle(tmp_path / "bad", {**whole, "files": [["f", False, 0, empty]]}, lambda _: iter((b"x",)))
    with pytest.raises(errors.BadRequest, match="did not arrive"):
        write_bundle(tmp_path / "out", {**whole, "files": [["../f", False, 0, empty]]}, lambda _: iter((b"",)))
