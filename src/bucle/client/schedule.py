"""Schedules over HTTP."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bucle.client.http import Session
from bucle.client.local import Local

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """Schedules."""

    session: Session

    def create(self, file: str | Path, *, stage: str = "dev", assignments: Sequence[str] = ()) -> dict[str, Any]:
        """Make a schedule from its YAML; the code and the local inputs of its job are uploaded first."""
        local = Local()
        loaded = local.load(file, "schedule", assignments)
        local.send_for_job(self.session, f"{PREFIX}/stages/{stage}", loaded.document)
        return dict(self.session.post(_path(stage), loaded.document))

    def list(self, *, stage: str = "dev") -> list[dict[str, Any]]:
        """Return the schedules of a stage by name."""
        return [*self.session.pages(_path(stage))]

    def show(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Return a schedule with its newest firings."""
        return dict(self.session.get(f"{_path(stage)}/{name}"))

    def enable(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Let a schedule fire from its next tick on."""
        return dict(self.session.post(f"{_path(stage)}/{name}:enable"))

    def disable(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Keep a schedule from firing."""
        return dict(self.session.post(f"{_path(stage)}/{name}:disable"))

    def trigger(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Submit a schedule's job now; return the firing with the job's name."""
        return dict(self.session.post(f"{_path(stage)}/{name}:trigger"))

    def delete(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Remove a schedule; the jobs that it submitted stay."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        return dict(self.session.send("DELETE", f"{_path(stage)}/{name}", headers=headers).json())


def _path(stage: str) -> str:
    return f"{PREFIX}/stages/{stage}/schedules"
