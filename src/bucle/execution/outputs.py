"""Outputs of an ended attempt: what lies where each was declared, as a manifest whose digest is the output's."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.core.job_node import COLLECTED
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
    collected = work_of(done.attempt_id) / "outputs"
    for mount in done.plan.outputs:
        if mount.name in COLLECTED:
            _lay(mount, collected, Path(mount.path) / "outputs")
    found = {mount.name: _described(mount) for mount in done.plan.outputs}
    for mount in done.plan.outputs:
        if mount.publish is not None:
            _lay(mount, Path(mount.path), Path(mount.publish))
    if "artifacts" not in found and (files := folder_manifest(collected)).entries:
        found["artifacts"] = {"path": str(collected), "form": "folder", **_summary(files)}
    return found


def _lay(mount: Mount, source: Path, target: Path) -> None:
    """Lay the files of an output at another place too, each whole or not at all; what lies there besides stays.

    Done again after a crash, it gives the same. The bytes are shared where both lie on one file system: nobody writes
    to a file of either place, files are put in the place of others.
    """
    single = source.is_file() and not source.is_symlink()
    files = [(source, target)] if single else [(file, target / name) for file, name in _files(source)]
    try:
        for file, place in files:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _put(file, place)
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT}:  # the engine asks again, until there is room
            raise
        raise errors.BadRequest("job.output_not_laid", output=mount.name, path=target, why=fault.strerror) from fault


def _put(file: Path, place: Path) -> None:
    draft = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    try:
        try:
            os.link(file, draft, follow_symlinks=False)
        except OSError as fault:
            if fault.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK}:
                raise
            shutil.copyfile(file, draft)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


def folder_manifest(folder: Path) -> Manifest:
    """Return the manifest of the files below `folder`."""
    return manifest_of(entry_of(file, name) for file, name in _files(folder))


def _described(mount: Mount) -> dict[str, Any]:
    place = Path(mount.path)
    if mount.form == "file" and not place.is_file():
        raise errors.BadRequest("job.output_missing", output=mount.name)
    files = folder_manifest(place.parent if mount.form == "file" else place)
    return {"path": mount.path, "form": mount.form, **_summary(files)}


def _summary(files: Manifest) -> dict[str, Any]:
    return {"digest": files.digest, "files": len(files.entries), "size": files.size}


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files below a folder with their paths in it; a link, which could lead elsewhere, is a BadRequest."""
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            place = Path(here, name)
            if place.is_symlink():
                raise errors.BadRequest("job.output_link", path=place.relative_to(folder))
            if place.is_file():
                yield place, place.relative_to(folder).as_posix()


def entry_of(place: Path, name: str) -> FolderEntry:
    """Return a file as a row of a manifest, under a name."""
    with place.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    found = place.stat()
    executable = bool(found.st_mode & 0o100)
    return FolderEntry(path=name, executable=executable, size=found.st_size, sha256=f"sha256:{digest}")
