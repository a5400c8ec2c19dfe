"""Secrets over HTTP."""

from dataclasses import dataclass
from typing import Any

from bucle.client.http import Session

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Secrets of stages; none is ever read back."""

    session: Session

    def list(self, *, stage: str = "dev") -> list[dict[str, Any]]:
        """Return the secrets of a stage: name, version, who set it when."""
        return [*self.session.pages(f"{PREFIX}/stages/{stage}/secrets")]

    def set(self, name: str, value: str | bytes, *, stage: str = "dev") -> dict[str, Any]:
        """Set a secret, new or anew."""
        content = value.encode() if isinstance(value, str) else value
        path = f"{PREFIX}/stages/{stage}/secrets/{name}"
        answer: dict[str, Any] = self.session.send("PUT", path, chunks=lambda: iter((content,))).json()
        return answer

    def delete(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Delete a secret."""
        answer: dict[str, Any] = self.session.send("DELETE", f"{PREFIX}/stages/{stage}/secrets/{name}").json()
        return answer

    def rotate_key(self) -> dict[str, Any]:
        """Seal every secret under a new key."""
        return dict(self.session.post(f"{PREFIX}/secrets:rotate-key"))
