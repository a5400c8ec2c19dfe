"""A server killed at each step of a model's way: packaged, requested, approved, rolled out, written down, once."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest

from bucle import errors
from tests.faults.house import House, await_true
from tests.release.conftest import ENDED, ENDPOINT, LOOK_S, PATIENCE_S, STAGE, Platform, doubts

pytestmark = pytest.mark.slow
WAY = [
    "before commit: INSERT INTO promotion ",
    "after commit: INSERT INTO promotion ",
    "before commit: INSERT INTO approval ",
    "after commit: INSERT INTO approval ",
    "before commit: UPDATE promotion ",
    "after commit: UPDATE promotion ",
    "before commit: UPDATE endpoint ",
    "after commit: UPDATE endpoint ",
    "before rename: /routes.json",
    "after rename: /routes.json",
    "before commit: INSERT INTO ledger ",
    "after commit: INSERT INTO ledger ",
]
"""Asked for; approved; taken; begun; half of the traffic moved, written and followed; all of it; in the ledger."""
PACKAGING = [f"{when} commit: INSERT INTO {what} " for what in ("packaging", "release") for when in ("before", "after")]
ONCE = ("request", "approve", "begin", "complete")


class Walk:
    """People who ask again, under the same key, whenever the server died on them."""

    def __init__(self, platform: Platform, house: House, point: str) -> None:
        self.platform, self.house, self.point = platform, house, point
        self.deaths = 0

    def arm(self) -> None:
        """Let the point count from now on."""
        self.house.arm(self.point)

    def ask(self, who: str, path: str, body: object) -> dict[str, Any]:
        """Ask until there is an answer."""
        headers = {
            "Authorization": f"Bearer {self.platform.sessions[who]}",
            "Idempotency-Key": f"{self.point} {who} {path}",
        }
        while True:
            with suppress(httpx2.TransportError):
                answer = httpx2.post(f"{self.address}/api/v1{path}", json=body, headers=headers, timeout=PATIENCE_S)
                assert answer.is_success, answer.text
                return dict(answer.json())
            self.revive()

    def show(self, who: str, path: str) -> dict[str, Any]:
        """Look until there is an answer."""
        headers = {"Authorization": f"Bearer {self.platform.sessions[who]}"}
        while True:
            with suppress(httpx2.TransportError):
                answer = httpx2.get(f"{self.address}/api/v1{path}", headers=headers, timeout=PATIENCE_S)
                assert answer.is_success, answer.text
                return dict(answer.json())
            self.revive()

    def package(self, version: str) -> dict[str, Any]:
        """Make a version of the sound model; return it."""
        body = {"job": self.platform.train("none"), "name": None, "version": version}
        begun = self.ask("scientist", "/stages/dev/models", body)
        path = f"/stages/dev/models/{begun['name']}/versions/{version}"
        while (made := self.show("scientist", path))["state"] == "running":
            time.sleep(LOOK_S)
        return made

    def revive(self) -> None:
        """Start the server again."""
        self.house.await_death()
        self.deaths += 1
        self.house.start()

    @property
    def address(self) -> str:
        """The server's address, which stays what it is."""
        return f"http://127.0.0.1:{self.house.port}"


@pytest.fixture(scope="module")
def house(platform: Platform, first: dict[str, Any]) -> Iterator[House]:
    """Give the platform a server that can be killed at a point; a model serves."""
    assert first["state"] == "completed"
    platform.installation.bucle("down")
    made = House(folder=platform.installation.home.parent)
    made.start()
    await_true(lambda: platform.endpoint()["scoring_uri"] is not None, "the gateway is up")
    yield made
    made.close()
    platform.installation.up()


@pytest.mark.parametrize("point", WAY)
def test_a_promotion(platform: Platform, house: House, point: str) -> None:
    """It comes to its end as if nothing had been; each of its steps is in the chain once, the release in the ledger."""
    before = platform.production()
    walk = Walk(platform, house, point)
    model = walk.package(str(200 + WAY.index(point)))
    walk.arm()
    asked = {"release": f"{model['name']}:{model['version']}", "to": STAGE}
    name = walk.ask("scientist", "/promotions", asked)["name"]
    begun = walk.show("engineer", f"/promotions/{name}")
    assert begun["state"] == "awaiting approval", begun
    walk.ask("approver", f"/promotions/{name}:approve", {"acknowledge": doubts(begun)})
    walk.ask("engineer", f"/promotions/{name}:execute", {})
    while (ended := walk.show("engineer", f"/promotions/{name}"))["state"] not in ENDED:
        with suppress(httpx2.TransportError, errors.PlatformFault):  # the server dies on whoever asks just then
            assert sum(platform.endpoint()["traffic"].values()) == 100
            platform.ask(10)
        time.sleep(LOOK_S)
    assert (ended["state"], walk.deaths) == ("completed", 1), ended
    _assert_once(platform, ended, len(before.ledger) + 1)
    with platform.of("engineer") as engineer:
        for former in before.traffic:
            engineer.online_deployment.delete(ENDPOINT, former, stage=STAGE)


def _assert_once(platform: Platform, ended: dict[str, Any], lines: int) -> None:
    """See that the release serves alone, stands once more in the ledger, and that each step has its one line."""
    assert platform.endpoint()["traffic"] == {ended["deployment"]: 100}
    assert {one.status_code for one in platform.ask(5)} == {200}
    ledger = platform.production().ledger
    assert (len(ledger), ledger[0]["digest"]) == (lines, ended["release_digest"])
    with platform.of("auditor") as auditor:
        told = Counter(
            line["what"] for line in auditor.audit.list(STAGE) if line["subject"] == f"promotion/{ended['name']}"
        )
        assert auditor.audit.verify()["intact"]
    assert {what: told[f"promotions/{what}"] for what in ONCE} == dict.fromkeys(ONCE, 1)


@pytest.mark.parametrize("point", PACKAGING)
def test_a_model_is_packaged(platform: Platform, house: House, point: str) -> None:
    """A version that is being made when the server dies is made, once, and whole."""
    version = str(100 + PACKAGING.index(point))
    walk = Walk(platform, house, point)
    walk.arm()
    made = walk.package(version)
    assert (made["state"], walk.deaths) == ("done", 1), made
    with platform.of("auditor") as auditor:
        told = [line["what"] for line in auditor.audit.list("dev") if line["subject"].endswith(f":{version}")]
        assert auditor.audit.verify()["intact"]
    assert max(Counter(told).values()) == 1, told
