"""Signing in and out over HTTP."""

from dataclasses import dataclass
from typing import Any

from bucle.client.http import Session

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Sessions of people. The answer's `session` is what `Client(address, token=…)` takes from then on."""

    session: Session

    def login(self, name: str, password: str) -> dict[str, Any]:
        """Open a session by name and password."""
        return dict(self.session.post(f"{PREFIX}/sign-in:login", {"name": name, "password": password}))

    def redeem(self, code: str, password: str) -> dict[str, Any]:
        """Set a password with the code of an invitation, and open a session."""
        return dict(self.session.post(f"{PREFIX}/sign-in:redeem", {"code": code, "password": password}))

    def logout(self) -> dict[str, Any]:
        """End the session that this client calls with."""
        return dict(self.session.post(f"{PREFIX}/sign-in:logout"))
