"""The event chains over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bucle.client.http import Session

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The event chains."""

    session: Session

    def verify(self) -> dict[str, Any]:
        """Recompute every chain; return whether each holds."""
        return dict(self.session.get(f"{PREFIX}/audit:verify"))

    def compare(self, anchor: dict[str, Any]) -> dict[str, Any]:
        """Recompute every chain and hold it against signed heads of earlier; return whether each holds."""
        return dict(self.session.post(f"{PREFIX}/audit:compare", anchor))

    def list(self, chain: str = "platform") -> list[dict[str, Any]]:
        """Return the lines of a chain (a stage's name, or `platform`), oldest first."""
        return [*self.session.pages(f"{PREFIX}/audit", chain=chain)]

    def anchor(self) -> dict[str, Any]:
        """Return the signed heads of all chains, a DSSE envelope."""
        return dict(self.session.get(f"{PREFIX}/audit:anchor"))

    def export(self, chain: str = "platform") -> Iterator[dict[str, Any]]:
        """Yield the lines of a chain as they are digested, oldest first."""
        yield from self.session.pages(f"{PREFIX}/audit:export", chain=chain)

    def key(self) -> dict[str, Any]:
        """Return the public keys that verify what the platform signs."""
        return dict(self.session.get(f"{PREFIX}/audit:key"))
