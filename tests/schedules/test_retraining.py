"""The schedule of a retraining policy: a tick begins a retraining of what serves, once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bucle.monitoring import findings
from bucle.ops import retraining
from bucle.ops.retraining_cause import due_causes
from bucle.release import promotions
from bucle.release.promotions import Served
from bucle.serving import endpoints
from tests.access.conftest import House
from tests.endpoints.conftest import Shelf

DAILY = {
    "schedule": {"type": "cron", "expression": "0 6 * * *"},
    "cooldown": "P1D",
    "window": "P30D",
    "bind": {"training": "window"},
}


@pytest.fixture
def served(house: House, tmp_path: Path) -> House:
    """Give a model with a daily policy that has served prod since noon of 10 January 2027."""
    house.clock.at = datetime(2027, 1, 10, 12, tzinfo=UTC)
    folder = tmp_path / "car"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}\n")
    release = Shelf(world=house.world).release("car", folder, retrain=DAILY)
    line = Served(
        seq=0, stage="prod", endpoint="car", release_id=release.id, deployment="car", promotion="p", why="promotion",
        from_at=house.clock(),
    )  # fmt: skip
    with house.world.records.write(house.clock()) as transaction:
        made = endpoints.new_endpoint("e", "prod", {"name": "car"}, made_by="p", now=house.clock())
        endpoints.create(transaction, made)
        promotions.serve(transaction, line)
    return house


def test_a_tick_calls_for_the_rows_before_it(served: House) -> None:
    """Before six o'clock there is no cause; at half past there is one, whose newest rows are those of the last day."""
    with served.world.read() as rows:
        assert due_causes(rows, served.clock()) == []
        (cause,) = due_causes(rows, datetime(2027, 1, 11, 6, 30, tzinfo=UTC))
    assert (cause.stage, cause.endpoint, cause.document["champion"]) == ("prod", "car", "car-1-alias")
    assert cause.newest.start == datetime(2027, 1, 10, 6, tzinfo=UTC)
    assert cause.newest.end == datetime(2027, 1, 11, 6, tzinfo=UTC)


def test_a_tick_without_labels_is_told_once(served: House) -> None:
    """Where nothing was labelled the retraining fails with that reason, and is not tried again before the next tick."""
    served.person("engineer")
    served.service("robot", "engineer", ("MonitorAgent", "/stages/prod"))
    for at in ((11, 6, 30), (11, 6, 31), (12, 6, 30)):
        served.clock.at = datetime(2027, 1, *at, tzinfo=UTC)
        retraining.advance(served.world)
    with served.world.read() as rows:
        found = findings.retrainings(rows, "prod", "car")
    assert [one.document["tick"][:13] for one in found] == ["2027-01-12T06", "2027-01-11T06"]
    assert {one.state for one in found} == {"failed"}
