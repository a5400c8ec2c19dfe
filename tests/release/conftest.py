"""A platform with its people, on which small models with one fault each walk towards a production that serves."""

import csv
import json
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bucle.client import Client
from tests.conftest import Installation

PASSWORD = "correct horse battery staple"
PATIENCE_S = 300.0
LOOK_S = 0.1
HERE = Path(__file__).parent
ROWS = 700
KNOWN_ROWS = 400
"""The first rows, which the job trains on; the rest is held back (`train.py`)."""
ENDPOINT, STAGE = "cost", "prod"
ENDED = {"completed", "refused", "rejected", "returned", "canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """What production is at an instant: its ledger, its traffic, and what it answers to one request."""

    ledger: Any
    traffic: Any
    answer: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The installation, the project, and the sessions of its people."""

    installation: Installation
    folder: Path
    sessions: dict[str, str]
    made: dict[tuple[str, float], str] = field(default_factory=dict)

    def of(self, name: str) -> Client:
        """Return the client of somebody, in his own session."""
        return Client(self.installation.address, self.sessions[name])

    def train(self, fault: str, alpha: float = 1.0) -> str:
        """Begin to train a model with a fault, once; return its job."""
        if (fault, alpha) not in self.made:
            assignments = (f"inputs.fault={fault}", f"inputs.alpha={alpha}")
            with self.of("scientist") as scientist:
                begun = scientist.job.create(self.folder / "job.yml", stage="dev", assignments=assignments)
            self.made[fault, alpha] = begun["name"]
        return self.made[fault, alpha]

    def package(self, fault: str, alpha: float = 1.0) -> str:
        """Train and package a model; return its `NAME:VERSION`."""
        job = self.train(fault, alpha)
        with self.of("scientist") as scientist:
            ended = scientist.job.wait(job, stage="dev")
            assert ended["status"] == "completed", scientist.job.log(job, stage="dev")
            begun = scientist.model.create(job, stage="dev")
            made = scientist.model.wait(begun["name"], begun["version"], stage="dev")
        return f"{made['name']}:{made['version']}"

    def request(self, model: str) -> dict[str, Any]:
        """Request a model's promotion to production, as the scientist who made it."""
        with self.of("scientist") as scientist:
            return scientist.promotion.request(model, STAGE)

    def approve(self, begun: dict[str, Any]) -> None:
        """Have a promotion approved by the approver and taken by the engineer."""
        with self.of("approver") as approver, self.of("engineer") as engineer:
            approver.promotion.approve(begun["name"], acknowledge=doubts(begun))
            engineer.promotion.execute(begun["name"])

    def show(self, name: str) -> dict[str, Any]:
        """Return a promotion as it stands."""
        with self.of("engineer") as engineer:
            return engineer.promotion.show(name)

    def cancel(self, name: str) -> dict[str, Any]:
        """Cancel a promotion, and wait for its end."""
        with self.of("engineer") as engineer:
            engineer.promotion.cancel(name)
        return self.end_of(name)

    def end_of(self, name: str, *, asking: bool = False) -> dict[str, Any]:
        """Wait for the end of a promotion, sending requests meanwhile when `asking`."""
        return self.await_state(name, lambda found: found["state"] in ENDED, asking=asking)

    def await_state(
        self, name: str, holds: Callable[[dict[str, Any]], bool], *, asking: bool = False
    ) -> dict[str, Any]:
        """Wait until a promotion stands as wanted."""
        until = time.monotonic() + PATIENCE_S
        while not holds(found := self.show(name)):
            assert time.monotonic() < until, found
            assert found["state"] not in ENDED, found
            if asking and found["state"] == "rolling":
                self.ask(10)
            time.sleep(LOOK_S)
        return found

    def refused(self, fault: str) -> dict[str, Any]:
        """Walk a faulty model as far as it comes; return its promotion, which was refused."""
        begun = self.request(self.package(fault))
        if begun["state"] == "awaiting approval":
            self.approve(begun)
            begun = self.end_of(begun["name"])
        assert begun["state"] == "refused", begun
        return begun

    def endpoint(self) -> dict[str, Any]:
        """Return the endpoint of production."""
        with self.of("engineer") as engineer:
            return engineer.online_endpoint.show(ENDPOINT, stage=STAGE)

    def ask(self, count: int = 1, **named: str) -> list[httpx2.Response]:
        """Send requests of one row to production."""
        with self.of("engineer") as engineer:
            key = engineer.online_endpoint.get_credentials(ENDPOINT, stage=STAGE)["primaryKey"]
            address = engineer.online_endpoint.show(ENDPOINT, stage=STAGE)["scoring_uri"]
        row = {"columns": ["size", "load", "region"], "index": [0], "data": [[4.0, 7.0, "north"]]}
        headers = {"Authorization": f"Bearer {key}", **{name.replace("_", "-"): text for name, text in named.items()}}
        with httpx2.Client(headers=headers, timeout=30.0, trust_env=False) as http:
            return [http.post(address, json={"input_data": row}) for _ in range(count)]

    def production(self) -> Production:
        """Return what production is now."""
        with self.of("engineer") as engineer:
            ledger = engineer.model.history(ENDPOINT, stage=STAGE)
        return Production(ledger=ledger, traffic=self.endpoint()["traffic"], answer=self.ask()[0].json())


def doubts(found: dict[str, Any]) -> list[str]:
    """Return the names of the inconclusive checks of a promotion."""
    return [check["name"] for check in found["entry_gate"] if check["verdict"] == "inconclusive"]


def check_of(checks: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return one check of a gate."""
    (found,) = [check for check in checks if check["name"] == name]
    return found


def table() -> list[dict[str, Any]]:
    """Return the rows of the data: cost = 2 size + 3 load + noise, in three regions, of which one is small."""
    chance = random.Random(11)
    rows = []
    for _ in range(ROWS):
        size, load = chance.uniform(1, 9), chance.uniform(1, 9)
        (region,) = chance.choices(["north", "south", "east"], weights=[60, 34, 6])
        cost = 2 * size + 3 * load + chance.gauss(0, 0.5)
        rows.append({"size": size, "load": load, "region": region, "cost": cost})
    return rows


def held_back(region: str) -> int:
    """Return how many rows of a region the models are judged on."""
    return len([row for row in table()[KNOWN_ROWS:] if row["region"] == region])


def _write_data(folder: Path) -> None:
    rows = table()
    with (folder / "costs.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "data.yml").write_text(json.dumps({"name": "costs", "type": "uri_file", "path": "./costs.csv"}))


def _sign_in(administrator: Client, name: str) -> str:
    code = administrator.principal.invite(name)["code"]
    with Client(administrator.address) as nobody:
        return str(nobody.sign_in.redeem(code, PASSWORD)["session"])


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Give the platform with its people, its data and its gate; nothing serves yet."""
    root = tmp_path_factory.mktemp("release")
    shutil.copytree(HERE, root / "work", ignore=shutil.ignore_patterns("__pycache__", "test_*", "conftest.py"))
    folder = root / "work"
    _write_data(folder)
    installation = Installation(home=root / "home")
    installation.up()
    try:
        with installation.client() as administrator:
            administrator.platform.apply(folder / "platform.yml")
            administrator.gate.set(folder / "gate.yml")
            people = ("scientist", "engineer", "keeper", "approver", "auditor")
            sessions = {name: _sign_in(administrator, name) for name in people}
        made = Platform(installation=installation, folder=folder, sessions=sessions)
        with made.of("keeper") as keeper:
            keeper.data.create(folder / "data.yml", stage="dev")
        yield made
    finally:
        installation.bucle("down")


@pytest.fixture(scope="session")
def first(platform: Platform) -> dict[str, Any]:
    """Give the promotion of a sound model that serves production: the positive control of every refusal."""
    begun = platform.request(platform.package("none"))
    platform.approve(begun)
    ended = platform.end_of(begun["name"])
    assert ended["state"] == "completed", ended
    return ended


@pytest.fixture(scope="session")
def better(platform: Platform, first: dict[str, Any]) -> str:
    """Give a second sound model that is packaged and goes nowhere yet."""
    assert first["state"] == "completed"
    return platform.package("none", alpha=2.0)
