"""A release written to a folder: its files, each compared with its digest, and what verifies them offline."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bucle import errors

Fetch = Callable[[str], Iterator[bytes]]
"""Gives the bytes of a digest."""


def write_bundle(folder: Path, bundle: Mapping[str, Any], fetch: Fetch) -> None:
    """Write a bundle into a folder that is new or empty; BadRequest when a file is not what its digest says."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise errors.Conflict("content.not_empty", folder=folder)
    for path, executable, _size, digest in bundle["files"]:
        _write_file(folder / "model" / _inside(path), fetch(digest), digest, executable=executable)
    texts = {
        "model.sig": bundle["model_signature"],
        "release.dsse.json": bundle["release_statement"],
        **{
            f"approval-{number}.dsse.json": statement
            for number, statement in enumerate(bundle["approval_statements"], start=1)
        },
    }
    for name, document in texts.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    (folder / "model-key.pem").write_text(bundle["keys"]["models"], encoding="utf-8")
    (folder / "platform-key.pem").write_text(bundle["keys"]["statements"], encoding="utf-8")


def _write_file(target: Path, chunks: Iterator[bytes], digest: str, *, executable: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    sha = hashlib.sha256()
    with target.open("xb") as stream:
        for chunk in chunks:
            stream.write(chunk)
            sha.update(chunk)
        os.fchmod(stream.fileno(), 0o700 if executable else 0o600)
    if f"sha256:{sha.hexdigest()}" != digest:
        raise errors.BadRequest("content.damaged", path=target)


def _inside(path: str) -> PurePosixPath:
    inside = PurePosixPath(path)
    if inside.is_absolute() or ".." in inside.parts:
        raise errors.BadRequest("content.damaged", path=path)
    return inside
