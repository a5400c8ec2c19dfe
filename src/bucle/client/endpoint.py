"""Online endpoints over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bucle.client.http import Session

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineEndpoints:
    """Online endpoints."""

    session: Session

    def list(self, *, stage: str = "dev") -> Sequence[dict[str, Any]]:
        """Return the endpoints of a stage by name."""
        return [*self.session.pages(f"{PREFIX}/stages/{stage}/online-endpoints")]

    def show(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Return an endpoint with what each deployment answers and uses."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/online-endpoints/{name}"))

    def get_credentials(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Return the keys of an endpoint."""
        return dict(self.session.post(f"{PREFIX}/stages/{stage}/online-endpoints/{name}:get-credentials"))
