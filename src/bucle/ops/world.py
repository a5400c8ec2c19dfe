"""The world a verb acts on and the call it answers: everything with input or output is passed in here by name."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from bucle.access.attempts import Attempts
from bucle.access.keys import Keys
from bucle.access.passwords import Passwords
from bucle.access.policy import Policy
from bucle.access.secret_keys import SecretKeys
from bucle.access.signing import Signing
from bucle.config import Home
from bucle.core.classes import Tier
from bucle.core.snapshot import Caller, Principal
from bucle.execution.environments import Environments
from bucle.execution.launcher import Launcher
from bucle.ops.request_counts import RequestCounts
from bucle.serving.routes import Routes
from bucle.store.events import Event
from bucle.store.objects import Objects
from bucle.store.records import Attempted, Records, Transaction

Via = Literal["api", "studio", "mlflow", "clock", "engine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: who calls, through which door, under which idempotency key (None: not repeatable)."""

    caller: Caller
    principal: Principal
    via: Via
    request_id: str
    attempted: Attempted | None = None

    def event(
        self,
        chain: str,
        what: str,
        subject: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Event:
        """Return the line that says this caller did `what` to `subject`."""
        return Event(
            chain=chain,
            who=self.principal.name,
            via=self.via,
            what=what,
            subject=subject,
            before=before,
            after=after,
            request_id=self.request_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Scripts of ours that system steps run beside user code, by their paths."""

    package_model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Records, objects, keys, launcher and clock of one installation."""

    home: Home
    records: Records
    objects: Objects
    keys: Keys
    policy: Policy
    launcher: Launcher
    routes: Routes
    tools: Tools
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    random: Callable[[int], bytes]
    wake: Callable[[], None]
    """Makes the engine turn now."""
    pythons: Callable[[], Mapping[str, str]]
    """The interpreters of this host by minor version: `3.11` and its path."""
    scoring_address: Callable[[], str | None]
    """Where the gateway answers, or None while it does not."""
    secret_keys: SecretKeys
    signing: Signing
    passwords: Passwords = field(default_factory=Passwords)
    attempts: Attempts = field(default_factory=Attempts)
    requests: RequestCounts = field(default_factory=RequestCounts)

    @property
    def models(self) -> Path:
        """Where models are laid out for their workers."""
        return self.home.root / "models"

    def environments(self, tier: Tier) -> Environments:
        """Return the environments of a tier."""
        return Environments(root=self.home.environments, tier=tier)

    @contextmanager
    def write(self, call: Call) -> Iterator[Transaction]:
        """Yield the one transaction of a verb."""
        with self.records.write(self.clock(), call.attempted) as transaction:
            yield transaction

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield one consistent state to read."""
        with self.records.read() as rows:
            yield rows
