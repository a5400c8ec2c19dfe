"""Outputs of an ended attempt: what lies where each was declared, as a manifest whose digest is the output's."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.core.job_plan import Mount
from bucle.core.manifest import Manifest, manifest_of
from bucle.execution.launcher import Starting
from bucle.spec.digest import FolderEntry


def read_outputs(done: Starting, work_of: Callable[[str], Path]) -> Mapping[str, Any]:
    """Return digest, files and bytes of each declared output, and of `./outputs`, which Azure collects unasked.

    BadRequest when a declared file was not written, or when a symbolic link lies among the outputs.
    """
    if done.plan.kind == "build":
        return {}
    found = {mount.name: _described(mount) for mount in done.plan.outputs}
    collected = work_of(done.attempt_id) / "outputs"
    files = folder_manifest(collected)
    if files.entries:
        found["artifacts"] = {"path": str(collected), "form": "folder", **_summary(files)}
    return found


def folder_manifest(folder: Path) -> Manifest:
    """Return the manifest of the files below `folder`."""
    return manifest_of(_entries(folder))


def _described(mount: Mount) -> dict[str, Any]:
    place = Path(mount.path)
    if mount.form == "file" and not place.is_file():
        raise errors.BadRequest("job.output_missing", output=mount.name)
    files = folder_manifest(place.parent if mount.form == "file" else place)
    return {"path": mount.path, "form": mount.form, **_summary(files)}


def _summary(files: Manifest) -> dict[str, Any]:
    return {"digest": files.digest, "files": len(files.entries), "size": files.size}


def _entries(folder: Path) -> Iterator[FolderEntry]:
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            place = Path(here, name)
            if place.is_symlink():
                raise errors.BadRequest("job.output_link", path=place.relative_to(folder))
            if place.is_file():
                with place.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                found = place.stat()
                yield FolderEntry(
                    path=place.relative_to(folder).as_posix(),
                    executable=bool(found.st_mode & 0o100),
                    size=found.st_size,
                    sha256=f"sha256:{digest}",
                )
