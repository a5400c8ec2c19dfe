"""Labels and monitors over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bucle.client.http import Session

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Labels of what was scored."""

    session: Session

    def create(self, endpoint: str, labels: Sequence[dict[str, Any]], *, stage: str) -> dict[str, Any]:
        """Send labels: `{"correlation_id": …, "label": …, "labelled_at": …}`; return how each kind was taken."""
        path = f"{PREFIX}/stages/{stage}/endpoints/{endpoint}/labels"
        return dict(self.session.post(path, {"labels": [*labels]}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitors:
    """Monitors of endpoints."""

    session: Session

    def show(self, endpoint: str, *, stage: str) -> dict[str, Any]:
        """Return what every closed window said, the incidents, the retrainings."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/endpoints/{endpoint}/monitor"))

    def watermark(self, endpoint: str, at: str, *, stage: str) -> dict[str, Any]:
        """State that every event before `at` (RFC 3339) has been sent."""
        path = f"{PREFIX}/stages/{stage}/endpoints/{endpoint}/watermark"
        return dict(self.session.post(path, {"at": at}))
