"""Promotions over HTTP: plan, request, approve, wait; rollback."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bucle import errors
from bucle.client.http import Session

PREFIX = "/api/v1"
LOOK_S = 0.2
ENDED = frozenset({"completed", "refused", "rejected", "returned", "canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotions:
    """Promotions of releases."""

    session: Session
    sleep: Callable[[float], None] = time.sleep

    def plan(self, release: str, to: str) -> dict[str, Any]:
        """Return what promoting `NAME:VERSION` or an alias to a stage would do; nothing moves."""
        return dict(self.session.post(f"{PREFIX}/promotions:plan", {"release": release, "to": to}))

    def request(self, release: str, to: str) -> dict[str, Any]:
        """Request a promotion."""
        return dict(self.session.post(f"{PREFIX}/promotions", {"release": release, "to": to}))

    def list(self, *, stage: str = "dev") -> Sequence[dict[str, Any]]:
        """Return the newest promotions into a stage."""
        return [*self.session.pages(f"{PREFIX}/stages/{stage}/promotions")]

    def show(self, name: str) -> dict[str, Any]:
        """Return a promotion: plan, gates, approvals, rollout."""
        return dict(self.session.get(f"{PREFIX}/promotions/{name}"))

    def inbox(self) -> Sequence[dict[str, Any]]:
        """Return what waits for the caller."""
        return [*self.session.pages(f"{PREFIX}/inbox")]

    def approve(
        self, name: str, *, acknowledge: Sequence[str] = (), alias: str | None = None, comment: str | None = None
    ) -> dict[str, Any]:
        """Approve a promotion, taking on the inconclusive checks that are named; `alias` under governance solo."""
        body = {"acknowledge": [*acknowledge], "alias": alias, "comment": comment}
        return dict(self.session.post(f"{PREFIX}/promotions/{name}:approve", body))

    def reject(self, name: str, *, comment: str | None = None) -> dict[str, Any]:
        """Reject a promotion."""
        return dict(self.session.post(f"{PREFIX}/promotions/{name}:reject", {"comment": comment}))

    def execute(self, name: str) -> dict[str, Any]:
        """Take a promotion for execution."""
        return dict(self.session.post(f"{PREFIX}/promotions/{name}:execute"))

    def cancel(self, name: str) -> dict[str, Any]:
        """Cancel a promotion."""
        return dict(self.session.post(f"{PREFIX}/promotions/{name}:cancel"))

    def rollback(self, endpoint: str, *, stage: str) -> dict[str, Any]:
        """Send all traffic of an endpoint back to the release that served before."""
        return dict(self.session.post(f"{PREFIX}/stages/{stage}/online-endpoints/{endpoint}:rollback"))

    def wait(self, name: str, *, timeout_s: float | None = None) -> dict[str, Any]:
        """Wait for a promotion's end; return it completed.

        Raises Refused when a gate or a person said no, WorkFailed when its canary returned, StillWaiting when the time
        ran out.
        """
        began = time.monotonic()
        while (found := self.show(name))["state"] not in ENDED:
            if timeout_s is not None and time.monotonic() - began > timeout_s:
                raise errors.StillWaiting("promotion.still_waiting", name=name, state=found["state"])
            self.sleep(LOOK_S)
        if found["state"] in {"returned", "canceled"}:
            raise errors.WorkFailed("promotion.returned", name=name, reason=found["reason"])
        if found["state"] != "completed":
            raise errors.Refused("promotion.refused", name=name, reason=found["reason"])
        return found
