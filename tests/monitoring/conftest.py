"""An endpoint of prod that has served cars: a release, its monitor and policy, rows as the gateway collected them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from bucle.access import principals
from bucle.assets import datastores, versions
from bucle.core.snapshot import Caller, Principal
from bucle.monitoring import traffic
from bucle.monitoring.traffic import Scored
from bucle.ops import monitor, retraining
from bucle.ops.monitor import Label
from bucle.ops.world import Call
from bucle.release import promotions, releases
from bucle.release.promotions import Served
from bucle.release.releases import Release
from bucle.serving import endpoints
from bucle.spec.digest import digest_of
from tests.access.conftest import House, house

__all__ = ["house"]

ENDPOINT, STAGE, DIGEST = "fuel", "prod", digest_of("release")
WINDOW = {"lookback_window_size": "P1Y"}
DATA = {"input_data": {"type": "uri_folder", "path": "azureml:x:1"}, "data_window": WINDOW}
SIGNAL = {
    "type": "model_performance",
    "production_data": DATA,
    "metric_thresholds": {"regression": {"mae": 3.0}},
    "alert_enabled": True,
}
MONITOR: dict[str, Any] = {
    "name": "cars",
    "trigger": {"type": "recurrence", "frequency": "day", "interval": 1},
    "create_monitor": {"compute": {"instance_type": "local"}, "monitoring_signals": {"performance": SIGNAL}},
}
RETRAIN = {
    "trigger": {"monitor": "cars", "signal": "performance"},
    "cooldown": "P2Y",
    "window": "P2Y",
    "bind": {"training_data": "window"},
}
WORDS = {
    "name": ENDPOINT, "model": "model", "task": "regression", "target": "mpg", "metric": "mae",
    "direction": "minimize", "evaluation_data": "predictions", "groups": ["origin"], "event_time": "at",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a test does with the endpoint."""

    house: House

    @property
    def call(self) -> Call:
        """Return a call of the administrator."""
        with self.house.world.read() as rows:
            known = principals.find(rows, "admin")
        assert known is not None
        who = Principal(id=known.id, name=known.name, person_id=known.person_id, kind=known.kind)
        return Call(caller=Caller(principal_id=who.id, session="login"), principal=who, via="api", request_id="r")

    def serve(self, data_class: str = "production") -> None:
        """Let the release serve the endpoint."""
        world = self.house.world
        born = Release(
            id="r1", alias="quiet-heron", digest=DIGEST, stage="dev", name=ENDPOINT, version="1", workspace="dev",
            manifest={
                "model": {"digest": digest_of("model"), "inputs": [{"name": "weight", "type": "double"}]},
                "release": WORDS, "monitor": MONITOR, "retrain": RETRAIN, "class": data_class,
                "job": {"name": "train"}, "environment": {"ask": digest_of("ask")},
            },
            evaluation={}, profile={}, sample={}, author_id=self.call.principal.id, created_at=world.clock(),
        )  # fmt: skip
        line = Served(
            seq=0, stage=STAGE, endpoint=ENDPOINT, release_id="r1", deployment="quiet-heron", promotion="p1",
            why="promotion", from_at=world.clock(),
        )  # fmt: skip
        with world.records.write(world.clock()) as transaction:
            releases.add_release(transaction, born)
            promotions.serve(transaction, line)
            made = endpoints.new_endpoint("e1", STAGE, {"name": ENDPOINT}, made_by="p", now=transaction.now)
            endpoints.create(transaction, made)

    def score(self, rows: Sequence[Scored], segment: str = "live-1") -> None:
        """Keep rows as a folded segment."""
        world = self.house.world
        with world.records.write(world.clock()) as transaction:
            traffic.keep(transaction, segment, rows)

    def label(self, given: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        """Post labels."""
        posted = [Label(correlation_id=name, label=value) for name, value in given]
        return monitor.label(self.house.world, self.call, STAGE, ENDPOINT, posted)

    def close(self, year: int) -> dict[str, Any]:
        """State that a year is over, judge, and return what the monitor shows."""
        at = datetime(year + 1, 1, 1, tzinfo=UTC)
        monitor.state_watermark(self.house.world, self.call, STAGE, ENDPOINT, at)
        return self.judged()

    def judged(self) -> dict[str, Any]:
        """Judge what is due, and return what the monitor shows."""
        monitor.advance(self.house.world)
        return monitor.show(self.house.world, self.call, STAGE, ENDPOINT)

    def retrained(self) -> dict[str, Any]:
        """Let the policy look at the incidents once, and return what the monitor shows."""
        retraining.advance(self.house.world)
        return monitor.show(self.house.world, self.call, STAGE, ENDPOINT)

    def asset(self, name: str) -> tuple[versions.Version, bytes]:
        """Return the newest version of a data asset of prod, and the bytes that a job would read."""
        with self.house.world.read() as rows:
            found = versions.latest(rows, STAGE, "data", name)
            store = datastores.find(rows, STAGE, datastores.DEFAULT)
        assert found is not None
        content = [path.read_bytes() for path in self.house.world.home.root.rglob(f"{name}.csv")]
        assert store.name == found.document["datastore"]
        return found, content[-1]


def car(number: int, year: int, *, event_at: datetime | str | None = "") -> Scored:
    """Return a car that was scored in July of a year, its prediction 20."""
    at = datetime(year, 7, 1 + number % 28, tzinfo=UTC) if event_at == "" else event_at
    return Scored(
        stage=STAGE, endpoint=ENDPOINT, correlation_id=f"car-{year}-{number}", request_id=f"car-{year}-{number}",
        deployment="quiet-heron", release=DIGEST, accepted_at=datetime(2026, 3, 1, tzinfo=UTC),
        event_at=at if isinstance(at, datetime) else None,
        columns={"weight": 1500.0 + number, "origin": "usa" if number % 2 else "japan"}, prediction=20.0,
    )  # fmt: skip


def cars(year: int, count: int = 30) -> list[Scored]:
    """Return the cars of a year."""
    return [car(number, year) for number in range(count)]


def labels(year: int, off: float, count: int = 30) -> list[tuple[str, float]]:
    """Return what the cars of a year really consumed: the prediction less `off`."""
    return [(f"car-{year}-{number}", 20.0 - off) for number in range(count)]


@pytest.fixture
def watched(house: House) -> Watched:
    """Give the endpoint, served and with nothing scored yet."""
    made = Watched(house=house)
    made.serve()
    return made
