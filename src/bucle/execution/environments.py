"""Environments: where each one lies, whether it is built, and the interpreter that it is built on."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bucle import errors
from bucle.config import search_path
from bucle.core.classes import Tier
from bucle.core.environment import Ask
from bucle.store.objects import hex_of, touched, write_file

HERE = ".".join(platform.python_version_tuple()[:2])
"""The minor version of the server's own interpreter: what an environment that names none gets."""

OLDEST = (3, 8)
"""The oldest interpreter that uv builds environments on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An environment that can be used: its folder, its interpreter, and the digest of its lock."""

    folder: Path
    python: Path
    lock_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """The environments of one tier: one folder an ask; the cache of packages is the tier's own too.

    Packages are hard-linked from the cache, so that what one build could rewrite stays within its tier.
    """

    root: Path
    tier: Tier

    @property
    def cache(self) -> Path:
        """The package cache of the tier."""
        return self.root / self.tier / "cache"

    def folder(self, ask_digest: str) -> Path:
        """Return where the environment of an ask lies, built or not."""
        return self.root / self.tier / hex_of(ask_digest)[:32]

    def find(self, ask_digest: str) -> Built | None:
        """Return the environment of an ask, or None while it is not built."""
        folder = self.folder(ask_digest)
        try:
            document = json.loads((folder / "environment.json").read_bytes())
        except FileNotFoundError:
            return None
        return Built(folder=folder, python=folder / "venv" / "bin" / "python", lock_digest=document["lock"])

    def announce(self, ask: Ask) -> None:
        """Write down what is asked, so that its build step finds it."""
        folder = self.folder(ask.digest)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        touched(folder)
        self.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / "ask.json").exists():
            write_file(folder / "ask.json", json.dumps(ask.document()).encode())

    def asked(self, ask_digest: str) -> Ask:
        """Return what was asked."""
        found = json.loads((self.folder(ask_digest) / "ask.json").read_bytes())
        return Ask(python=found["python"], requirements=tuple(found["requirements"]), image=found["image"])


def interpreter(minor: str, find: Callable[[], Mapping[str, str]]) -> Path:
    """Return an installed interpreter of a minor version; BadRequest when it is gone since the job was submitted."""
    if minor == HERE:
        return Path(sys.executable).resolve()
    found = find()
    if minor not in found:
        raise errors.BadRequest("environment.python_missing", python=minor, found=", ".join(sorted(found)))
    return Path(found[minor]).resolve()


def installed(uv: str, folders: Sequence[Path]) -> Mapping[str, str]:
    """Return the interpreters of this host by minor version, as uv finds them in PATH and in more `folders`.

    Nothing is downloaded. The newest patch of a minor version is taken; the server's own is always there.
    """
    command = [uv, "python", "list", "--only-installed", "--no-python-downloads", "--no-config"]
    path = os.pathsep.join([*map(str, folders), search_path()])
    done = subprocess.run(
        [*command, "--output-format", "json"], env={"PATH": path}, capture_output=True, check=False, timeout=60
    )
    found: dict[str, tuple[int, str]] = {}
    for one in json.loads(done.stdout) if done.returncode == 0 else ():
        major, minor, patch = (one["version_parts"][part] for part in ("major", "minor", "patch"))
        known = found.get(f"{major}.{minor}", (-1, ""))
        if one["implementation"] == "cpython" and (major, minor) >= OLDEST and patch > known[0]:
            found[f"{major}.{minor}"] = (patch, one["path"])
    return {**{minor: place for minor, (_, place) in found.items()}, HERE: sys.executable}
