"""The people of the demo: each invited, each signed in with a password of his own that is kept in memory only."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bucle.client import Client

NAMES = ("data-scientist", "ml-engineer", "data-engineer", "infra-engineer", "approver", "auditor")


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Signed-in clients, one a role."""

    data_scientist: Client
    ml_engineer: Client
    data_engineer: Client
    infra_engineer: Client
    approver: Client
    auditor: Client

    def __enter__(self) -> Self:
        """Return the people themselves."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every session."""
        for client in self.everybody():
            client.sign_in.logout()
            client.close()

    def everybody(self) -> Sequence[Client]:
        """Return all clients."""
        return [getattr(self, name.replace("-", "_")) for name in NAMES]


def sign_in(administrator: Client) -> People:
    """Invite everybody, redeem each invitation with a random password, and return the sessions."""
    return People(**{name.replace("-", "_"): _sign_in(administrator, name) for name in NAMES})


def _sign_in(administrator: Client, name: str) -> Client:
    code = administrator.principal.invite(name)["code"]
    with Client(administrator.address) as nobody:
        session = nobody.sign_in.redeem(code, secrets.token_urlsafe(24))["session"]
    return Client(administrator.address, session)
