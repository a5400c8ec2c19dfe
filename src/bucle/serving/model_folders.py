"""Model folders: a model's files laid out for its workers, once a digest; each worker start verifies them."""

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from bucle.core.manifest import Manifest
from bucle.store.objects import hex_of, touched


def lay_model(root: Path, manifest: Manifest, path_of: Callable[[str], Path]) -> Path:
    """Return the folder under `root` that holds the files of `manifest`, making it when it is not there.

    `path_of` says where the bytes of a digest lie. The folder appears whole, and its files are read-only.
    """
    target = root / hex_of(manifest.digest)
    if touched(target):
        return target
    draft = root / f".{secrets.token_hex(8)}"
    try:
        for entry in manifest.entries:
            file = draft / entry.path  # core.manifest refused every path that leaves the folder
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(path_of(entry.sha256), file)
            file.chmod(0o500 if entry.executable else 0o400)
        _place(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _place(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError:  # another thread was first; what lies there is of the same digest
        if not target.is_dir():
            raise
