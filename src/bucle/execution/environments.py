"""Environments: where each one lies, whether it is built, and the interpreter that it is built on."""

import json
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bucle import errors
from bucle.core.classes import Tier
from bucle.core.environment import Ask
from bucle.store.objects import hex_of, touched, write_file

HERE = ".".join(platform.python_version_tuple()[:2])
"""The minor version of the server's own interpreter: what an environment that names none gets."""


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


def interpreter(minor: str, find: Callable[[str], str | None]) -> Path:
    """Return an installed interpreter of a minor version; BadRequest names those that this host has."""
    if minor == HERE:
        return Path(sys.executable).resolve()
    found = find(minor)
    if found is None:
        raise errors.BadRequest("environment.python_missing", python=minor, found=HERE)
    return Path(found).resolve()


def find_with_uv(uv: str) -> Callable[[str], str | None]:
    """Return a search for installed interpreters by uv; nothing is downloaded."""

    def find(minor: str) -> str | None:
        command = [uv, "python", "find", "--no-python-downloads", "--no-project", "--system", minor]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        return done.stdout.strip() or None if done.returncode == 0 else None

    return find
