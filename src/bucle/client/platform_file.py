"""The platform over HTTP: its health, who is calling, its file, the gates of its stages."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bucle.client.http import Session
from bucle.client.local import load_plain

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The platform itself."""

    session: Session

    def status(self) -> dict[str, Any]:
        """Return the server's health and version."""
        return dict(self.session.get(f"{PREFIX}/health"))

    def metrics(self) -> str:
        """Return the platform's measurements in Prometheus' text format."""
        return self.session.send("GET", "/metrics").text

    def whoami(self) -> dict[str, Any]:
        """Return who this client is and what he holds where."""
        return dict(self.session.get(f"{PREFIX}/whoami"))

    def trace(self, request_id: str) -> dict[str, Any]:
        """Follow a request to its deployment, release, approval, job, commit, data and people."""
        return dict(self.session.get(f"{PREFIX}/trace/{request_id}"))

    def plan(self, file: str | Path, *, prune: bool = False) -> dict[str, Any]:
        """Return the steps from what stands to what platform.yml names, and whether the caller may do each."""
        return self._send("plan", file, prune=prune)

    def apply(self, file: str | Path, *, prune: bool = False) -> dict[str, Any]:
        """Do the steps that the caller may do; `left` of the answer counts the others."""
        return self._send("apply", file, prune=prune)

    def _send(self, verb: str, file: str | Path, *, prune: bool) -> dict[str, Any]:
        document = load_plain(file, "platform")
        return dict(self.session.post(f"{PREFIX}/platform:{verb}", document, prune=prune))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What a release must prove before a stage lets it in."""

    session: Session

    def set(self, file: str | Path) -> dict[str, Any]:
        """Give the stage that gate.yml names its gate."""
        document = load_plain(file, "gate")
        return dict(self.session.post(f"{PREFIX}/stages/{document['stage']}/gate", document))

    def show(self, *, stage: str = "dev") -> dict[str, Any]:
        """Return the gate of a stage."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/gate"))
