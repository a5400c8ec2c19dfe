"""The installation of tests/access, and what applies a platform file there."""

from dataclasses import dataclass
from typing import Any

import pytest
from httpx2 import Response

from bucle.store import events
from tests.access.conftest import House, house

__all__ = ["house"]

TWO = {"dev": {"tier": "dev"}, "prod": {"tier": "prod"}}
PEOPLE = ("scientist", "engineer", "keeper", "builder", "approver")
TEAM: dict[str, Any] = {
    "name": "cars",
    "governance": "team",
    "paths": {"main": ["dev", "prod"]},
    "stages": TWO,
    "registries": ["shared"],
    "default_registry": "shared",
    "principals": [
        {"name": "robot", "kind": "service", "owner": "engineer"},
        *({"name": name, "kind": "person"} for name in PEOPLE),
    ],
    "bindings": [
        {"principal": "scientist", "role": "DataScientist", "scope": "/stages/dev"},
        {"principal": "engineer", "role": "MLEngineer", "scope": "/stages/prod"},
        {"principal": "keeper", "role": "DataEngineer", "scope": "/stages/prod"},
        {"principal": "builder", "role": "InfraEngineer", "scope": "/"},
        {"principal": "approver", "role": "Approver", "scope": "/stages/prod"},
        {"principal": "robot", "role": "MonitorAgent", "scope": "/stages/prod"},
    ],
    "owners": {"data": "keeper", "model": "engineer"},
    "prices": {"cpu_hour": "0.12 EUR"},
}
"""What a team writes: five people, a service, two stages of three that the first run made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """A house, and the file verbs on it."""

    house: House

    def ask(
        self, file: dict[str, Any], credential: str | None = None, *, verb: str = "apply", **query: str
    ) -> Response:
        """Send a platform file, as the bootstrap administrator unless a credential is given."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return self.house.ask("POST", f"/platform:{verb}?{asked}", credential or self.house.admin, file)

    def done(
        self, file: dict[str, Any], credential: str | None = None, *, verb: str = "apply", **query: str
    ) -> dict[str, Any]:
        """Send a platform file that is taken; return the answer."""
        answer = self.ask(file, credential, verb=verb, **query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def plan(self, file: dict[str, Any], credential: str | None = None, **query: str) -> dict[str, Any]:
        """Plan a platform file."""
        return self.done(file, credential, verb="plan", **query)

    def refused(self, file: dict[str, Any], **query: str) -> tuple[int, str]:
        """Send a platform file that is refused; return the status and the code."""
        answer = self.ask(file, **query)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    def told(self, chain: str) -> list[str]:
        """Return what the lines of a chain say happened to what."""
        with self.house.world.read() as rows:
            return [f"{line['what']} {line['subject']}" for line in events.read_chain(rows, chain, limit=1000)]

    def let_in(self, name: str) -> str:
        """Invite somebody who is known; return his session."""
        code = self.house.done("POST", f"/principals/{name}:invite", self.house.admin, {"kind": None})["code"]
        answer = self.house.done("POST", "/sign-in:redeem", body={"code": code, "password": "correct horse battery"})
        return str(answer["session"])


def texts(answer: dict[str, Any], *, allowed: bool = True) -> list[str]:
    """Return the words of the steps that are the caller's to do, or of those that are not."""
    return [step["text"] for step in answer["steps"] if step["allowed"] == allowed]


@pytest.fixture
def applying(house: House) -> Applying:
    """Give the file verbs on a fresh installation."""
    return Applying(house=house)
