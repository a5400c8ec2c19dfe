"""Who may do what, over HTTP: principals, bindings, tokens, and the questions about them."""

import builtins
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bucle.client.http import Session

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principals:
    """People and services."""

    session: Session

    def create(self, name: str, *, kind: str, owner: str | None = None) -> dict[str, Any]:
        """Make a `person`, or a `service` that acts for its owner."""
        return dict(self.session.post(f"{PREFIX}/principals", {"name": name, "kind": kind, "owner": owner}))

    def list(self) -> list[dict[str, Any]]:
        """Return all principals by name."""
        return [*self.session.pages(f"{PREFIX}/principals")]

    def show(self, name: str) -> dict[str, Any]:
        """Return a principal and the roles he holds."""
        return dict(self.session.get(f"{PREFIX}/principals/{name}"))

    def invite(self, name: str, *, kind: str | None = None) -> dict[str, Any]:
        """Return a one-use `code`, valid for a day; with `kind="person"`, make him first where he is not known."""
        return dict(self.session.post(f"{PREFIX}/principals/{name}:invite", {"kind": kind}))

    def disable(self, name: str) -> dict[str, Any]:
        """Shut a principal out from the next request on."""
        return dict(self.session.post(f"{PREFIX}/principals/{name}:disable"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """Who holds which role where."""

    session: Session

    def create(self, principal: str, role: str, scope: str, *, expires_in: timedelta | None = None) -> dict[str, Any]:
        """Grant a role at a scope, for good or for a while."""
        body = {"principal": principal, "role": role, "scope": scope, "expires_in_s": _seconds(expires_in)}
        return dict(self.session.post(f"{PREFIX}/bindings", body))

    def list(self, *, principal: str | None = None, scope: str | None = None) -> list[dict[str, Any]]:
        """Return bindings; of one principal, or at one scope exactly, where asked."""
        return [*self.session.pages(f"{PREFIX}/bindings", principal=principal, scope=scope)]

    def idle(self, *, days: int = 90) -> Sequence[dict[str, Any]]:
        """Return bindings with which nothing was done for some days: candidates to be revoked."""
        return [*self.session.pages(f"{PREFIX}/bindings:idle", days=days)]

    def delete(self, binding_id: str) -> dict[str, Any]:
        """Revoke a binding."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        return dict(self.session.send("DELETE", f"{PREFIX}/bindings/{binding_id}", headers=headers).json())


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What can be granted."""

    session: Session

    def list(self) -> list[dict[str, Any]]:
        """Return the built-in roles, then the platform's own."""
        return [*self.session.pages(f"{PREFIX}/roles")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """API tokens."""

    session: Session

    def create(
        self,
        *,
        owner: str | None = None,
        windows: Sequence[Mapping[str, object]] = (),
        expires_in: timedelta | None = None,
    ) -> dict[str, Any]:
        """Return a new token with its text as `token`, this once.

        `windows` narrow it: `{"scope": "/stages/dev", "actions": ["jobs/read"]}`; no `actions` means any.
        """
        asked = [dict(window) for window in windows] or None
        body = {"owner": owner, "windows": asked, "expires_in_s": _seconds(expires_in)}
        return dict(self.session.post(f"{PREFIX}/tokens", body))

    def list(self, *, owner: str | None = None) -> list[dict[str, Any]]:
        """Return one's own live tokens and those of one's services, or those of one principal."""
        return [*self.session.pages(f"{PREFIX}/tokens", owner=owner)]

    def revoke(self, token_id: str) -> dict[str, Any]:
        """Revoke a token by its id."""
        return dict(self.session.post(f"{PREFIX}/tokens/{token_id}:revoke"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Can:
    """What somebody may do."""

    session: Session

    def check(
        self, action: str, scope: str, *, principal: str | None = None, data_class: str | None = None
    ) -> dict[str, Any]:
        """Say whether a principal (None: oneself) may do an action at a scope."""
        return self._ask(f"{PREFIX}/can", action, scope, principal, data_class)

    def why_denied(
        self, action: str, scope: str, *, principal: str | None = None, data_class: str | None = None
    ) -> dict[str, Any]:
        """Say why an act is refused: the nearest binding, the roles that would do, who can grant them."""
        return self._ask(f"{PREFIX}/can:why-denied", action, scope, principal, data_class)

    def matrix(self, stage: str) -> dict[str, Any]:
        """Return who may do what in a stage."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/can"))

    def _ask(self, path: str, action: str, scope: str, principal: str | None, data_class: str | None) -> dict[str, Any]:
        query: builtins.dict[str, object] = {"action": action, "scope": scope, "principal": principal}
        return dict(self.session.get(path, **query, **{"class": data_class}))


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
