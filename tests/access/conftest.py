"""A real installation in this process, without a turning engine: its API, and a clock that a test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from bucle.access import policy
from bucle.access.passwords import Passwords
from bucle.config import Home
from bucle.ops.world import World
from bucle.server.app import build_application
from bucle.store import events
from bucle.store.tables.access import policy as policy_table
from tests.conftest import composed

PASSWORD = "correct horse battery"


@dataclass(slots=True, kw_only=True)
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        """Return the instant it stands at."""
        return self.at

    def forward(self, **span: float) -> None:
        """Move it on."""
        self.at += timedelta(**span)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """An installation, the way in, and what a test does to it again and again."""

    world: World
    api: TestClient
    clock: Clock

    @property
    def admin(self) -> str:
        """The bootstrap administrator's token."""
        return self.world.home.admin_token.read_text().strip()

    def ask(self, method: str, path: str, credential: str | None = None, body: Any = None, **headers: str) -> Response:
        """Send one request."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if credential is not None:
            sent["Authorization"] = f"Bearer {credential}"
        return self.api.request(method, f"/api/v1{path}", json=body, headers=sent)

    def done(self, method: str, path: str, credential: str | None = None, body: Any = None) -> dict[str, Any]:
        """Send one request that succeeds; return its answer."""
        answer = self.ask(method, path, credential, body)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def person(self, name: str, *held: tuple[str, str]) -> str:
        """Invite somebody, let him sign in, grant him roles; return his session."""
        code = self.done("POST", f"/principals/{name}:invite", self.admin, {"kind": "person"})["code"]
        self.grant(name, *held)
        signed_in = self.done("POST", "/sign-in:redeem", body={"code": code, "password": PASSWORD})
        return str(signed_in["session"])

    def service(self, name: str, owner: str, *held: tuple[str, str]) -> None:
        """Make a service of somebody's with roles."""
        self.done("POST", "/principals", self.admin, {"name": name, "kind": "service", "owner": owner})
        self.grant(name, *held)

    def grant(self, name: str, *held: tuple[str, str]) -> None:
        """Grant roles as the administrator."""
        for role, scope in held:
            self.done("POST", "/bindings", self.admin, {"principal": name, "role": role, "scope": scope})

    def login(self, name: str, password: str = PASSWORD, credential: str | None = None) -> Response:
        """Try to sign in."""
        return self.ask("POST", "/sign-in:login", credential, {"name": name, "password": password})

    def lines(self) -> list[dict[str, Any]]:
        """Return the events of the platform."""
        with self.world.read() as rows:
            return [dict(line) for line in events.read_chain(rows, "platform", limit=1000)]


@contextmanager
def open_house(root: Path) -> Iterator[House]:
    """Give a fresh installation under `governance: team`; hashing is made cheap, since its cost proves nothing here."""
    with composed(Home(root=root)) as installation:
        clock = Clock()
        world = replace(installation.world, clock=clock, passwords=Passwords(cost=1 << 10))
        with world.records.write(clock()) as transaction:
            transaction.rows.execute(policy_table.update().values(governance="team"))
            policy.touch(transaction)
        with TestClient(build_application(world), base_url="http://127.0.0.1") as api:
            yield House(world=world, api=api, clock=clock)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Give a fresh installation of the test's own."""
    with open_house(tmp_path / "home") as made:
        yield made
