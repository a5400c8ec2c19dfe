"""Replays over HTTP: a past prediction computed again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bucle.client.http import Session

PREFIX = "/api/v1"
ENDED = frozenset({"completed", "failed", "canceled"})
LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Replays:
    """Replays of requests."""

    session: Session
    sleep: Callable[[float], None] = time.sleep

    def create(self, request_id: str) -> dict[str, Any]:
        """Begin to compute a request's predictions again."""
        return dict(self.session.post(f"{PREFIX}/replay/{request_id}"))

    def show(self, request_id: str) -> dict[str, Any]:
        """Return whether they equal those that were answered; `state` says whether that is known yet."""
        return dict(self.session.get(f"{PREFIX}/replay/{request_id}"))

    def wait(self, request_id: str) -> dict[str, Any]:
        """Wait until it is known."""
        while (found := self.show(request_id))["state"] not in ENDED:
            self.sleep(LOOK_S)
        return found
