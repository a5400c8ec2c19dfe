"""Environments and components over HTTP: versions made from their YAML."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bucle.client.http import Session
from bucle.client.local import Local

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """Environments, or components."""

    session: Session
    noun: Literal["environment", "component"]

    def create(self, file: str | Path, *, stage: str = "dev", assignments: Sequence[str] = ()) -> dict[str, Any]:
        """Make a version from its YAML; files that it names are read or uploaded.

        `assignments` are those of `--set`.
        """
        local = Local()
        loaded = local.load(file, self.noun, assignments)
        local.send(self.session, f"{PREFIX}/stages/{stage}/code")
        return dict(self.session.post(f"{PREFIX}/stages/{stage}/{self.noun}s", loaded.document))

    def list(self, *, stage: str = "dev", name: str | None = None) -> list[dict[str, Any]]:
        """Return versions, newest first."""
        return [*self.session.pages(f"{PREFIX}/stages/{stage}/{self.noun}s", name=name)]

    def show(self, name: str, version: str = "latest", *, stage: str = "dev") -> dict[str, Any]:
        """Return one version."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/{self.noun}s/{name}/versions/{version}"))
